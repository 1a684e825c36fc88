"""Extraction: right features, nothing lost to bad files, work shared by shards."""

import csv

import pytest
import torch

from tests.clips import cut, write_clip
from tests.fakes import MeanColour, clip_database
from vqa.databases.records import VideoRecord
from vqa.features.extraction.fill import (
    ExtractionError,
    extract,
    shard_of,
    write_failures,
)
from vqa.features.nothing import Nothing
from vqa.video import read_frames
from vqa.video.sampling import uniform_indices


def test_streamed_features_equal_those_of_the_whole_video(clips, clips_cache):
    outcome = extract(clips.videos, MeanColour(), clips_cache, progress=False)
    assert outcome.made == [video.id for video in clips.videos]
    assert not outcome.failures
    for video in clips.videos:
        frames = read_frames(video.path, range(34), reader="pyav")
        stored = clips_cache.load(video.id)
        torch.testing.assert_close(stored.features[:34], MeanColour()(frames))
        assert len(stored.features) == len(stored.times_s) > 33
        assert stored.times_s[1].item() == pytest.approx(1 / 30, abs=1e-3)
        assert stored.metadata["reader"].startswith("pyav ")


def test_second_run_reads_nothing_and_a_changed_file_is_seen(clips_cache, tmp_path):
    videos = clip_database(tmp_path / "own", 2).videos
    extract(videos, MeanColour(), clips_cache, progress=False)
    again = extract(videos, MeanColour(), clips_cache, progress=False)
    assert again.reused == [video.id for video in videos]
    assert not again.made
    write_clip(videos[0].path, 40)
    third = extract(videos, MeanColour(), clips_cache, progress=False)
    assert third.made == [videos[0].id]
    assert len(clips_cache.load(videos[0].id).features) == 40


def test_fixed_rate_describes_the_frames_on_show(clips, clips_cache):
    video = clips.videos[0]
    extract([video], MeanColour(), clips_cache, frame_rate_hz=10, progress=False)
    stored = clips_cache.load(video.id)
    assert len(stored.features) == 12  # 34 frames at 30 Hz last 1.13 s
    wanted = MeanColour()(read_frames(video.path, range(0, 34, 3)))
    torch.testing.assert_close(stored.features, wanted)


def test_so_many_frames_are_the_middles_of_equal_parts(clips, clips_cache):
    video = clips.videos[0]
    extract([video], MeanColour(), clips_cache, frames=8, progress=False)
    extract([clips.videos[1]], MeanColour(), clips_cache, frames=64, progress=False)
    found = clips_cache.load(video.id)
    indices = uniform_indices(34, 8)
    frames = read_frames(video.path, indices)
    torch.testing.assert_close(found.features, MeanColour()(frames))
    assert found.times_s.tolist() == pytest.approx((indices / 30).tolist())
    assert len(clips_cache.load(clips.videos[1].id).features) == 64
    with pytest.raises(ValueError, match=r"frames=8 and frame_rate_hz=4"):
        extract([clips.videos[2]], MeanColour(), clips_cache, frames=8, frame_rate_hz=4)


def test_models_that_read_files_have_each_checked_beforehand(clips, clips_cache, tmp_path):
    broken = tmp_path / "cut.mp4"
    broken.write_bytes(clips.videos[0].path.read_bytes()[:-400])
    videos = [clips.videos[0], VideoRecord("cut.mp4", broken, 3.0)]
    outcome = extract(videos, Nothing(), clips_cache, progress=False)
    assert outcome.made == [clips.videos[0].id]
    assert list(outcome.failures) == ["cut.mp4"]
    found = clips_cache.load(clips.videos[0].id)
    assert found.features.shape == (34, 0)
    assert found.metadata["frames"] == "34"


def test_bad_files_are_listed_and_the_others_done(clips, clips_cache, tmp_path):
    truncated = cut(write_clip(tmp_path / "cut.mp4", 40))
    (tmp_path / "empty.mp4").touch()
    bad = [
        VideoRecord("cut.mp4", truncated, 3.0),
        VideoRecord("empty.mp4", tmp_path / "empty.mp4", 3.0),
        VideoRecord("gone.mp4", tmp_path / "gone.mp4", 3.0),
    ]
    videos = [bad[0], clips.videos[0], *bad[1:], clips.videos[1]]
    outcome = extract(videos, MeanColour(), clips_cache, progress=False)
    assert outcome.made == [video.id for video in clips.videos[:2]]
    assert set(outcome.failures) == {"cut.mp4", "empty.mp4", "gone.mp4"}
    write_failures(outcome.failures, tmp_path / "failures.csv")
    with (tmp_path / "failures.csv").open() as file:
        rows = {row["video"]: row["cause"] for row in csv.DictReader(file)}
    assert "empty" in rows["empty.mp4"]
    with pytest.raises(ExtractionError, match="on_error=skip of these features"):
        extract(videos, MeanColour(), clips_cache, on_error="raise", progress=False)
    with pytest.raises(ValueError, match="skip or raise"):
        extract(videos, MeanColour(), clips_cache, on_error="ignore", progress=False)


def test_a_frame_the_extractor_refuses_fails_that_video_alone(clips, clips_cache, tmp_path):
    class Picky(MeanColour):
        def __call__(self, frames, context=0):
            if frames.shape[1] < 90:
                raise ValueError("frames too small")
            return super().__call__(frames, context)

    small = write_clip(tmp_path / "small.mp4", 40, size=(64, 48))
    videos = [VideoRecord("small.mp4", small, 2.0), clips.videos[0]]
    outcome = extract(videos, Picky(), clips_cache, progress=False)
    assert outcome.failures == {"small.mp4": "frames too small"}
    assert outcome.made == [clips.videos[0].id]


def test_shards_are_disjoint_and_together_everything(clips):
    parts = [shard_of(clips.videos, f"{i}/4") for i in range(1, 5)]
    ids = [video.id for part in parts for video in part]
    assert sorted(ids) == sorted(video.id for video in clips.videos)
    for wrong in ("0/4", "5/4", "1", "a/b", "1/0"):
        with pytest.raises(ValueError, match="i/n"):
            shard_of(clips.videos, wrong)
