"""The command, from its configuration to its exit status."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

from tests.clips import cut, write_clip
from tests.places import CONF, ROOT
from vqa.commands.doctor.__main__ import check
from vqa.commands.doctor.checkup import write

CLIPS = ROOT.parent / "shared" / "data" / "konvid-clips"


def config(*overrides):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("doctor", list(overrides))


@pytest.fixture
def own(tmp_path):
    """Own data of three videos: one whole, one cut short, one absent; and a file without label."""
    place = tmp_path / "own"
    place.mkdir()
    write_clip(place / "a.mp4", 10, size=(64, 48))
    cut(write_clip(place / "b.mp4", 40, size=(64, 48), muxer_options={"movflags": "faststart"}))
    write_clip(place / "stranger.mp4", 11, size=(64, 48))
    rows = "video,mos,width,height\na.mp4,3,64,48\nb.mp4,2,64,48\nc.mp4,4,64,48\n"
    (place / "labels.csv").write_text(rows)
    return place


def overrides(place):
    return ["data=csv", f"data.labels={place / 'labels.csv'}", "data.mos_range=[1,5]"]


def kinds(checkup):
    return {(finding.kind, finding.video) for finding in checkup.findings}


def test_own_data(own, tmp_path):
    checkup = check(config(*overrides(own)), tmp_path / "j.jsonl")
    assert kinds(checkup) == {("missing", "c.mp4"), ("unreadable", "b.mp4"), ("extra", None)}
    assert checkup.faults == ["missing", "unreadable"]
    assert checkup.usable == ["a.mp4"]
    skipping = check(config(*overrides(own), "data.missing=skip"), tmp_path / "j.jsonl")
    assert skipping.faults == ["unreadable"]


def test_a_whole_database_in_another_folder(own, tmp_path):
    (own / "elsewhere").mkdir()
    for name in ("a.mp4", "b.mp4"):
        (own / name).rename(own / "elsewhere" / name)
    checkup = check(config(*overrides(own)), tmp_path / "j.jsonl")
    assert checkup.usable == []
    assert checkup.verdict.startswith("0 of 3 usable: none of the labelled files is there")
    assert kinds(checkup) == {
        ("renamed", "a.mp4"), ("renamed", "b.mp4"), ("missing", "c.mp4"), ("extra", None),
    }  # fmt: skip


def test_labels_outside_the_scale_are_a_finding_and_no_error(own, tmp_path):
    (own / "labels.csv").write_text("video,mos\na.mp4,7\nstranger.mp4,2\n")
    checkup = check(config(*overrides(own)), tmp_path / "j.jsonl")
    assert ("mos", "a.mp4") in kinds(checkup)
    assert checkup.usable == ["stranger.mp4"]


def test_against_another_database(own, tmp_path):
    (own / "other.csv").write_text("video,mos\na.mp4,3\nstranger.mp4,2\n")
    other = ["data=csv", f"data.labels={own / 'other.csv'}", "data.name=other"]
    path = write(check(config(*other), tmp_path / "other.jsonl"), tmp_path / "other.json")
    for against in (str(path), f"[{path}]"):
        checkup = check(config(*overrides(own), f"against={against}"), tmp_path / "j.jsonl")
        (shared,) = [finding for finding in checkup.findings if finding.kind == "shared"]
        assert (shared.video, shared.text) == ("a.mp4", "the same file as other: a.mp4")


def test_fresh_forgets_the_journal(own, tmp_path):
    journal = tmp_path / "j.jsonl"
    check(config(*overrides(own)), journal)
    lines = journal.read_bytes().splitlines()
    check(config(*overrides(own)), journal)
    assert journal.read_bytes().splitlines() == lines
    journal.write_bytes(journal.read_bytes() * 2)
    check(config(*overrides(own), "fresh=true"), journal)
    assert journal.read_bytes().splitlines() == lines


def test_several_databases_are_refused():
    with pytest.raises(ValueError, match=r"data=combined is several databases; check one"):
        check(config("data=combined"), Path("unused"))


def test_every_single_database_composes():
    names = {path.stem for path in (CONF / "data").glob("*.yaml")} - {"combined"}
    assert len(names) >= 6
    for name in names:
        data = config(f"data={name}").data
        assert {"name", "root", "missing", "reader"} <= set(data), name


def test_real_clips(tmp_path):
    if not CLIPS.is_dir():
        pytest.skip("the real KoNViD-1k clips are not here")
    checkup = check(config("data=konvid", f"data.root={CLIPS}"), tmp_path / "j.jsonl")
    assert {kind for kind, _ in kinds(checkup)} == {"missing"}
    assert len(checkup.findings) == 1192
    assert len(checkup.usable) == len(checkup.facts) == 8
    assert {(fact.width, fact.height) for fact in checkup.facts.values()} == {(960, 540)}
    assert {fact.frames for fact in checkup.facts.values()} == {192, 200, 240}


@pytest.mark.slow
def test_command_line(own, tmp_path):
    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "vqa.commands.doctor", *arguments],
            cwd=tmp_path, capture_output=True, text=True, timeout=300,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip

    first = run(*overrides(own))
    assert first.returncode == 1
    assert "FAULT  unreadable" in first.stdout
    assert "b.mp4: cut short" in first.stdout
    assert "1 of 3 usable" in first.stdout
    assert "error:" not in first.stderr
    content = json.loads((tmp_path / "doctor-csv.json").read_text())
    assert content["usable"] == 1
    assert len((tmp_path / "doctor-csv.journal.jsonl").read_text().splitlines()) == 2
    (own / "labels.csv").write_text("video,mos\na.mp4,3\nstranger.mp4,2\n")
    again = run(*overrides(own), f"output={tmp_path / 'deep' / 'x.json'}")
    assert (again.returncode, "2 of 2 usable" in again.stdout) == (0, True)
    assert (tmp_path / "deep" / "x.json").is_file()
    wrong = run("data=csv", "data.labels=nowhere.csv")
    assert wrong.returncode == 1
    assert wrong.stderr.splitlines()[-1].startswith("error: csv: the label table nowhere.csv")
