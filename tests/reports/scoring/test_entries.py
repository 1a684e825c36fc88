"""What the page keeps of a score: bounded, with the worst moments."""

import re

import numpy as np
import pytest

from vqa.reports.scoring.entries import (
    MOMENTS,
    Entry,
    common_folder,
    extremes,
    spark,
    spread,
)


def test_a_long_timeline_is_kept_in_part_with_its_extremes():
    quality = np.random.default_rng(0).random(20_000).astype(np.float32)
    row = {"video": "a.mp4", "score": 3, "times_s": range(20_000), "frame_quality": quality}
    entry = Entry.of(row | {"times_s": list(range(20_000)), "frame_quality": quality.tolist()})
    assert len(entry.quality) == len(entry.times_s) <= MOMENTS
    assert entry.lowest == quality.min()
    assert entry.quality.max() == quality.max()
    assert entry.times_s[entry.quality.argmin()] == quality.argmin()
    assert np.all(np.diff(entry.times_s) > 0)


@pytest.mark.parametrize("length", [0, 1, 2, MOMENTS, MOMENTS + 1])
def test_short_timelines_are_kept_whole(length):
    kept = extremes(np.arange(length, dtype=np.float32))
    assert kept.tolist() == list(range(length)) or length > MOMENTS
    assert len(kept) <= MOMENTS


def test_a_row_may_lack_everything_but_its_score():
    entry = Entry.of({"video": "a.mp4", "score": 3})
    assert (entry.path, entry.interval, entry.percentile, entry.note) == ("a.mp4", None, None, "")
    assert entry.lowest is None
    assert Entry.of({"video": "a.mp4", "path": "/v/a.mp4", "score": 3}).path == "/v/a.mp4"


def test_a_spark_is_a_short_path_inside_its_box():
    assert spark(np.array([3.0]), (1, 5)) == ""
    assert spark(np.array([1.0, 5.0]), (1, 5)) == "M0 19L72 1"
    path = spark(np.random.default_rng(0).normal(3, 4, 1000), (1, 5))
    points = re.findall(r"[ML](\d+) ([\d.]+)", path)
    assert len(path) < 300
    assert all(0 <= int(x) <= 72 and 1 <= float(y) <= 19 for x, y in points)
    assert len(points) == 24


@pytest.mark.parametrize("count", [1, 7, 8, 9, 1000])
def test_a_spread_has_the_lowest_ranks_and_the_highest(count):
    chosen = spread(count, 8)
    assert len(set(chosen)) == len(chosen) == min(count, 8)
    assert chosen == sorted(chosen)
    assert chosen[:4] == list(range(min(count, 4)))
    assert chosen[-1] == count - 1


def test_the_common_folder():
    assert common_folder(["/a/b/1.mp4", "/a/b/c/2.mp4"]) == ("/", "a", "b")
    assert common_folder(["/a/b1/1.mp4", "/a/b2/2.mp4"]) == ("/", "a")
    assert common_folder(["1.mp4", "/a/2.mp4"]) == ()
    assert common_folder([]) == ()
