"""The pipeline: right features whatever the chunks, no thread or process left behind."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.clips import paint, write_raw
from tests.fakes import MeanColour
from vqa.databases.records import VideoRecord
from vqa.features.extraction.fill import extract
from vqa.features.extraction.pipeline import extract_videos, raw_format


def test_raw_video_is_read_by_its_label_row(tmp_path, clips_cache):
    frames = write_raw(tmp_path / "a.yuv", 5, (64, 48), "yuvj420p")
    video = VideoRecord("a.yuv", tmp_path / "a.yuv", 50.0, width=64, height=48)
    assert raw_format(video).frame_rate_hz == 30
    assert raw_format(replace(video, width=None)) is None
    extract([video], MeanColour(), clips_cache, progress=False)
    torch.testing.assert_close(clips_cache.load("a.yuv").features, MeanColour()(frames))
    assert clips_cache.load("a.yuv").metadata["reader"].startswith("raw ")


def test_the_extractors_threads_are_set_for_its_work_alone(clips):
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


def test_an_extractor_that_breaks_is_no_bad_file(clips, clips_cache):
    class Broken(MeanColour):
        def __call__(self, frames, context=0):
            raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        extract(clips.videos, Broken(), clips_cache, progress=False)


def test_a_decoder_that_breaks_ends_the_job_instead_of_hanging(clips, clips_cache, monkeypatch):
    def fail(times_s, rate):
        raise MemoryError("no memory")

    monkeypatch.setattr("vqa.features.extraction.pipeline.fixed_rate_indices", fail)
    with pytest.raises(MemoryError, match="no memory"):
        extract(clips.videos, MeanColour(), clips_cache, frame_rate_hz=5, progress=False)


def test_chunk_edges_change_nothing(clips, monkeypatch):
    whole = dict(_features(clips))
    monkeypatch.setattr("vqa.features.extraction.pipeline.CHUNK_FRAMES", 3)
    for name, features in _features(clips):
        torch.testing.assert_close(features, whole[name])


def _features(clips):
    return [(v.id, r.features) for v, r in extract_videos(clips.videos, MeanColour())]


def test_painted_clips_really_move():
    assert np.abs(paint(0).astype(int) - paint(1)).mean() > 1
