"""`vqa score -o scores/` around a scorer that reads no video."""

import json

import pandas
import pytest

from tests.commands.scoring.scores import FakeScorer
from vqa.commands import compare
from vqa.commands.scoring import command
from vqa.commands.scoring.command import main
from vqa.commands.scoring.settling import settled


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setattr(command, "Scorer", FakeScorer)
    monkeypatch.setattr(FakeScorer, "scored", 0)
    monkeypatch.chdir(tmp_path)
    for number in range(1, 8):
        (tmp_path / f"{'x' * number}.mp4").write_text(str(number))
    return tmp_path


def scores(folder):
    table = pandas.read_parquet(folder)
    assert table["video"].is_unique
    return {video.rpartition("/")[2]: score for video, score in table[["video", "score"]].values}


def test_a_dataset_beside_another_output(place, capsys):
    assert main("run", ["."], output="scores/", csv="s.csv", cache=None) == 0
    assert scores("scores") == {f"{'x' * number}.mp4": number for number in range(1, 8)}
    assert "written: scores, s.csv, s.timeline.csv" in capsys.readouterr().out
    whole = (place / "s.csv").read_bytes()
    (place / "s.csv").unlink()
    assert main("run", ["."], output="scores", csv="s.csv", cache=None) == 0  # it is one already
    assert FakeScorer.scored == 7
    assert (place / "s.csv").read_bytes() == whole
    assert "7 of 7 files scored, 7 by an earlier start" in capsys.readouterr().out
    content = json.loads((place / "scores" / "_manifest.json").read_text(encoding="utf-8"))
    assert content["rows"] == 7
    assert content["about"]["model"] == "run"


def test_an_interrupted_job_keeps_its_scores(place, capsys):
    (place / "stop.mp4").touch()
    with pytest.raises(KeyboardInterrupt):
        main("run", ["x.mp4", "xx.mp4", "stop.mp4"], output="scores/", cache=None)
    assert "2 scores of this start are in scores; rerun" in capsys.readouterr().err
    (place / "stop.mp4").unlink()
    FakeScorer.scored = 0
    assert main("run", ["."], output="scores/", cache=None) == 0
    assert FakeScorer.scored == 5
    assert len(scores("scores")) == 7


def test_json_lines_of_reused_rows_have_their_timelines(place, capsys):
    for _ in range(2):
        assert main("run", ["."], output="scores/", json_lines=True, cache=None) == 0
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [line["frame_quality"] for line in lines] == [[2.0]] * 7
    assert FakeScorer.scored == 7


def test_shards_share_a_dataset(place):
    for shard in ("1/2", "2/2"):
        assert main("run", ["."], output="scores/", shard=shard, cache=None) == 0
    assert settled("scores", [str(place / "x.mp4"), str(place / "y.mp4")]) == (7, 1)
    assert len(scores("scores")) == 7


def test_a_dataset_of_another_model_is_refused(place):
    assert main("run", ["."], output="scores/", cache=None) == 0
    with pytest.raises(ValueError, match="output=scores: expected scores of this model"):
        main("other", ["."], output="scores/", cache=None)
    with pytest.raises(ValueError, match=r"or in / for a dataset"):
        main("run", ["."], output="scores.txt", cache=None)


def test_two_datasets_are_compared(place, capsys):
    assert main("run", ["."], output="before/", cache=None) == 0
    assert main("run", ["."], output="after/", cache=None) == 0
    capsys.readouterr()
    compare.main(["before", "after"], metric="srocc", output=place / "comparison")
    assert "before -> after: 7 videos" in capsys.readouterr().out
