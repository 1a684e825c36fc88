"""The pipeline: features independent of chunks, no thread or process left behind."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.clips import paint, write_raw
from tests.fakes import MeanColour
from vqa.databases.records import VideoRecord
from vqa.features.extraction.cache import content_key
from vqa.features.extraction.feature_source import FeatureSource
from vqa.features.extraction.pipeline import extract_videos


def test_raw_video_is_read_by_its_label_row(tmp_path, clips_cache):
    frames = write_raw(tmp_path / "a.yuv", 5, (64, 48), "yuv420p")
    video = VideoRecord("a.yuv", tmp_path / "a.yuv", 50.0, width=64, height=48)
    assert video.raw_format.rate_hz == 30
    assert replace(video, width=None).raw_format is None
    FeatureSource(MeanColour(), clips_cache).fill([video], progress=False)
    torch.testing.assert_close(clips_cache.load(content_key(video)).features, MeanColour()(frames))
    assert clips_cache.load(content_key(video)).metadata["reader"].startswith("raw ")


def test_the_extractors_threads_are_set_only_while_it_works(clips):
    class Watching(MeanColour):
        def __call__(self, frames, context=0):
            seen.add(torch.get_num_threads())
            return super().__call__(frames, context)

    seen, before = set(), torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert len(list(extract_videos(clips.videos[:1], Watching()))) == 1
        assert seen == {1}
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_leaving_early_stops_the_decoder(clips):
    results = extract_videos(clips.videos, MeanColour())
    video, result = next(results)
    assert video.id == "clip0.mp4"
    assert result.features.shape == (34, 6)
    results.close()  # joins the thread and ends the child, or this test would hang


def test_an_error_in_the_extractor_is_not_a_bad_file(clips, clips_cache):
    class Broken(MeanColour):
        def __call__(self, frames, context=0):
            raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        FeatureSource(Broken(), clips_cache).fill(clips.videos, progress=False)


def test_an_error_in_the_decoding_thread_ends_the_job(clips, clips_cache, monkeypatch):
    def fail(times_s, rate):
        raise MemoryError("no memory")

    monkeypatch.setattr("vqa.features.extraction.decoding_thread.fixed_rate_indices", fail)
    with pytest.raises(MemoryError, match="no memory"):
        FeatureSource(MeanColour(), clips_cache, frame_rate_hz=5).fill(clips.videos, progress=False)


def test_the_chunk_size_changes_nothing(clips, monkeypatch):
    whole = dict(_features(clips))
    monkeypatch.setattr("vqa.features.extraction.decoding_thread.CHUNK_FRAMES", 3)
    for name, features in _features(clips):
        torch.testing.assert_close(features, whole[name])


def _features(clips):
    return [(v.id, r.features) for v, r in extract_videos(clips.videos, MeanColour())]


def test_painted_clips_really_move():
    assert np.abs(paint(0).astype(int) - paint(1)).mean() > 1
