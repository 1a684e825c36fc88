"""The scoring command around a scorer that reads no video: rows, lines, resuming, the gate."""

import csv
import io
import json
import os
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.commands.scoring.scores import FakeScorer
from vqa.commands.scoring import command
from vqa.commands.scoring.command import main


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setattr(command, "Scorer", FakeScorer)
    monkeypatch.setattr(FakeScorer, "scored", 0)
    monkeypatch.chdir(tmp_path)
    for name in ("a.mp4", "bb.mp4", "picture.jpg"):
        (tmp_path / name).touch()
    return tmp_path


@pytest.fixture
def feed(monkeypatch):
    """A function that lets a text stand on standard input."""
    with ExitStack() as stack:

        def given(text):
            reading, writing = os.pipe()
            os.write(writing, os.fsencode(text))
            os.close(writing)
            monkeypatch.setattr(sys, "stdin", stack.enter_context(os.fdopen(reading)))

        yield given


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def values(path):
    return [(Path(row["video"]).name, row["score"]) for row in rows(path)]


def test_rows_and_lines(place, capsys):
    assert main("run", ["."], output="s.csv") == 0
    assert [(row["video"], row["score"]) for row in rows(place / "s.csv")] == [
        (f"{place}/a.mp4", "1.0"), (f"{place}/bb.mp4", "2.0"),
    ]  # fmt: skip
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert lines[-2].startswith("2 of 2 files scored; ")
    assert lines[:-2] + lines[-1:] == [
        "model run: scores on [1, 5], the MOS scale of csv; higher is better",
        "NOTE: untrained",
        "timeline: nothing",
        "",
        "  score   file",
        "   1.00   a.mp4",
        "            its own",
        "   2.00   bb.mp4",
        "            its own",
        "",
        "written: s.csv, s.timeline.csv",
    ]
    assert printed.err.startswith("passed over 1 file without a video suffix: picture.jpg")


def test_one_bad_item_costs_one_row(place, capsys):
    (place / "bad.mp4").touch()
    (place / "empty").mkdir()
    os.mkfifo(place / "pipe.mp4")
    places = ["bad.mp4", "a.mp4", "gone.mp4", "empty", "pipe.mp4", "bb.mp4"]
    assert main("run", places, output="s.csv") == 1
    found = [(Path(row["video"]).name, bool(row["error"])) for row in rows(place / "s.csv")]
    assert found == [
        ("bad.mp4", True), ("a.mp4", False), ("gone.mp4", True), ("empty", True),
        ("pipe.mp4", True), ("bb.mp4", False),
    ]  # fmt: skip
    assert rows(place / "s.csv")[2]["error"] == "no such file: gone.mp4"
    printed = capsys.readouterr()
    assert "4 of 6 files failed" in printed.err
    assert " failed   bad.mp4\n            bad\n" in printed.out


def test_nothing_to_score_is_wrong_use(place):
    with pytest.raises(FileNotFoundError, match=r"no such file: gone\.mp4"):
        main("run", ["gone.mp4"], output="s.csv")
    assert not (place / "s.csv.partial").exists()


def test_an_interrupted_job_says_where_its_scores_are_and_resumes(place, capsys):
    (place / "bad.mp4").touch()
    (place / "stop.mp4").touch()
    names = ["a.mp4", "bad.mp4", "stop.mp4", "bb.mp4"]
    with pytest.raises(KeyboardInterrupt):
        main("run", names, output="s.csv")
    assert (
        "1 scores of this start are in s.csv.partial; rerun the command to resume"
        in capsys.readouterr().err
    )
    assert not (place / "s.csv").exists()
    (place / "stop.mp4").rename(place / "go.mp4")
    names[2] = "go.mp4"
    FakeScorer.scored = 0
    assert main("run", names, output="s.csv") == 1
    assert FakeScorer.scored == 3  # what failed is tried again
    assert values(place / "s.csv") == [
        ("a.mp4", "1.0"), ("bad.mp4", ""), ("go.mp4", "2.0"), ("bb.mp4", "2.0"),
    ]  # fmt: skip
    assert "3 of 4 files scored, 1 by an earlier start" in capsys.readouterr().out
    assert not (place / "s.csv.partial").exists()


@pytest.mark.parametrize("change", ["content", "model", "level", "raw"])
def test_what_differs_is_scored_again(place, change):
    from vqa.video import RawFormat

    (place / "stop.mp4").touch()
    with pytest.raises(KeyboardInterrupt):
        main("run", ["a.mp4", "stop.mp4"], output="s.csv")
    if change == "content":
        (place / "a.mp4").write_text("another")
    FakeScorer.scored = 0
    options = {"level": 0.5} if change == "level" else {}
    options |= {"raw": RawFormat(64, 48)} if change == "raw" else {}
    model = "other" if change == "model" else "run"
    assert main(model, ["a.mp4", "bb.mp4"], output="s.csv", **options) == 0
    assert FakeScorer.scored == 2


def test_the_outputs_of_a_resumed_job_are_those_of_an_undisturbed_one(place):
    for number in range(1, 9):
        (place / f"{'x' * number}.avi").write_text(str(number))
    outputs = {"output": "s.json", "csv": "s.csv", "timeline": "t.csv"}
    assert main("run", [".", "a.mp4"], **outputs) == 0
    whole = {name: (place / name).read_bytes() for name in outputs.values()}
    for name in whole:
        (place / name).unlink()
    for number in (2, 6):  # the job gets as far as this file
        named = [f"{'x' * before}.avi" for before in range(1, number)]
        (place / "stop.avi").touch()
        with pytest.raises(KeyboardInterrupt):
            main("run", [*named, "stop.avi"], **outputs)
        (place / "stop.avi").unlink()
    FakeScorer.scored = 0
    assert main("run", [".", "a.mp4"], **outputs) == 0
    assert FakeScorer.scored == 5
    assert {name: (place / name).read_bytes() for name in outputs.values()} == whole


@pytest.mark.parametrize("output", ["s.csv", "s.json", "s.jsonl"])
def test_a_video_is_not_overwritten(place, output, feed):
    (place / output).touch()
    with pytest.raises(ValueError, match="one of the files to score"):
        main("run", ["a.mp4", output], output=output)
    feed(f"a.mp4\n{output}\n")
    with pytest.raises(ValueError, match="one of the files to score"):
        main("run", ["-"], output=output)
    assert (place / output).read_bytes() == b""


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


def test_scores_outside_the_scale_are_counted(place, capsys):
    (place / "seven77.mp4").touch()
    assert main("run", ["a.mp4", "seven77.mp4"], output="s.csv") == 0
    assert "NOTE: 1 of 2 scores lie outside the scale [1, 5]" in capsys.readouterr().out


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "ascii"])
def test_json_lines_are_alone_on_standard_output(place, capsys, monkeypatch, encoding):
    (place / "视频.mp4").touch()
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    assert main("run", ["a.mp4", "gone.mp4", "视频.mp4"], json_lines=True) == 1
    stream.seek(0)
    found = [json.loads(line) for line in stream.read().splitlines()]
    assert {(Path(one["video"]).name, one["score"]) for one in found} == {
        ("a.mp4", 1.0), ("gone.mp4", None), ("视频.mp4", 2.0),
    }  # fmt: skip
    assert "scores on [1, 5]" in capsys.readouterr().err
    assert not list(place.glob("scores*"))


def test_quiet_prints_errors_only(place, capsys):
    (place / "bad.mp4").touch()
    assert main("run", ["a.mp4", "bad.mp4"], output="s.csv", quiet=True) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines() == [
        "failed: bad.mp4: bad", "1 of 2 files failed; their rows say why",
    ]  # fmt: skip
    assert main("run", ["."], output="s.csv", quiet=True) == 1
    assert "passed over" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("names", "limit", "status"),
    [
        (["a.mp4", "bb.mp4"], 1, 0), (["a.mp4", "bb.mp4"], 1.5, 3), (["a.mp4", "bad.mp4"], 3, 1),
        (["bb.mp4", "bad.mp4"], 1, 1),
    ],
)  # fmt: skip
def test_the_gate(place, capsys, names, limit, status):
    (place / "bad.mp4").touch()
    assert main("run", names, output="s.csv", fail_below=limit) == status
    assert len(rows(place / "s.csv")) == 2
    errors = capsys.readouterr().err
    assert (f"below {limit:g}: 1.00  a.mp4" in errors) == (names[0] == "a.mp4" and limit > 1)
    assert "bb.mp4" not in errors


def test_names_on_standard_input(place, feed, capsys):
    names = ["line\nbreak.mp4", " #1 take.mp4 ", "视频.mp4"]
    for name in names:
        (place / name).touch()
    feed("\0".join([*names, names[0], "a.mp4"]))
    assert main("run", ["-", "bb.mp4"], output="s.csv", zeros=True) == 0
    assert [Path(row["video"]).name for row in rows(place / "s.csv")] == [
        *names, "a.mp4", "bb.mp4",
    ]  # fmt: skip
    assert "passed over 1 file that were named twice" in capsys.readouterr().err
    feed("# a comment\r\n\r\na.mp4\r\ngone.mp4\n*.mp4")
    assert main("run", ["-"], output="s.csv") == 1
    assert {name for name, _ in values(place / "s.csv")} == {
        "a.mp4", "gone.mp4", "bb.mp4", names[0], names[2],
    }  # fmt: skip


@pytest.mark.parametrize(("text", "cause"), [("", "no paths in"), ("gone.mp4\n", "no such file")])
def test_nothing_on_standard_input_is_wrong_use(place, feed, text, cause):
    feed(text)
    with pytest.raises(FileNotFoundError, match=f"no videos found: {cause}"):
        main("run", ["-"], output="s.csv")
    assert not list(place.glob("s.csv*"))


def test_shards_are_the_whole_and_have_names_of_their_own(place, feed):
    for number in range(1, 6):
        (place / f"{'x' * number}.avi").touch()
    assert main("run", ["."], output="s.csv") == 0
    for shard in ("1/3", "2/3", "3/3"):
        assert main("run", ["."], output="s.csv", shard=shard) == 0
    parts = [values(place / f"s.{number}-of-3.csv") for number in (1, 2, 3)]
    assert sorted(row for part in parts for row in part) == sorted(values(place / "s.csv"))
    assert {len(part) for part in parts} <= {2, 3}
    feed("a.mp4\nbb.mp4\nx.avi\n")
    assert main("run", ["-"], output="s.csv", shard="2/3") == 0
    assert values(place / "s.2-of-3.csv") == [("bb.mp4", "2.0")]
    assert main("run", ["a.mp4"], output="few.csv", shard="3/3") == 0
    assert rows(place / "few.3-of-3.csv") == []


@pytest.mark.parametrize(
    ("gpu", "workers", "decoders", "processes"),
    [
        (False, None, "auto", None),
        (False, 1, 1, None),
        (False, 3, "auto", 3),
        (True, None, "auto", None),
        (True, 3, 3, None),
    ],
)
def test_workers_are_processes_on_a_cpu_and_decoders_on_a_gpu(
    place, monkeypatch, gpu, workers, decoders, processes
):
    def in_processes(scorer, options, videos, count, raw):
        started.append(count)
        yield from scorer.score(videos)

    started = []
    monkeypatch.setattr(command, "score_in_processes", in_processes)
    monkeypatch.setattr(FakeScorer, "uses_gpu", gpu)
    monkeypatch.setattr(FakeScorer, "decoders", "auto")
    assert main("run", ["."], output="s.csv", workers=workers) == 0
    assert len(rows(place / "s.csv")) == 2
    assert FakeScorer.decoders == decoders
    assert started == [processes] * (processes is not None)
