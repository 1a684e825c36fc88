"""The table of a run's videos: labels before facts, names as text, intervals if known."""

from pathlib import Path

import pandas as pd
import pytest

from vqa.databases.records import VideoRecord
from vqa.evaluation.metrics import mos_ci95
from vqa.runs.videos import ci95_of, read_video_table, video_table


def test_facts_of_videos_are_read_back_as_they_were(tmp_path):
    videos = [
        VideoRecord("NA", Path("x"), 3.5, mos_std=0.5, content="null", width=640),
        VideoRecord("b.mp4", Path("y"), 2.0, frame_rate_hz=25.0),
    ]
    measured = {"width": "320", "height": "240", "frame_rate_hz": "30", "source": "0" * 64}
    made = video_table(videos, lambda video: measured | {"reader": "pyav"})
    made.to_csv(tmp_path / "videos.csv", index=False)
    table = read_video_table(tmp_path / "videos.csv")
    assert table.index.tolist() == ["NA", "b.mp4"]
    assert "reader" not in table
    assert table["content"].tolist() == ["null", "b.mp4"]  # a content of its own
    assert table["width"].tolist() == [640, 320]  # the label takes precedence
    assert table["frame_rate_hz"].tolist() == [30, 25]
    assert table["group"].isna().all()
    assert table["source"].tolist() == ["0" * 64] * 2


def test_intervals_need_a_spread_and_two_ratings():
    table = pd.DataFrame(
        {"mos_std": [0.5, 0.5, None, 0.8], "ratings": [20, 1, 20, None]}, index=list("abcd")
    )
    known = ci95_of(table)
    assert known.to_dict() == {"a": pytest.approx(mos_ci95(0.5, 20))}
    assert ci95_of(table.drop("a")) is None
