"""What a job shows: rows, progress in a log and on a terminal, the summary."""

import io
import sys

import pytest

from tests.commands.scoring.scores import SCORES
from vqa.commands.scoring import display
from vqa.commands.scoring.display import Display, lines_of
from vqa.commands.scoring.score import Score

MODEL = {
    "name": "ugc", "scale": [1.0, 5.0], "scale_is": "the MOS scale of konvid",
    "opinions": [1.0, 5.0], "level": 0.9, "notes": ["beware"],
    "timeline": "one value a second",
}  # fmt: skip
RATED = Score("c.mp4", 3.456, (1, 5), interval=(2.5, 4.25), percentile=57.4, level=0.9, note="odd")


def test_the_columns_stand_below_their_heads(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stream = io.StringIO()
    shown = Display(stream, 2)
    shown.head(MODEL)
    for path, score in ((f"{tmp_path}/in/c.mp4", RATED), ("/else/b.mp4", SCORES[1])):
        shown.row(score.entry(), path)
    shown.end(["scores.csv"])
    lines = stream.getvalue().splitlines()
    assert lines[:9] == [
        "model ugc: scores on [1, 5], the MOS scale of konvid; higher is better",
        "NOTE: beware",
        "timeline: one value a second",
        "",
        "  score   90% interval  percentile   file",
        "   3.46   2.50 - 4.25         57 %   in/c.mp4",
        "                                       odd",
        " failed                              /else/b.mp4",
        "                                       not a video",
    ]
    assert lines[10].startswith("1 of 2 files scored; ")
    assert lines[11] == "written: scores.csv"


def test_a_model_without_a_calibration_has_narrow_rows():
    assert lines_of(SCORES[0].entry(), "a.mp4", wide=False) == [
        "   3.25   a.mp4", "            two, or more",
    ]  # fmt: skip


def test_few_tested_videos_give_no_interval():
    stream = io.StringIO()
    Display(stream, 1).head(MODEL | {"level": None})
    assert "no interval" in stream.getvalue().splitlines()[-1]
    assert "NOTE: there are no intervals" in stream.getvalue()
    (line,) = lines_of(Score("a", 2.0, (1, 5), percentile=3.0).entry(), "a", wide=True)
    assert line == "   2.00                        3 %   a"


@pytest.mark.parametrize(("total", "expected"), [(4, "scored 2 of 4 files, "), (None, "scored 2 ")])
def test_a_log_gets_a_line_now_and_then(monkeypatch, capsys, total, expected):
    monkeypatch.setattr(display, "CALM_S", 0.0)
    shown = Display(io.StringIO(), total)
    shown.row(SCORES[0].entry(), "a.mp4")
    shown.row(SCORES[1].entry(), "b.mp4")
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith(expected)
    assert line.endswith(", 1 failed")
    assert (" left" in line) == (total is not None)
    quiet = Display(None, total, quiet=True)
    quiet.row(SCORES[0].entry(), "a.mp4")
    assert capsys.readouterr().err == ""


def test_a_terminal_gets_a_bar_that_leaves_no_trace(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    shown = Display(terminal, 2)
    shown.row(RATED.entry(), "c.mp4")
    assert "score:   0%" in terminal.getvalue()
    shown.close()
    shown.end([])
    assert "1 of 1 file scored" in terminal.getvalue().splitlines()[-1]
