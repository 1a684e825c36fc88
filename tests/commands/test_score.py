"""The scoring command around a scorer that reads no video."""

import csv
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from vqa.commands import score as command
from vqa.commands.score import Score, main, outside


class FakeScorer:
    """Scores a file by the length of its name; fails and stops as the name says."""

    def __init__(self, run, **_):
        self.run = SimpleNamespace(folder=Path(run), database={"name": "csv"})
        self.mos_range, self.notes, self.timeline_is = (1.0, 5.0), ("untrained",), "nothing"

    def score(self, videos, **_):
        for path in videos:
            if path.stem == "stop":
                raise KeyboardInterrupt
            yield (
                self.failed(str(path), "bad")
                if path.stem == "bad"
                else Score(
                    str(path), float(len(path.stem)), self.mos_range, notes=(*self.notes, "its own")
                )
            )

    def failed(self, video, error):
        return Score(video, None, self.mos_range, error=error)


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setattr(command, "Scorer", FakeScorer)
    monkeypatch.chdir(tmp_path)
    for name in ("a.mp4", "bb.mp4", "picture.jpg"):
        (tmp_path / name).touch()
    return tmp_path


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_rows_and_lines(place, capsys):
    assert main("run", ["."], output="s.csv") == 0
    assert [(row["video"], row["score"]) for row in rows(place / "s.csv")] == [
        (f"{place}/a.mp4", "1.0"), (f"{place}/bb.mp4", "2.0"),
    ]  # fmt: skip
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        "NOTE: untrained",
        "score on [1, 5], the MOS scale of csv; higher is better; scores outside it have a note",
        "timeline: nothing",
        f"  1.0000  {place}/a.mp4  (its own)",
        f"  2.0000  {place}/bb.mp4  (its own)",
        "written: s.csv, s.timeline.csv",
    ]
    assert printed.err.startswith("passed over 1 file without a video suffix: picture.jpg")


def test_one_bad_item_costs_one_row(place, capsys):
    (place / "bad.mp4").touch()
    (place / "empty").mkdir()
    os.mkfifo(place / "pipe.mp4")
    assert main("run", ["bad.mp4", "a.mp4", "gone.mp4", "empty", "pipe.mp4"], output="s.csv") == 1
    found = {Path(row["video"]).name: row for row in rows(place / "s.csv")}
    assert {name: bool(row["error"]) for name, row in found.items()} == {
        "gone.mp4": True, "empty": True, "pipe.mp4": True, "bad.mp4": True, "a.mp4": False,
    }  # fmt: skip
    assert found["gone.mp4"]["error"] == "no such file: gone.mp4"
    printed = capsys.readouterr()
    assert "4 of 5 files failed" in printed.err
    assert f"failed  {place}/bad.mp4  (bad)" in printed.out


def test_nothing_to_score_is_wrong_use(place):
    with pytest.raises(FileNotFoundError, match=r"no such file: gone\.mp4"):
        main("run", ["gone.mp4"], output="s.csv")
    assert not (place / "s.csv.partial").exists()


def test_an_interrupted_job_says_where_its_rows_are(place, capsys):
    (place / "stop.mp4").touch()
    with pytest.raises(KeyboardInterrupt):
        main("run", ["a.mp4", "stop.mp4", "bb.mp4"], output="s.csv")
    assert "1 rows are in s.csv.partial; rerun the command to resume" in capsys.readouterr().err
    assert [row["video"] for row in rows(place / "s.csv.partial")] == [f"{place}/a.mp4"]
    (place / "stop.mp4").unlink()
    assert main("run", ["a.mp4", "bb.mp4"], output="s.csv") == 0
    assert len(rows(place / "s.csv")) == 2
    assert not (place / "s.csv.partial").exists()


@pytest.mark.parametrize("output", ["s.csv", "s.json", "s.jsonl"])
def test_a_video_is_not_overwritten(place, output):
    (place / output).touch()
    with pytest.raises(ValueError, match=r"expected another file than a video"):
        main("run", ["a.mp4", output], output=output)


def test_names_of_any_bytes_are_printed_and_written(place, monkeypatch):
    name = os.fsdecode(b"caf\xe9\x1b[2J.mp4")
    (place / name).touch()
    (place / "视频.mp4").touch()
    with (place / "out.txt").open("w", encoding="latin-1") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        assert main("run", [name, "视频.mp4"], output="s.csv") == 0
    printed = (place / "out.txt").read_text(encoding="latin-1")
    assert r"caf\xe9\x1b[2J.mp4" in printed
    assert r"\u89c6\u9891.mp4" in printed
    assert [Path(row["video"]).name for row in rows(place / "s.csv")] == [
        "caf\\xe9\x1b[2J.mp4", "视频.mp4",
    ]  # fmt: skip


def test_a_reader_that_has_gone_does_not_stop_the_job(place, monkeypatch):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        assert main("run", ["a.mp4", "bb.mp4"], output="s.csv") == 0
    assert len(rows(place / "s.csv")) == 2


@pytest.mark.parametrize(
    ("score", "timeline", "count"),
    [(1, [1, 5], 0), (0.99, [1, 5], 1), (3, [0.5, 4], 1), (5.01, [5.5], 2)],
)
def test_scores_outside_the_scale_are_noted(score, timeline, count):
    notes = outside(score, np.array(timeline), (1.0, 5.0))
    assert len(notes) == count
    assert all(note.endswith("the scale [1, 5]") for note in notes)
