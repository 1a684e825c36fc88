"""Extraction from files without labels, on disk and elsewhere, in shards."""

import csv

import pytest

from tests.commands.calling import Failed, call
from tests.fakes import graded_clips
from tests.stores import tar_of
from vqa.files import content_hash
from vqa.remote import scratch as module


@pytest.fixture
def place(tmp_path, store, monkeypatch):
    monkeypatch.setattr(module, "_OWN", {})
    monkeypatch.setenv("VQA_SCRATCH", str(tmp_path / "scratch"))
    graded_clips(tmp_path, count=4)
    clips = [(tmp_path / "videos" / f"clip{number}.mp4") for number in range(4)]
    store.mkdir("extract")
    store.put_file(str(clips[0]), "extract/v/0.mp4")
    store.put_file(str(clips[1]), "extract/v/1.mp4")
    (tmp_path / "x.tar").write_bytes(tar_of({"2.mp4": clips[2].read_bytes(), "3.mp4": b"no"}))
    yield tmp_path
    store.rm("extract", recursive=True)
    for one in module._OWN.values():
        one.remove()


def extract(place, *words):
    call(
        "extract", place, f"videos=[s3://extract/v/,{place}/x.tar,s3://extract/none.mp4]",
        "features=multiscale", *words,
    )  # fmt: skip


def test_files_from_anywhere_are_described_by_content(place, capsys):
    with pytest.raises(Failed) as failure:
        extract(place, "shard=1/2")  # 0.mp4, 2.mp4 of the tar, none.mp4
    assert failure.value.status == 1
    assert "2 made, 0 found, 1 failed" in capsys.readouterr().out
    with pytest.raises(Failed):
        extract(place)
    assert "1 made, 2 found, 2 failed" in capsys.readouterr().out
    stored = {path.stem for path in (place / "cache").rglob("*.safetensors")}
    assert stored == {content_hash(place / "videos" / f"clip{number}.mp4") for number in range(3)}
    (failures,) = (place / "cache").rglob("failures-files-1-of-1.csv")
    with failures.open(encoding="utf-8", newline="") as file:
        causes = {row["video"]: row["cause"] for row in csv.DictReader(file)}
    assert set(causes) == {f"{place}/x.tar/3.mp4", "s3://extract/none.mp4"}
    assert causes["s3://extract/none.mp4"] == "no such file: s3://extract/none.mp4"
    assert "scratch" not in causes[f"{place}/x.tar/3.mp4"]
    assert not list((place / "scratch").rglob("*.mp4"))


def test_places_that_name_nothing_are_refused(place):
    with pytest.raises(Failed, match=r"no videos found: no such file: s3://extract/none/") as error:
        call("extract", place, "videos=s3://extract/none/", "features=multiscale")
    assert error.value.status == 2
