"""Streams of features: order, laziness, clean ends, and use in threads and DataLoader workers."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch.utils.data import DataLoader, IterableDataset

from tests.clips import cut, write_clip
from tests.fakes import MeanColour
from vqa.databases.records import VideoRecord
from vqa.features.extraction.cache import FeatureCache
from vqa.features.extraction.external import ExternalFeatures
from vqa.features.extraction.feature_source import FeatureSource
from vqa.features.extraction.fill import ExtractionError
from vqa.features.extraction.sources import Sources
from vqa.features.nss import NSS


class Doubled(MeanColour):
    """A second kind of features."""

    name, fingerprint, context = "doubled", "e" * 64, 0

    def __call__(self, frames, context=0):
        return 2 * MeanColour.__call__(self, frames)


def source_of(folder, extractor=None, **options):
    extractor = extractor or MeanColour()
    cache = FeatureCache(folder, extractor.name, extractor.fingerprint)
    return FeatureSource(extractor, cache, **options)


def decoding_threads():
    return [thread for thread in threading.enumerate() if thread.name == "decoding"]


def test_each_video_comes_in_order_when_its_features_can_be_loaded(clips, tmp_path, caplog):
    broken = VideoRecord("cut.mp4", cut(write_clip(tmp_path / "cut.mp4", 40)), 3.0)
    gone = VideoRecord("gone.mp4", tmp_path / "gone.mp4", 3.0)
    source = source_of(tmp_path / "cache")
    source.fill(clips.videos[1:2], progress=False)
    videos = [broken, clips.videos[0], gone, clips.videos[1], clips.videos[2]]
    causes = []
    with caplog.at_level(logging.WARNING):
        for expected, (video, cause) in zip(videos, source.stream(videos), strict=True):
            assert video is expected
            if cause is None:
                assert len(source.load(video).features) > 30
            causes.append(cause)
    assert [cause is None for cause in causes] == [False, True, False, True, True]
    assert "No such file" in causes[2]
    assert not caplog.messages  # whoever asks one by one says so
    with caplog.at_level(logging.WARNING):
        source.fill(videos, progress=False)
    assert [line.split(":")[0] for line in caplog.messages] == [
        "skipped cut.mp4", "skipped gone.mp4",
    ]  # fmt: skip


def test_videos_are_taken_and_hashed_only_as_needed(clips, tmp_path):
    source = source_of(tmp_path)
    source.fill(clips.videos[:1], progress=False)
    taken = []

    def endless():
        while True:
            taken.append(None)
            yield clips.videos[0]

    stream = source.stream(endless())
    for count in range(1, 40):
        next(stream)
        assert len(taken) <= count + 4
    stream.close()
    assert not decoding_threads()


def test_closing_early_ends_the_thread_and_the_process(clips, tmp_path, children):
    stream = source_of(tmp_path).stream(clips.videos)
    assert next(stream)[0] is clips.videos[0]
    assert decoding_threads()
    assert [process.poll() for process in children] == [None]
    stream.close()
    assert not decoding_threads()
    assert children[0].poll() is not None


def test_a_stream_that_is_not_started_starts_nothing(clips, tmp_path, children):
    source_of(tmp_path).stream(clips.videos).close()
    assert not children
    assert not decoding_threads()


def test_an_interrupted_stream_resumes(clips, tmp_path):
    source = source_of(tmp_path)
    stream = source.stream(clips.videos)
    for _ in range(2):
        next(stream)
    stream.close()
    outcome = source.fill(clips.videos, progress=False)
    assert outcome.reused == [video.id for video in clips.videos[:2]]
    assert outcome.made == [video.id for video in clips.videos[2:]]


def test_on_error_raise_stops_and_cleans_up(clips, tmp_path, children):
    gone = VideoRecord("gone.mp4", tmp_path / "gone.mp4", 3.0)
    source = source_of(tmp_path, on_error="raise")
    with pytest.raises(ExtractionError, match=r"gone\.mp4: .*on_error=skip"):
        list(source.stream([clips.videos[0], gone, clips.videos[1]]))
    assert not decoding_threads()
    assert all(process.poll() is not None for process in children)
    assert source.load(clips.videos[0])


def test_torchs_settings_are_untouched_between_and_after_videos(clips, tmp_path):
    def settings():
        return torch.get_num_threads(), torch.is_grad_enabled(), torch.get_rng_state().tolist()

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        wanted = settings()
        for _ in source_of(tmp_path).stream(clips.videos[:2]):
            assert settings() == wanted
        assert settings() == wanted
    finally:
        torch.set_num_threads(before)


def test_several_sources_stream_together(clips, tmp_path):
    broken = VideoRecord("cut.mp4", cut(write_clip(tmp_path / "cut.mp4", 40)), 3.0)
    first, second = source_of(tmp_path), source_of(tmp_path, Doubled())
    second.fill(clips.videos[:1], progress=False)
    both = Sources([first, second])
    videos = [clips.videos[0], broken, clips.videos[1]]
    found = []
    for video, cause in both.stream(iter(videos)):
        found.append(video)
        if cause is None:
            one, two = (source.load(video).features for source in both.sources)
            assert one.shape == two.shape
    assert found == videos
    stream = both.stream(clips.videos)
    next(stream)
    stream.close()
    assert not decoding_threads()


def test_a_video_without_a_row_fails_in_the_stream(clips, tmp_path):
    path = tmp_path / "feats.csv"
    path.write_text("video,a\nclip0.mp4,0\n")
    both = Sources([source_of(tmp_path), ExternalFeatures(path)])
    causes = [cause for _, cause in both.stream(clips.videos[:2])]
    assert causes[0] is None
    assert "no row of this name" in causes[1]


def test_streams_run_in_threads(clips, tmp_path):
    def job(number):
        source = source_of(tmp_path / str(number))
        return [len(source.load(video).features) for video, _ in source.stream(clips.videos)]

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(job, range(2))) == [[34, 35, 36, 37, 38, 39]] * 2


class Streamed(IterableDataset):
    """Features of videos, extracted where the data set is read."""

    def __init__(self, source, videos):
        self.source, self.videos = source, videos

    def __iter__(self):
        threads = torch.get_num_threads()
        for video, cause in self.source.stream(self.videos):
            assert cause is None
            assert torch.get_num_threads() == threads
            yield self.source.load(video).features


@pytest.mark.parametrize(
    ("extractor", "context"),
    [
        (MeanColour(), "fork"),
        (NSS(workers=2, device="cpu"), "fork"),
        pytest.param(MeanColour(), "spawn", marks=pytest.mark.slow),
        pytest.param(NSS(workers=2, device="cpu"), "spawn", marks=pytest.mark.exhaustive),
    ],
)
def test_streams_run_in_a_worker_of_a_data_loader(clips, tmp_path, extractor, context):
    """A worker is a daemon, which may not have child processes of multiprocessing."""
    here = source_of(tmp_path / "here", extractor)
    here.fill(clips.videos[:2], progress=False)  # with processes, whose pool a fork inherits
    dataset = Streamed(source_of(tmp_path / "worker", extractor), clips.videos[:2])
    loader = DataLoader(dataset, batch_size=None, num_workers=1, multiprocessing_context=context)
    found = list(loader)
    assert len(found) == 2
    for features, video in zip(found, clips.videos, strict=False):
        wanted = here.load(video).features
        torch.testing.assert_close(features, wanted, rtol=0, atol=0, equal_nan=True)


def test_names_that_never_come_do_not_hold_up_the_end(clips, tmp_path, monkeypatch):
    monkeypatch.setattr("vqa.features.extraction.decoding_thread.PATIENCE_S", 0.1)
    silent = threading.Event()

    def waiting():
        yield clips.videos[0]
        silent.wait(60)

    stream = source_of(tmp_path).stream(waiting())
    assert next(stream)[1] is None  # before the names end
    stream.close()
    (thread,) = [one for one in threading.enumerate() if one.name == "decoding"]
    silent.set()
    thread.join(10)
    assert not thread.is_alive()


def test_only_the_beginning_is_described(clips, tmp_path):
    source = FeatureSource.in_cache(MeanColour(), tmp_path, "auto", max_seconds=0.5)
    whole = FeatureSource.in_cache(MeanColour(), tmp_path, "auto")
    videos = clips.videos[:1]
    for one in (source, whole):
        one.fill(videos, progress=False)
    part = source.load(videos[0])
    assert len(part.features) == int(part.metadata["frames"]) == 15
    assert part.features.equal(whole.load(videos[0]).features[:15])
    assert part.metadata["note"].startswith("only the first 0.5 of ")
    assert source.cache.folder != whole.cache.folder


def test_without_a_cache_one_video_is_held_and_can_be_forgotten(clips):
    source = FeatureSource.in_cache(MeanColour(), None, "auto")
    seen = []
    for video, cause in source.stream([*clips.videos[:2], clips.videos[1]]):
        assert cause is None
        seen.append(source.load(video).features)
        source.forget(video)
    assert seen[1].equal(seen[2])
    with pytest.raises(FileNotFoundError, match="found another; load each before the next"):
        source.load(clips.videos[0])
    assert source.seconds(clips.videos[:1]) == []
