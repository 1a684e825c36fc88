"""Scoring files in a store, on a web server and in tars: as on disk, and each fault costs a row."""

import csv
import json

import pandas
import pytest

import vqa
from tests.commands.calling import Failed, run
from tests.stores import tar_of
from vqa.commands.scoring.identity import is_same
from vqa.files import content_hash
from vqa.remote import objects
from vqa.remote import scratch as module


@pytest.fixture
def place(own, tmp_path, monkeypatch):
    """The run `own`, and an empty folder to work in, with a scratch folder that ends empty."""
    monkeypatch.setattr(objects, "WAIT_S", 0.001)
    monkeypatch.setattr(module, "_OWN", {})
    monkeypatch.setenv("VQA_SCRATCH", str(tmp_path / "scratch"))
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    assert not list((tmp_path / "scratch").rglob("*-*.mp4"))
    for one in module._OWN.values():
        one.remove()


@pytest.fixture
def bucket(store, own):
    store.mkdir("videos")
    for number in range(3):
        store.put_file(clip(own, number), f"videos/set/{number}.mp4")
    yield store
    if store.exists("videos"):
        store.rm("videos", recursive=True)


def clip(own, number):
    return str(own / "videos" / f"clip{number}.mp4")


def content(own, number):
    return (own / "videos" / f"clip{number}.mp4").read_bytes()


def rows(place):
    with (place / "s.csv").open(encoding="utf-8", newline="") as file:
        return {row["video"]: row for row in csv.DictReader(file)}


def score(own, *words):
    run("score", own / "run", *words, "-o", "s.csv", "--quiet")


@pytest.fixture(scope="module")
def expected(own):
    """The scores of the same files on disk, as cells of a table."""
    scores = vqa.load(own / "run").score(clip(own, number) for number in range(5))
    return [{"score": f"{one.value}", "source": one.source} for one in scores]


def test_scores_are_those_of_files_on_disk(own, place, bucket, web, expected, capfd):
    web.files["/3.mp4"] = content(own, 3)
    (place / "y.tar").write_bytes(tar_of({"deep/4.mp4": content(own, 4), "deep/4.json": b"{}"}))
    bucket.pipe("videos/x-0.tar", tar_of({"0.mp4": content(own, 0), "1.mp4": b"no video"}))
    web_file = web.address("/3.mp4?token=secret", user="me:word@")
    (place / "list.txt").write_text(f"{web_file}\ny.tar\n", encoding="utf-8")
    with pytest.raises(Failed) as failure:
        run(
            "score", own / "run", "s3://videos/set/", "s3://videos/x-{0..1}.tar", "list.txt",
            "-o", "s.csv", "--html", "s.html",
        )  # fmt: skip
    assert failure.value.status == 1
    found = rows(place)
    names = [f"s3://videos/set/{number}.mp4" for number in range(3)]
    names += [web.address("/3.mp4"), f"{place}/y.tar/deep/4.mp4"]
    assert [found[name]["score"] for name in names] == [row["score"] for row in expected]
    assert [found[name]["source"] for name in names] == [row["source"] for row in expected]
    assert [bool(found[name]["state"]) for name in names] == [True] * 4 + [False]
    assert found["s3://videos/x-0.tar/0.mp4"]["score"] == expected[0]["score"]
    broken = found["s3://videos/x-0.tar/1.mp4"]["error"]
    assert broken
    assert "scratch" not in broken
    assert found["s3://videos/x-1.tar"]["error"] == "no such file: s3://videos/x-1.tar"
    assert len(found) == 8
    written = [path.read_text(encoding="utf-8") for path in place.glob("s.*")]
    shown = "".join([*written, *capfd.readouterr(), str(failure.value)])
    assert "secret" not in shown
    assert "word@" not in shown


def test_only_what_changed_in_the_store_is_read_again(own, place, bucket, monkeypatch):
    bucket.pipe("videos/x.tar", tar_of({"3.mp4": content(own, 3)}))
    monkeypatch.setattr("vqa.commands.scoring.command.write", interrupted)
    words = ("s3://videos/set/", "s3://videos/x.tar")
    with pytest.raises(Failed):
        score(own, *words)
    monkeypatch.undo()
    lines = (place / "s.csv.partial").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 4
    entries = {json.loads(line)["path"]: json.loads(line)["entry"] for line in lines}
    assert entries["s3://videos/set/0.mp4"]["state"].startswith("etag ")
    names = [f"s3://videos/set/{number}.mp4" for number in range(3)]
    assert all(is_same(name, entries[name]) for name in names)
    bucket.put_file(clip(own, 4), "videos/set/1.mp4")
    bucket.rm("videos/set/2.mp4")
    assert [is_same(name, entries[name]) for name in names] == [True, False, False]
    assert not is_same(names[0], {**entries[names[0]], "state": ""})  # a store that says nothing


def test_scores_in_a_store_of_files_in_a_store(own, place, bucket, expected, capsys):
    def scored():
        run("score", own / "run", "s3://videos/set/", "-o", "s3://videos/scores/")
        with bucket.open("videos/scores/_manifest.json") as file:
            names = [part["name"] for part in json.load(file)["parts"]]
        tables = [bucket.open(f"videos/scores/{name}") for name in names]
        rows = [row for table in tables for row in pandas.read_parquet(table).to_dict("records")]
        return {row["video"]: row for row in rows}, len(rows), capsys.readouterr().out

    found, count, _ = scored()
    names = [f"s3://videos/set/{number}.mp4" for number in range(3)]
    assert (list(found), count) == (names, 3)
    assert [f"{found[name]['score']}" for name in names] == [row["score"] for row in expected[:3]]
    bucket.put_file(clip(own, 4), "videos/set/1.mp4")
    found, count, printed = scored()
    assert count == 3
    assert f"{found[names[1]]['score']}" == expected[4]["score"]
    assert "3 of 3 files scored, 2 by an earlier start" in printed


def interrupted(*_, **__):
    raise OSError("no room")


def test_a_file_in_a_tar_on_disk_is_known_by_its_own_content(own, place):
    from vqa.remote.tars import member

    tar = place / "x.tar"
    tar.write_bytes(tar_of({"a.mp4": content(own, 0), "b.mp4": b"other"}))
    one = member(str(tar), "a.mp4").address
    assert is_same(one, {"source": content_hash(clip(own, 0)), "state": ""})
    tar.write_bytes(tar_of({"a.mp4": content(own, 0)[:-1] + b"x", "b.mp4": b"other"}))
    assert not is_same(one, {"source": content_hash(clip(own, 0)), "state": ""})


def test_faults_of_a_store_cost_their_rows(own, place, bucket, expected, monkeypatch):
    bucket.pipe("videos/set/1.mp4", content(own, 1)[:500])
    changes = {"s3://videos/set/2.mp4": content(own, 3)}
    copied = objects.copy

    def copy(address, path, found):
        if address in changes:  # somebody replaces it after the first look
            bucket.pipe(address, changes[address])
        copied(address, path, found)

    monkeypatch.setattr("vqa.remote.fetching.copy", copy)
    names = [f"s3://videos/set/{number}.mp4" for number in range(4)]
    with pytest.raises(Failed) as failure:
        score(own, *names, "s3://none/a.mp4")
    assert failure.value.status == 1
    found = rows(place)
    assert found[names[0]]["score"] == expected[0]["score"]
    assert found[names[1]]["error"]
    assert "changed while it was read" in found[names[2]]["error"]
    assert found[names[3]]["error"] == f"no such file: {names[3]}"
    assert "bucket does not exist" in found["s3://none/a.mp4"]["error"]


def test_a_bucket_that_vanishes_is_said_and_other_places_are_scored(own, place, store, expected):
    with pytest.raises(Failed, match="no such file: s3://none/set/") as failure:
        score(own, "s3://none/set/")
    assert failure.value.status == 2
    with pytest.raises(Failed) as failure:
        score(own, "s3://none/set/", clip(own, 0))
    assert failure.value.status == 1
    assert rows(place)[clip(own, 0)]["score"] == expected[0]["score"]
    assert "bucket does not exist" in rows(place)["s3://none/set/"]["error"]


def test_from_python(own, place, bucket, expected):
    scorer = vqa.load(own / "run")
    one = scorer("s3://videos/set/0.mp4")
    assert f"{one.value}" == expected[0]["score"]
    assert (one.video, one.source) == ("s3://videos/set/0.mp4", expected[0]["source"])
    assert scorer("s3://videos/none.mp4").error == "no such file: s3://videos/none.mp4"
    (place / "x.tar").write_bytes(tar_of({"a.mp4": content(own, 1)}))
    assert f"{scorer(place / 'x.tar' / 'a.mp4').value}" == expected[1]["score"]
