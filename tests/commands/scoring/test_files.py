"""Files of scores: rows as they finish, kills, reruns, full disks, names of any bytes."""

import csv
import json
import os
import resource
import signal
import subprocess
import sys
import tracemalloc

import pytest

from tests.places import ROOT
from vqa.commands.scoring.files import COLUMNS, ScoreFiles, checked_output
from vqa.commands.scoring.scorer import Score

SCORES = [
    Score(
        "a.mp4", 3.25, (1, 5), 2, [0.0, 0.04], [3.0, 3.5], "pyav 1", "none", "each frame",
        "two, or more", "run-1",
    ),
    Score("b.mp4", None, (1, 5), error="not a video", note="odd"),
    Score('say "hi",\n=1.mp4', 6.5, (1, 5), 1, [0.5], [6.5]),
]  # fmt: skip
SUFFIXES = ("csv", "json", "jsonl")


def write(path, scores=SCORES, notes=()):
    with ScoreFiles(path, notes) as files:
        for score in scores:
            files.add(score)
        return files.finish()


def kill_after(path, scores):
    """Leave what a killed job leaves: rows, and nothing that is done at the end."""
    files = ScoreFiles(path)
    for score in scores:
        files.add(score)
    for file in files._files:
        file._file.close()


def table(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_tables_and_json_round_trip(tmp_path):
    files = write(tmp_path / "new" / "s.csv")
    assert [path.name for path in files] == ["s.csv", "s.timeline.csv"]
    rows = table(files[0])
    assert tuple(rows[0]) == COLUMNS
    assert float(rows[0]["score"]) == 3.25
    assert (rows[0]["note"], rows[1]["note"]) == ("two, or more", "odd")
    assert (rows[0]["run"], rows[0]["timeline"]) == ("run-1", "each frame")
    assert rows[1]["score"] == ""
    assert rows[1]["error"] == "not a video"
    assert rows[2]["video"] == SCORES[2].video
    assert files[1].read_text().splitlines()[2] == "a.mp4,0.04,3.5"
    (path,) = write(tmp_path / "s.json", notes=["beware"])
    content = json.loads(path.read_text())
    assert content["notes"] == ["beware"]
    assert content["videos"][0]["frame_quality"] == [3.0, 3.5]
    assert content["videos"][0]["timeline"] == "each frame"
    assert content["videos"][0]["note"] == "two, or more"
    assert content["videos"][1]["score"] is None
    (path,) = write(tmp_path / "s.jsonl")
    assert [json.loads(line) for line in path.read_text().splitlines()] == content["videos"]
    assert not list(tmp_path.rglob("*.partial"))


def test_an_empty_json_and_upper_case_suffixes(tmp_path):
    (path,) = write(tmp_path / "s.JSON", scores=())
    assert json.loads(path.read_text()) == {"notes": [], "videos": []}
    assert [path.name for path in write(tmp_path / "S.CSV")] == ["S.CSV", "S.timeline.csv"]


def test_another_suffix_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ValueError, match=r"\.csv, \.json or \.jsonl"):
        write(tmp_path / "s.xlsx")
    assert not list(tmp_path.iterdir())


def test_each_row_is_on_disk_when_it_is_added(tmp_path):
    with ScoreFiles(tmp_path / "s.csv") as files:
        for count, score in enumerate(SCORES, 1):
            files.add(score)
            assert len(table(files.partial)) == count
            moments = table(tmp_path / "s.timeline.csv.partial")
            assert len(moments) == sum(len(one.times_s) for one in SCORES[:count])
        assert not (tmp_path / "s.csv").exists()
    assert len(table(files.partial)) == len(SCORES)  # also after an error


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("kills", [(1,), (2, 0, 1), (3, 2)])
def test_a_killed_job_ends_as_an_undisturbed_one_and_loses_no_row(tmp_path, suffix, kills):
    whole, broken = tmp_path / "whole" / f"s.{suffix}", tmp_path / "broken" / f"s.{suffix}"
    write(whole)
    written = 0
    for count in kills:
        kill_after(broken, SCORES[:count])
        written += count
        partial = broken.with_name(broken.name + ".partial")
        rows = table(partial) if suffix == "csv" else partial.read_text().splitlines()
        assert len(rows) == written
    assert not broken.exists()
    write(broken)
    assert {path.name: path.read_bytes() for path in broken.parent.iterdir()} == {
        path.name: path.read_bytes() for path in whole.parent.iterdir()
    }


def test_earlier_scores_stay_until_the_new_ones_are_complete(tmp_path):
    write(tmp_path / "s.csv", SCORES[:1])
    before = (tmp_path / "s.csv").read_bytes()
    kill_after(tmp_path / "s.csv", SCORES[1:])
    assert (tmp_path / "s.csv").read_bytes() == before
    write(tmp_path / "s.csv", SCORES[1:])
    assert [row["video"] for row in table(tmp_path / "s.csv")] == [one.video for one in SCORES[1:]]


def test_a_torn_row_does_not_reach_the_next_one(tmp_path):
    kill_after(tmp_path / "s.jsonl", SCORES[:1])
    partial = tmp_path / "s.jsonl.partial"
    partial.write_bytes(partial.read_bytes() + b'{"video": "torn')
    kill_after(tmp_path / "s.jsonl", SCORES[1:2])
    assert json.loads(partial.read_text().splitlines()[-1])["video"] == "b.mp4"
    (path,) = write(tmp_path / "s.jsonl")
    assert len(path.read_text().splitlines()) == len(SCORES)


def test_kill_9_in_the_middle_of_rows(tmp_path):
    """Rows of a real process that is killed are whole, and the table starts with its header."""
    program = (
        "import itertools, sys, types\n"
        "from vqa.commands.scoring.files import ScoreFiles\n"
        "files = ScoreFiles(sys.argv[1])\n"
        "for i in itertools.count():\n"
        "    files.add(types.SimpleNamespace(\n"  # as `Score`, which takes long
        "        video=f'{i}.mp4', value=2.0, mos_range=(1, 5), frames=500, reader='',\n"
        "        weights='', error='', run='', timeline='', note='', times_s=[0.0] * 500,\n"
        "        frame_quality=[2.0] * 500, raw=2.0, interval=None, percentile=None))\n"
        "    print(i, flush=True)\n"
    )
    job = subprocess.Popen(
        [sys.executable, "-c", program, tmp_path / "s.csv"], cwd=ROOT, stdout=subprocess.PIPE
    )
    while b"20" not in (line := job.stdout.readline()):
        assert line, "the job has ended"
    job.send_signal(signal.SIGKILL)
    job.wait()
    job.stdout.close()
    rows = table(tmp_path / "s.csv.partial")
    assert [row["video"] for row in rows] == [f"{i}.mp4" for i in range(len(rows))]
    assert all(row["run"] == "" for row in rows)
    moments = table(tmp_path / "s.timeline.csv.partial")
    assert len(moments) >= 500 * len(rows) > 10_000  # a timeline precedes its row


def test_a_full_disk_is_one_line_and_keeps_the_rows(tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with ScoreFiles(tmp_path / "s.jsonl") as files:
        files.add(SCORES[0])
        size = files.partial.stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, before[1]))
        try:
            with pytest.raises(OSError, match=r"rows so far are kept.*s\.jsonl\.partial"):
                files.add(SCORES[0])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            signal.signal(signal.SIGXFSZ, handler)
    first, torn = files.partial.read_text().splitlines()
    assert json.loads(first)["video"] == "a.mp4"
    assert len(torn) == 100
    (path,) = write(tmp_path / "s.jsonl")
    assert len(path.read_text().splitlines()) == len(SCORES)


def test_two_jobs_do_not_share_an_output(tmp_path):
    with ScoreFiles(tmp_path / "s.csv") as files:
        files.add(SCORES[0])
        with pytest.raises(ValueError, match="another job is writing"):
            ScoreFiles(tmp_path / "s.csv")
    write(tmp_path / "s.csv")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_names_of_any_bytes_are_text(tmp_path, suffix):
    name = os.fsdecode(b"caf\xe9.mp4")
    path, *_ = write(tmp_path / f"s.{suffix}", [Score(name, 2.0, (1, 5), error=name)])
    text = path.read_text(encoding="utf-8")
    assert text.count("caf\\xe9.mp4" if suffix == "csv" else "caf\\\\xe9.mp4") == 2


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("labels.csv", "video,mos\na,3\n"), ("theirs.csv", "video,score,mos\na,3,3\n"),
        ("a.json", "[1]"), ("b.jsonl", "x"), ("s.timeline.csv", "mine"),
    ],
)  # fmt: skip
def test_nothing_but_scores_is_overwritten(tmp_path, name, text):
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=f"{name}: this file exists and holds no scores"):
        write(tmp_path / name.replace(".timeline", ""))
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text(encoding="utf-8") == text


def test_scores_and_empty_files_are_overwritten(tmp_path):
    (tmp_path / "empty.csv").touch()
    checked_output(tmp_path / "empty.csv")
    for suffix in SUFFIXES:
        write(tmp_path / f"again.{suffix}")
        write(tmp_path / f"again.{suffix}")


def test_places_that_are_no_files_are_refused(tmp_path):
    (tmp_path / "d.json").mkdir()
    with pytest.raises(ValueError, match="expected a file"):
        checked_output(tmp_path / "d.json")
    (tmp_path / "a.csv").touch()
    with pytest.raises(ValueError, match=r"folder that can be written to, found .*a\.csv"):
        checked_output(tmp_path / "a.csv" / "s.csv")


def test_home_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert checked_output("~/s.csv") == tmp_path / "s.csv"


def test_memory_does_not_grow_with_the_rows(tmp_path):
    score = Score("a.mp4", 2.0, (1, 5), 300, [0.04] * 300, [2.0] * 300)

    def peak(count):
        tracemalloc.start()
        write(tmp_path / "s.json", [score] * count)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(1)
    assert peak(60) < 2 * peak(6)


def test_a_job_without_a_row_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError), ScoreFiles(tmp_path / "s.csv"):
        raise RuntimeError
    assert not list(tmp_path.iterdir())
