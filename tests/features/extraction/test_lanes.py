"""Lanes: videos in work at the same time, results in order, bounded, and clean ends."""

import itertools
import os
import signal
import threading
import time

import pytest
import torch

from tests.clips import cut, write_clip
from tests.fakes import MadeDecoder, MeanColour, named_videos
from vqa.databases.records import VideoRecord
from vqa.features.extraction import lanes
from vqa.features.extraction.cache import FeatureCache
from vqa.features.extraction.feature_source import FeatureSource
from vqa.features.extraction.lanes import lane_count
from vqa.features.extraction.pipeline import extract_videos

LIMIT_S = 60  # of waiting for what must happen


class Parallel(MeanColour):
    parallel = True


class Held(Parallel):
    """Describes the videos of some names only after `free`."""

    def __init__(self, *names):
        self.names, self.free, self.described = names, threading.Event(), []

    def describe(self, chunks, info):
        if info.path.name in self.names:
            assert self.free.wait(LIMIT_S)
        self.described.append(info.path.name)
        return super().describe(chunks, info)


@pytest.fixture(autouse=True)
def quick_start(monkeypatch):
    monkeypatch.setattr(lanes, "RAMP_S", 0.01)


@pytest.fixture
def made(monkeypatch):
    """Videos without decoders."""
    monkeypatch.setattr("vqa.features.extraction.decoding_thread.FrameDecoder", MadeDecoder)


def threads():
    return [one for one in threading.enumerate() if one.name in ("lane", "decoding")]


def test_as_many_videos_are_described_at_the_same_time_as_there_are_lanes(tmp_path, made):
    class Meeting(Parallel):
        def describe(self, chunks, info):
            together.wait()
            return super().describe(chunks, info)

    together = threading.Barrier(5, timeout=LIMIT_S)
    videos = named_videos(tmp_path, 15)
    results = list(extract_videos(videos, Meeting(), decoders=5))
    assert [video for video, _ in results] == videos
    assert all(result.features.shape == (6, 6) for _, result in results)
    assert not threads()


def test_all_lanes_start_although_results_arrive_all_the_time(tmp_path, made, monkeypatch):
    monkeypatch.setattr(lanes, "RAMP_S", 0.05)
    endless = itertools.cycle(named_videos(tmp_path, 3))
    results = extract_videos(endless, Parallel(), decoders=4)
    most, deadline = 0, time.monotonic() + LIMIT_S
    for _ in results:
        most = max(most, sum(one.name == "lane" for one in threads()))
        if most == 4 or time.monotonic() > deadline:
            break
    results.close()
    assert most == 4


def test_decoders_work_at_the_same_time_and_give_the_features_of_one(clips):
    def features(decoders):
        results = extract_videos(clips.videos, Parallel(), decoders=decoders)
        return [(video.id, result.features.tolist()) for video, result in results]

    assert features(3) == features(1)


def test_an_extractor_that_is_not_parallel_describes_one_video_at_a_time(tmp_path, made):
    class Alone(MeanColour):
        def describe(self, chunks, info):
            with lock:  # it would not wait
                return super().describe(chunks, info)

    class Lock:
        held = False

        def __enter__(self):
            assert not self.held
            self.held = True

        def __exit__(self, *error):
            self.held = False

    lock = Lock()
    results = extract_videos(named_videos(tmp_path, 6), Alone(), decoders=4)
    assert all(result.features is not None for _, result in results)


def noted(videos, taken):
    """Yield videos and note those that were taken."""
    for video in videos:
        taken.append(video)
        yield video


def test_results_wait_for_an_earlier_video_and_few_videos_are_taken_meanwhile(tmp_path, made):
    extractor, taken = Held("v0.mp4"), []
    videos = noted(named_videos(tmp_path, 40), taken)
    results = extract_videos(videos, extractor, decoders=2)
    first = threading.Thread(target=lambda: found.append(next(results)))
    found = []
    first.start()
    _until(lambda: len(extractor.described) == lanes.AHEAD * 2 - 1)
    assert len(taken) == lanes.AHEAD * 2
    assert not found
    extractor.free.set()
    first.join(LIMIT_S)
    assert [video.id for video, _ in [*found, *results]] == [f"v{n}.mp4" for n in range(40)]


def test_large_features_that_wait_hold_back_the_lanes(tmp_path, made, monkeypatch):
    monkeypatch.setattr(lanes, "HELD_BYTES", 1)
    extractor, taken = Held("v0.mp4"), []
    videos = noted(named_videos(tmp_path, 40), taken)
    results = extract_videos(videos, extractor, decoders=2)
    first = threading.Thread(target=lambda: next(results))
    first.start()
    _until(lambda: extractor.described)
    time.sleep(0.05)  # they could take more now
    assert len(taken) <= 5
    extractor.free.set()
    first.join(LIMIT_S)
    assert len(list(results)) == 39


def test_errors_cost_their_video_only(clips, tmp_path):
    class Choosy(Parallel):
        def describe(self, chunks, info):
            if info.frames == 36:
                next(chunks)
                raise MemoryError
            if info.frames == 37:
                return None  # unpacking it is an error that a grey clip does not show
            return super().describe(chunks, info)

    broken = VideoRecord("cut.mp4", cut(write_clip(tmp_path / "cut.mp4", 40)), 3.0)
    gone = VideoRecord("gone.mp4", tmp_path / "gone.mp4", 3.0)
    videos = [broken, *clips.videos[:4], gone, *clips.videos[4:]]
    results = list(extract_videos(videos, Choosy(), decoders=3))
    assert [video for video, _ in results] == videos
    failed = [isinstance(result, Exception) for _, result in results]
    assert failed == [True, False, False, True, True, True, False, False]
    assert "more memory than there is" in str(results[3][1])


def test_an_extractor_that_does_not_work_ends_the_job(tmp_path, made):
    class Broken(Parallel):
        def describe(self, chunks, info):
            if info.path.name in ("v0.mp4", "v1.mp4"):
                return super().describe(chunks, info)
            raise AttributeError("no such thing")

    results = extract_videos(named_videos(tmp_path, 30), Broken(), decoders=3)
    assert [next(results)[0].id for _ in range(2)] == ["v0.mp4", "v1.mp4"]
    with pytest.raises(AttributeError, match="no such thing"):
        next(results)
    assert not threads()


def test_results_before_an_error_of_the_list_of_videos_arrive(tmp_path, made):
    def videos():
        yield from named_videos(tmp_path, 5)
        raise RuntimeError("no list")

    results = extract_videos(videos(), Parallel(), decoders=3)
    assert [next(results)[0].id for _ in range(5)] == [f"v{n}.mp4" for n in range(5)]
    with pytest.raises(RuntimeError, match="no list"):
        next(results)
    assert not threads()


def test_a_reader_that_does_not_exist_is_refused(clips):
    with pytest.raises(ValueError, match="reader='none': expected one of"):
        list(extract_videos(clips.videos, Parallel(), decoders=3, reader="none"))
    assert not threads()


def test_closing_early_ends_threads_and_processes(clips, children):
    results = extract_videos(clips.videos * 5, Parallel(), decoders=3)
    assert next(results)[0] is clips.videos[0]
    _until(lambda: len(children) == 3)
    results.close()
    assert not threads()
    assert all(process.poll() is not None for process in children)


def test_closing_while_videos_are_described_waits_for_no_other(tmp_path, made):
    extractor = Held("v1.mp4", "v2.mp4", "v3.mp4")
    results = extract_videos(named_videos(tmp_path, 20), extractor, decoders=3)
    next(results)
    closing = threading.Thread(target=results.close)
    closing.start()
    extractor.free.set()
    closing.join(LIMIT_S)
    assert not threads()
    assert len(extractor.described) < 20


def test_names_that_never_come_do_not_hold_up_results_or_the_end(tmp_path, made, monkeypatch):
    monkeypatch.setattr("vqa.features.extraction.decoding_thread.PATIENCE_S", 0.1)
    silent = threading.Event()

    def waiting():
        yield from named_videos(tmp_path, 2)
        silent.wait(LIMIT_S)

    results = extract_videos(waiting(), Parallel(), decoders=3)
    assert [next(results)[0].id for _ in range(2)] == ["v0.mp4", "v1.mp4"]
    results.close()
    (left,) = threads()
    assert left.name == "decoding"
    silent.set()
    left.join(LIMIT_S)
    assert not left.is_alive()


def test_a_killed_decoder_costs_its_video_and_the_next_has_another(clips, children):
    class Killing(Parallel):
        def describe(self, chunks, info):
            if not killed:
                killed.append(info.path.name)
                for process in children:
                    os.kill(process.pid, signal.SIGKILL)
                    process.wait()
            return super().describe(chunks, info)

    killed = []
    results = list(extract_videos(clips.videos * 2, Killing(), decoders=2))
    failed = [result for _, result in results if isinstance(result, Exception)]
    assert 0 < len(failed) <= 4  # a lane decodes one video ahead
    assert all("SIGKILL" in str(error) for error in failed)
    assert len(results) == 12


def test_the_time_limit_is_each_videos_own(clips):
    results = list(extract_videos(clips.videos[:3], Parallel(), decoders=2, time_limit_s=1e-9))
    assert all("time limit" in str(result) for _, result in results)


def test_current_videos_are_not_described_and_a_stopped_extraction_resumes(clips, tmp_path):
    def source():
        cache = FeatureCache(tmp_path, "mean-colour", "f" * 64)
        return FeatureSource(Parallel(), cache, decoders=3)

    stream = source().stream(clips.videos)
    assert next(stream)[1] is None
    stream.close()
    outcome = source().fill(clips.videos, progress=False)
    assert outcome.reused == ["clip0.mp4"]
    assert outcome.made == [video.id for video in clips.videos[1:]]
    assert source().fill(clips.videos, progress=False).made == []


def test_without_a_cache_each_video_is_held_until_the_next(clips):
    source = FeatureSource.in_cache(Parallel(), None, "auto", decoders=3)
    lengths = []
    for video, cause in source.stream(clips.videos):
        assert cause is None
        lengths.append(len(source.load(video).features))
    assert lengths == [34, 35, 36, 37, 38, 39]


def test_threads_of_torch_are_shared_by_the_lanes_and_given_back(tmp_path, made):
    class Watching(Parallel):
        threads = None

        def __call__(self, frames, context=0):
            seen.append(torch.get_num_threads())
            return super().__call__(frames, context)

    def of_a_new_thread():
        found = []
        thread = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
        thread.start()
        thread.join()
        return found[0]

    before, seen = torch.get_num_threads(), []
    torch.set_num_threads(4)
    try:
        for _ in extract_videos(named_videos(tmp_path, 6), Watching(), decoders=2):
            assert torch.get_num_threads() == 4
        assert set(seen) == {2}
        assert torch.get_num_threads() == of_a_new_thread() == 4
    finally:
        torch.set_num_threads(before)


def test_the_number_of_lanes_suits_device_and_extractor(monkeypatch):
    def kind(**attributes):
        return type("Kind", (MeanColour,), attributes)()

    gpu = torch.device("cuda")
    for cores, on_gpu, on_cpu in ((1, 1, 1), (2, 1, 2), (4, 3, 4), (16, 4, 15), (64, 4, 15)):
        monkeypatch.setattr(lanes, "cpu_count", lambda cores=cores: cores)
        assert lane_count(kind(), "auto") == lane_count(kind(), 4) == 1
        assert lane_count(kind(parallel=True), "auto") == 1  # a network takes all cores
        assert lane_count(kind(parallel=True), 4) == 4
        assert lane_count(kind(parallel=True, device=gpu), "auto") == on_gpu
        assert lane_count(kind(parallel=True, one_core=True), "auto") == on_cpu


def test_chunks_are_smaller_in_many_lanes_and_longer_on_a_gpu(tmp_path, made, monkeypatch):
    class Wide(MadeDecoder):
        size = (1080, 1920)

        def stream(self, *arguments):
            seen.append(self.chunk_frames)
            return iter(())

    class Small(Wide):
        size = (120, 160)

    monkeypatch.setattr("vqa.features.extraction.decoding_thread.FrameDecoder", Wide)
    seen, video = [], named_videos(tmp_path, 1)
    for decoders in (1, 3, 15):
        list(extract_videos(video, Parallel(), decoders=decoders))
    assert seen == [5, 5, 2]
    monkeypatch.setattr("vqa.features.extraction.decoding_thread.FrameDecoder", Small)
    list(extract_videos(video, Parallel()))
    on_gpu = type("OnGPU", (Parallel,), {"device": torch.device("cuda")})()
    list(extract_videos(video, on_gpu))
    assert seen[3:] == [16, 64]


def _until(condition):
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
