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


def test_an_extractor_that_does_not_work_ends_the_job_at_the_first_video(clips):
    class Broken(MeanColour):
        def describe(self, chunks, info):
            described.append(info.path.name)
            raise AttributeError("no such thing")

    described = []
    with pytest.raises(AttributeError, match="no such thing"):
        list(extract_videos(clips.videos, Broken()))
    assert described == ["clip0.mp4", "grey"]


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (RuntimeError("Output size\nis too small"), "RuntimeError: Output size is too small"),
        (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero"),
        (MemoryError(), "takes more memory than there is"),
        (torch.OutOfMemoryError("CUDA out of memory"), "takes more memory than there is"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "takes more memory"),
        (ValueError("frames too small"), "frames too small"),
    ],
)
def test_whatever_the_extractor_makes_of_a_video_costs_that_video(clips, error, cause):
    class Choosy(MeanColour):
        def describe(self, chunks, info):
            if info.path.name != "grey" and info.frames < 40 - 1:
                next(chunks)
                raise error
            return super().describe(chunks, info)

    results = [result for _, result in extract_videos(clips.videos, Choosy())]
    assert [isinstance(result, Exception) for result in results] == [True] * 5 + [False]
    for result in results[:5]:
        assert cause in str(result)
        assert "\n" not in str(result)
        assert result.__traceback__ is None  # it would keep the frames in memory


def test_whatever_fails_while_a_video_is_decoded_costs_that_video(clips, monkeypatch):
    def choose(times_s, rate):
        if len(times_s) == 35:
            raise MemoryError
        if len(times_s) == 36:
            raise RecursionError("too deep")
        return np.arange(len(times_s))

    monkeypatch.setattr("vqa.features.extraction.decoding_thread.fixed_rate_indices", choose)
    results = list(extract_videos(clips.videos, MeanColour(), frame_rate_hz=5))
    assert [str(result) for _, result in results if isinstance(result, Exception)] == [
        "describing its frames takes more memory than there is",
        "RecursionError: too deep",
    ]


def test_an_error_of_the_list_of_videos_ends_the_job(clips):
    def videos():
        yield clips.videos[0]
        raise RuntimeError("no list")

    with pytest.raises(RuntimeError, match="no list"):
        list(extract_videos(videos(), MeanColour()))


def test_the_chunk_size_changes_nothing(clips, monkeypatch):
    whole = dict(_features(clips))
    monkeypatch.setattr("vqa.features.extraction.decoding_thread.CHUNK_FRAMES", 3)
    for name, features in _features(clips):
        torch.testing.assert_close(features, whole[name])


def _features(clips):
    return [(v.id, r.features) for v, r in extract_videos(clips.videos, MeanColour())]


def test_painted_clips_really_move():
    assert np.abs(paint(0).astype(int) - paint(1)).mean() > 1
