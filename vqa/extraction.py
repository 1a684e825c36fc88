"""Fill a feature cache from video files: resumable, shareable between jobs, nothing lost.

Three things go on at once: the decoder's own process reads frames ahead, a thread moves them and
goes on to the next video, and the extractor works on the chunk before. Each video's features are
written when they are whole, so a job that is killed loses one video's work and the next run goes on
from there; jobs that share the work by `shard` need nothing of each other.
"""

import csv
import io
import logging
import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from vqa.cache import FeatureCache, source_fingerprint
from vqa.files import write_atomically
from vqa.progress import progress_bar
from vqa.records import VideoRecord
from vqa.sampling import fixed_rate_indices
from vqa.video import RawFormat, VideoError, VideoInfo, choose_reader, reader_version
from vqa.video.decoder import FrameDecoder

log = logging.getLogger(__name__)

CHUNK_FRAMES = 16
CHUNKS_AHEAD = 2


class Extractor(Protocol):
    """A frozen map from frames to features.

    Attributes:
        name: Short name, part of the cache's folder.
        dim: D, features a frame.
        context: Earlier frames that the features of a frame look at.
        fingerprint: Hash of definition, parameters and weights.
        weights: The weights in words, for reports.
        untrained: True where the weights are random.
        threads: Intra-op threads that suit it; None leaves torch's own choice.
    """

    name: str
    dim: int
    context: int
    fingerprint: str
    weights: str
    untrained: bool
    threads: int | None

    def __call__(self, frames: np.ndarray, context: int = 0) -> Tensor:
        """Features (T - context, D) of uint8 frames (T, H, W, 3), the first ones only looked at."""
        ...


@dataclass(frozen=True, slots=True)
class VideoFeatures:
    """What one video yields.

    Attributes:
        features: (T, D) float32.
        times_s: (T,) presentation times of the described frames.
        reader: Reader and version that decoded it.
        info: Size, rate and count of the source.
    """

    features: Tensor
    times_s: Tensor
    reader: str
    info: VideoInfo


@dataclass
class Outcome:
    """What an extraction did: ids made, ids found in the cache, and causes of failure by id."""

    made: list[str] = field(default_factory=list)
    reused: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)


class ExtractionError(RuntimeError):
    """A video failed and failures were asked to be fatal."""


def shard_of(videos: Sequence[VideoRecord], shard: str) -> list[VideoRecord]:
    """The part of the videos that shard `i/n` (1-based) works on; together the shards are all.

    Raises:
        ValueError: Not of the form i/n with 1 <= i <= n.
    """
    index, _, count = shard.partition("/")
    if not (index.isdigit() and count.isdigit() and 1 <= int(index) <= int(count)):
        raise ValueError(f"shard={shard!r}: expected i/n with 1 <= i <= n, for instance shard=2/8")
    return list(videos)[int(index) - 1 :: int(count)]


def raw_format(video: VideoRecord) -> RawFormat | None:
    """How to read a headerless video, from its label row; None for every other file."""
    if video.path.suffix.lower() != ".yuv" or not (video.width and video.height):
        return None
    return RawFormat(video.width, video.height, frame_rate_hz=video.frame_rate_hz or 30.0)


def extract_videos(
    videos: Sequence[VideoRecord],
    extractor: Extractor,
    *,
    frame_rate_hz: float | None = None,
    reader: str = "auto",
    time_limit_s: float = 600.0,
) -> Iterator[tuple[VideoRecord, VideoFeatures | Exception]]:
    """Features of each video in turn; a video that cannot be read yields its error instead.

    Args:
        videos: What to read.
        extractor: What to compute.
        frame_rate_hz: Sample at this fixed rate; None takes every frame.
        reader: `auto` or `pyav`.
        time_limit_s: Longest wait for the decoder on one video.
    """
    chunks: queue.Queue = queue.Queue(CHUNKS_AHEAD)
    stop = threading.Event()
    producer = threading.Thread(
        target=_produce,
        args=(videos, frame_rate_hz, reader, time_limit_s, chunks, stop),
        name="decoding",
        daemon=True,
    )
    producer.start()
    threads = torch.get_num_threads()
    torch.set_num_threads(extractor.threads or threads)
    try:
        for video in videos:
            yield video, _consume(chunks, extractor)
    finally:
        torch.set_num_threads(threads)
        stop.set()
        while producer.is_alive():
            _drain(chunks)
            producer.join(0.05)


def extract(
    videos: Sequence[VideoRecord],
    extractor: Extractor,
    cache: FeatureCache,
    *,
    frame_rate_hz: float | None = None,
    dtype: torch.dtype = torch.float32,
    reader: str = "auto",
    on_error: str = "skip",
    time_limit_s: float = 600.0,
    progress: bool = True,
) -> Outcome:
    """Bring the cache up to date for these videos.

    Args:
        videos: What must be in the cache afterwards.
        extractor: What computes the features.
        cache: Where they go.
        frame_rate_hz: Sample at this fixed rate; None takes every frame.
        dtype: How features are stored.
        reader: `auto` or `pyav`.
        on_error: `skip` lists a failed video and goes on; `raise` stops at it.
        time_limit_s: Longest wait for the decoder on one video.
        progress: Show a bar with the time left.

    Raises:
        ExtractionError: A video failed and `on_error` is `raise`.
        ValueError: `on_error` is neither.
    """
    if on_error not in ("skip", "raise"):
        raise ValueError(f"on_error={on_error!r} is not known; use skip or raise")
    outcome = Outcome()
    sources: dict[str, str] = {}
    wanted = []
    for video in videos:
        try:
            sources[video.id] = source_fingerprint(video.path)
        except OSError as error:
            _fail(outcome, video, error, on_error)
            continue
        if cache.is_current(video.id, sources[video.id]):
            outcome.reused.append(video.id)
        else:
            wanted.append(video)
    if wanted:
        log.info(
            "%s: %d videos to extract, %d cached", extractor.name, len(wanted), len(outcome.reused)
        )
    results = extract_videos(
        wanted,
        extractor,
        frame_rate_hz=frame_rate_hz,
        reader=reader,
        time_limit_s=time_limit_s,
    )
    bar = progress_bar(
        len(wanted), f"extract {extractor.name}", "video", disable=not (progress and wanted)
    )
    try:
        for video, result in results:
            bar.update()
            if isinstance(result, Exception):
                _fail(outcome, video, result, on_error)
                bar.set_postfix(failed=len(outcome.failures), refresh=False)
                continue
            cache.store(
                video.id,
                result.features.to(dtype),
                result.times_s,
                {
                    "source": sources[video.id],
                    "reader": result.reader,
                    "weights": extractor.weights,
                    "codec": result.info.codec,
                    "width": str(result.info.width),
                    "height": str(result.info.height),
                    "frame_rate_hz": f"{result.info.frame_rate_hz:.6g}",
                },
            )
            outcome.made.append(video.id)
    finally:
        bar.close()
        results.close()
    return outcome


def write_failures(outcome_failures: dict[str, str], path: str) -> None:
    """The failed videos and their causes as a table `video,cause`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["video", "cause"])
    writer.writerows(outcome_failures.items())
    write_atomically(path, text.getvalue())


def _fail(outcome: Outcome, video: VideoRecord, error: Exception, on_error: str) -> None:
    if on_error == "raise":
        raise ExtractionError(
            f"{video.id}: {error} (features.on_error=skip lists such videos and goes on)"
        ) from error
    log.warning("skipped %s: %s", video.id, error)
    outcome.failures[video.id] = str(error)


@dataclass(frozen=True, slots=True)
class _End:
    """Last item of a video in the queue: its facts, or what went wrong."""

    error: Exception | None = None
    info: VideoInfo | None = None
    reader: str = ""
    times_s: np.ndarray | None = None
    fatal: bool = False


def _produce(
    videos: Sequence[VideoRecord],
    frame_rate_hz: float | None,
    reader: str,
    time_limit_s: float,
    chunks: queue.Queue,
    stop: threading.Event,
) -> None:
    """Decode all videos into the queue: chunks of each, then its `_End`."""
    try:
        _decode(videos, frame_rate_hz, reader, time_limit_s, chunks, stop)
    except Exception as error:  # noqa: BLE001 (the consumer raises it; else it would wait forever)
        chunks.put(_End(error, fatal=True))


def _decode(
    videos: Sequence[VideoRecord],
    frame_rate_hz: float | None,
    reader: str,
    time_limit_s: float,
    chunks: queue.Queue,
    stop: threading.Event,
) -> None:
    with FrameDecoder(
        reader=reader, time_limit_s=time_limit_s, chunk_frames=CHUNK_FRAMES
    ) as decoder:
        for video in videos:
            try:
                raw = raw_format(video)
                info = decoder.probe(video.path, raw)
                indices = None
                times_s = info.times_s
                if frame_rate_hz is not None:
                    indices = fixed_rate_indices(info.times_s, frame_rate_hz)
                    times_s = info.times_s[indices]
                for chunk in decoder.stream(video.path, indices, raw, info):
                    chunks.put(chunk)
                    if stop.is_set():
                        return
                used = reader_version(choose_reader(info, reader))
                chunks.put(_End(None, info, used, times_s))
            except (VideoError, OSError, ValueError) as error:
                chunks.put(_End(error))
            if stop.is_set():
                return


def _consume(chunks: queue.Queue, extractor: Extractor) -> VideoFeatures | Exception:
    """Take one video out of the queue and describe it."""
    parts: list[Tensor] = []
    past: np.ndarray | None = None
    failure: Exception | None = None
    while not isinstance(item := chunks.get(), _End):
        if failure is not None:
            continue
        context = 0 if past is None else len(past)
        frames = item if past is None else np.concatenate([past, item])
        try:
            parts.append(extractor(frames, context))
        except ValueError as error:
            failure = error
        past = frames[len(frames) - extractor.context :] if extractor.context else None
    if item.fatal:
        raise item.error
    if item.error is not None or failure is not None:
        return item.error or failure
    return VideoFeatures(torch.cat(parts), torch.from_numpy(item.times_s), item.reader, item.info)


def _drain(chunks: queue.Queue) -> None:
    while True:
        try:
            chunks.get_nowait()
        except queue.Empty:
            return
