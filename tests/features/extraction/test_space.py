"""The space for features: estimated after the first videos, an error before the disk is full."""

import logging
from collections import namedtuple

import pytest

from tests.fakes import MeanColour
from vqa.features.extraction import space
from vqa.features.extraction.feature_source import FeatureSource
from vqa.features.extraction.fill import ExtractionError
from vqa.features.extraction.space import SpaceEstimate, amount

Usage = namedtuple("Usage", ["total", "used", "free"])


def free(monkeypatch, count):
    monkeypatch.setattr(space.shutil, "disk_usage", lambda _: Usage(0, 0, count))


def test_the_estimate_is_said_once(tmp_path, monkeypatch, caplog):
    free(monkeypatch, 210 * 10**9)
    estimate = SpaceEstimate(tmp_path, 1203)
    with caplog.at_level(logging.INFO):
        for size in (3 * 10**6, 0, 4 * 10**6, 5 * 10**6, 9 * 10**9):
            estimate.add(size)
    (record,) = caplog.records
    text = record.getMessage()
    assert text.startswith("features of 1,199 more videos will take up to 4.8 GB in ")
    assert text.endswith("; 210 GB are free")


def test_a_disk_that_is_too_small_is_an_error_before_it_is_full(tmp_path, monkeypatch):
    free(monkeypatch, 10**9)
    estimate = SpaceEstimate(tmp_path, 1000)
    estimate.add(10**6)
    estimate.add(10**6)
    with pytest.raises(ExtractionError, match=r"997 more videos .* 997 MB .* 1 GB are free: free"):
        estimate.add(10**6)


def test_few_videos_need_no_estimate(tmp_path, monkeypatch, caplog):
    free(monkeypatch, 0)
    estimate = SpaceEstimate(tmp_path, 3)
    for _ in range(3):
        estimate.add(10**6)
    assert not caplog.records


def test_an_extraction_stops_in_time_and_resumes(clips, clips_cache, monkeypatch):
    free(monkeypatch, 10**6)
    source = FeatureSource(MeanColour(), clips_cache)
    with pytest.raises(ExtractionError, match="3 more videos"):
        source.fill(clips.videos, progress=False)
    free(monkeypatch, 10**12)
    outcome = source.fill(clips.videos, progress=False)
    assert (len(outcome.made), len(outcome.reused)) == (3, 3)


def test_amounts_have_a_unit():
    assert [amount(count) for count in (0, 999, 1500, 2.5e6, 7e12)] == [
        "0 bytes", "999 bytes", "1.5 kB", "2.5 MB", "7 TB",
    ]  # fmt: skip
