"""Writing scores to JSON and CSV."""

import csv
import json

import pytest

from vqa.commands.score import Score, write_scores

SCORES = [
    Score("a.mp4", 3.25, (1, 5), 2, [0.0, 0.04], [3.0, 3.5], "pyav 1", "none"),
    Score("b.mp4", None, (1, 5), error="not a video"),
]


def test_tables_and_json_round_trip(tmp_path):
    files = write_scores(SCORES, tmp_path / "s.csv")
    assert [path.name for path in files] == ["s.csv", "s.timeline.csv"]
    with files[0].open() as file:
        rows = list(csv.DictReader(file))
    assert float(rows[0]["score"]) == 3.25
    assert rows[1]["score"] == ""
    assert rows[1]["error"] == "not a video"
    assert files[1].read_text().splitlines()[2] == "a.mp4,0.04,3.5"
    (path,) = write_scores(SCORES, tmp_path / "s.json", ["beware"])
    content = json.loads(path.read_text())
    assert content["notes"] == ["beware"]
    assert content["videos"][0]["frame_quality"] == [3.0, 3.5]
    assert content["videos"][1]["score"] is None


def test_another_suffix_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ValueError, match=r"\.csv or \.json"):
        write_scores(SCORES, tmp_path / "s.xlsx")
    assert not list(tmp_path.iterdir())
