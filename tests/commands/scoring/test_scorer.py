"""The scoring command: around a scorer that reads no video, and with a trained run."""

import csv
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.clips import cut, write_clip, write_raw
from tests.commands.calling import Failed, run
from tests.fakes import graded_clips
from vqa.commands.scoring import command
from vqa.commands.scoring.command import main
from vqa.commands.scoring.scorer import Score, outside_of


class FakeScorer:
    """Scores a file by the length of its name; fails and stops as the name says."""

    def __init__(self, run, **_):
        self.run = SimpleNamespace(folder=Path(run), database={"name": "csv"})
        self.mos_range, self.notes, self.timeline = (1.0, 5.0), ("untrained",), "nothing"
        self.calibration = None

    def score(self, videos, **_):
        for path in videos:
            if path.stem == "stop":
                raise KeyboardInterrupt
            yield (
                self.failed(str(path), "bad")
                if path.stem == "bad"
                else Score(str(path), float(len(path.stem)), self.mos_range, note="its own")
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
        "score on [1, 5], the MOS scale of csv; higher is better",
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
    assert (
        "1 rows of this start are in s.csv.partial; rerun the command to resume"
        in capsys.readouterr().err
    )
    assert [row["video"] for row in rows(place / "s.csv.partial")] == [f"{place}/a.mp4"]
    (place / "stop.mp4").unlink()
    assert main("run", ["a.mp4", "bb.mp4"], output="s.csv") == 0
    assert len(rows(place / "s.csv")) == 2
    assert not (place / "s.csv.partial").exists()


@pytest.mark.parametrize("output", ["s.csv", "s.json", "s.jsonl"])
def test_a_video_is_not_overwritten(place, output):
    (place / output).touch()
    with pytest.raises(ValueError, match="one of the files to score"):
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
    ("score", "timeline", "note"),
    [
        (1, [1, 5], ""),
        (0.99, [1, 5], "outside the scale [1, 5]"),
        (5.01, [5.5], "outside the scale [1, 5]"),
        (3, [0.5, 4], "the timeline leaves the scale [1, 5]"),
    ],
)
def test_scores_outside_the_scale_are_noted(score, timeline, note):
    assert outside_of((1.0, 5.0), score, np.array(timeline)) == note


def test_scores_outside_the_scale_are_counted(place, capsys):
    (place / "seven77.mp4").touch()
    assert main("run", ["a.mp4", "seven77.mp4"], output="s.csv") == 0
    assert "NOTE: 1 of 2 scores lie outside the scale [1, 5]" in capsys.readouterr().out


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """Clips, and a run that was trained on them."""
    place = graded_clips(tmp_path_factory.mktemp("own"))
    run(
        "train", "data=csv", f"data.labels={place / 'labels.csv'}", "data.mos_range=[1,5]",
        "model=svr", "features=multiscale", f"folder={place / 'run'}",
        f"paths.cache={place / 'cache'}", "threads=1",
    )  # fmt: skip
    return place


def score_with(own, *words):
    run("score", own / "run", *words, "--cache", own / "cache", "-o", own / "s.csv")


def table(own):
    with (own / "s.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_one_bad_file_costs_its_row(own, tmp_path, capsys):
    (tmp_path / "bad.mp4").write_bytes(b"no video")
    (tmp_path / "list.txt").write_text("gone.mp4\nbad.mp4\n", encoding="utf-8")
    with pytest.raises(Failed) as failure:
        score_with(own, tmp_path / "list.txt", own / "videos" / "clip0.mp4")
    assert failure.value.status == 1
    gone, bad, good = table(own)
    assert "no such file" in gone["error"]
    assert bad["error"]
    assert float(good["score"])
    assert good["timeline"] == "one value, the score"
    assert "timeline: one value, the score" in capsys.readouterr().out


def test_the_output_is_not_one_of_the_inputs(own):
    with pytest.raises(Failed, match="holds no scores"):
        run("score", own / "run", own / "videos", "-o", own / "labels.csv")
    score_with(own, own / "videos")
    with pytest.raises(Failed, match="one of the files to score"):
        score_with(own, own / "s.csv", own / "videos")


def test_raw_video_is_scored_by_its_format_and_says_what_was_assumed(own, tmp_path):
    path = tmp_path / "a.yuv"
    write_raw(path, 20, (128, 96), "yuv420p")
    score_with(own, path, "--raw-size", "128x96")
    (assumed,) = table(own)
    assert assumed["note"].startswith("raw video: 8-bit 4:2:0, limited range, 30 frames per second")
    score_with(own, path, "--raw-size", "96x128")
    (other,) = table(own)
    assert other["score"] != assumed["score"]
    given = ("--raw-size", "128x96", "--raw-format", "yuv420p", "--raw-rate", 30)
    score_with(own, path, *given, "--raw-range", "full")
    (full,) = table(own)
    assert full["score"] != assumed["score"]
    score_with(own, path, *given, "--raw-range", "limited")
    (limited,) = table(own)
    assert (limited["score"], full["note"], limited["note"]) == (assumed["score"], "", "")
    with pytest.raises(Failed, match="pixel format 'yuv9'"):
        score_with(own, path, "--raw-size", "128x96", "--raw-format", "yuv9")
    with pytest.raises(Failed, match="needs its size"):
        score_with(own, path, "--raw-rate", 25)


def test_damaged_files_are_scored_only_if_asked_for_and_say_so(own, tmp_path):
    path = tmp_path / "cut.mkv"
    cut(write_clip(path, 50))
    with pytest.raises(Failed):
        score_with(own, path)
    assert table(own)[0]["score"] == ""
    score_with(own, path, "--damaged", "score")
    (row,) = table(own)
    assert 0 < int(row["frames"]) < 50
    assert row["note"].startswith("damaged")
    with pytest.raises(Failed):
        score_with(own, path)
