"""Extraction: right features, nothing lost to bad files or kills, work shared by shards."""

import csv
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.clips import cut, paint, write_clip, write_raw
from tests.fakes import MeanColour, clip_database
from vqa.cache import FeatureCache
from vqa.extraction import (
    ExtractionError,
    extract,
    extract_videos,
    raw_format,
    shard_of,
    write_failures,
)
from vqa.records import VideoRecord
from vqa.video import read_frames


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    return clip_database(tmp_path_factory.mktemp("clips"))


@pytest.fixture
def cache(tmp_path):
    return FeatureCache(tmp_path / "cache", "clips", "mean-colour", "f" * 64)


def test_streamed_features_equal_those_of_the_whole_video(database, cache):
    outcome = extract(database.videos, MeanColour(), cache, progress=False)
    assert outcome.made == [video.id for video in database.videos]
    assert not outcome.failures
    for video in database.videos:
        frames = read_frames(video.path, range(34), reader="pyav")
        stored = cache.load(video.id)
        torch.testing.assert_close(stored.features[:34], MeanColour()(frames))
        assert len(stored.features) == len(stored.times_s) > 33
        assert stored.times_s[1].item() == pytest.approx(1 / 30, abs=1e-3)
        assert stored.metadata["reader"].startswith("pyav ")


def test_second_run_reads_nothing_and_a_changed_file_is_seen(database, cache, tmp_path):
    videos = clip_database(tmp_path / "own", 2).videos
    extract(videos, MeanColour(), cache, progress=False)
    again = extract(videos, MeanColour(), cache, progress=False)
    assert again.reused == [video.id for video in videos]
    assert not again.made
    write_clip(videos[0].path, 40)
    third = extract(videos, MeanColour(), cache, progress=False)
    assert third.made == [videos[0].id]
    assert len(cache.load(videos[0].id).features) == 40


def test_fixed_rate_describes_the_frames_on_show(database, cache):
    video = database.videos[0]
    extract([video], MeanColour(), cache, frame_rate_hz=10, progress=False)
    stored = cache.load(video.id)
    assert len(stored.features) == 12  # 34 frames at 30 Hz last 1.13 s
    wanted = MeanColour()(read_frames(video.path, range(0, 34, 3)))
    torch.testing.assert_close(stored.features, wanted)


def test_bad_files_are_listed_and_the_others_done(database, cache, tmp_path):
    truncated = cut(write_clip(tmp_path / "cut.mp4", 40))
    (tmp_path / "empty.mp4").touch()
    bad = [
        VideoRecord("cut.mp4", truncated, 3.0),
        VideoRecord("empty.mp4", tmp_path / "empty.mp4", 3.0),
        VideoRecord("gone.mp4", tmp_path / "gone.mp4", 3.0),
    ]
    videos = [bad[0], database.videos[0], *bad[1:], database.videos[1]]
    outcome = extract(videos, MeanColour(), cache, progress=False)
    assert outcome.made == [video.id for video in database.videos[:2]]
    assert set(outcome.failures) == {"cut.mp4", "empty.mp4", "gone.mp4"}
    write_failures(outcome.failures, tmp_path / "failures.csv")
    with (tmp_path / "failures.csv").open() as file:
        rows = {row["video"]: row["cause"] for row in csv.DictReader(file)}
    assert "empty" in rows["empty.mp4"]
    with pytest.raises(ExtractionError, match=r"features\.on_error=skip"):
        extract(videos, MeanColour(), cache, on_error="raise", progress=False)
    with pytest.raises(ValueError, match="skip or raise"):
        extract(videos, MeanColour(), cache, on_error="ignore", progress=False)


def test_a_frame_the_extractor_refuses_fails_that_video_alone(database, cache):
    class Picky(MeanColour):
        def __call__(self, frames, context=0):
            if frames.shape[1] < 90:
                raise ValueError("frames too small")
            return super().__call__(frames, context)

    small = write_clip(database.videos[0].path.with_name("small.mp4"), 40, size=(64, 48))
    videos = [VideoRecord("small.mp4", small, 2.0), database.videos[0]]
    outcome = extract(videos, Picky(), cache, progress=False)
    assert outcome.failures == {"small.mp4": "frames too small"}
    assert outcome.made == [database.videos[0].id]


def test_shards_are_disjoint_and_together_everything(database):
    parts = [shard_of(database.videos, f"{i}/4") for i in range(1, 5)]
    ids = [video.id for part in parts for video in part]
    assert sorted(ids) == sorted(video.id for video in database.videos)
    for wrong in ("0/4", "5/4", "1", "a/b", "1/0"):
        with pytest.raises(ValueError, match="i/n"):
            shard_of(database.videos, wrong)


def test_raw_video_is_read_by_its_label_row(tmp_path, cache):
    frames = write_raw(tmp_path / "a.yuv", 5, (64, 48), "yuvj420p")
    video = VideoRecord("a.yuv", tmp_path / "a.yuv", 50.0, width=64, height=48)
    assert raw_format(video).frame_rate_hz == 30
    assert raw_format(replace(video, width=None)) is None
    extract([video], MeanColour(), cache, progress=False)
    torch.testing.assert_close(cache.load("a.yuv").features, MeanColour()(frames))
    assert cache.load("a.yuv").metadata["reader"].startswith("raw ")


def test_the_extractors_threads_are_set_for_its_work_alone(database):
    class Watching(MeanColour):
        def __call__(self, frames, context=0):
            seen.add(torch.get_num_threads())
            return super().__call__(frames, context)

    seen, before = set(), torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert len(list(extract_videos(database.videos[:1], Watching()))) == 1
        assert seen == {1}
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_leaving_early_stops_the_decoder(database):
    results = extract_videos(database.videos, MeanColour())
    video, result = next(results)
    assert video.id == "clip0.mp4"
    assert result.features.shape == (34, 6)
    results.close()  # joins the thread and ends the child, or this test would hang


def test_an_extractor_that_breaks_is_no_bad_file(database, cache):
    class Broken(MeanColour):
        def __call__(self, frames, context=0):
            raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        extract(database.videos, Broken(), cache, progress=False)


def test_a_decoder_that_breaks_ends_the_job_instead_of_hanging(database, cache, monkeypatch):
    def fail(times_s, rate):
        raise MemoryError("no memory")

    monkeypatch.setattr("vqa.extraction.fixed_rate_indices", fail)
    with pytest.raises(MemoryError, match="no memory"):
        extract(database.videos, MeanColour(), cache, frame_rate_hz=5, progress=False)


def test_chunk_edges_change_nothing(database, monkeypatch):
    whole = dict(_features(database))
    monkeypatch.setattr("vqa.extraction.CHUNK_FRAMES", 3)
    for name, features in _features(database):
        torch.testing.assert_close(features, whole[name])


def _features(database):
    return [(v.id, r.features) for v, r in extract_videos(database.videos, MeanColour())]


def test_painted_clips_really_move():
    assert np.abs(paint(0).astype(int) - paint(1)).mean() > 1
