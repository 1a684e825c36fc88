"""Features of video files, one video after another, with decoder and extractor both busy.

Three things go on at once: the decoder's own process reads frames ahead, a thread moves them and
goes on to the next video, and the extractor works on the chunk before.
"""

import queue
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from vqa.databases.records import VideoRecord
from vqa.video import RawFormat, VideoError, VideoInfo, choose_reader, reader_version
from vqa.video.decoder import FrameDecoder
from vqa.video.sampling import fixed_rate_indices, uniform_indices

CHUNK_FRAMES = 16
CHUNKS_AHEAD = 2


class Extractor(Protocol):
    """A frozen map from frames to features.

    Two more methods are optional. `indices(info) -> int64 (n,)` chooses the frames itself,
    ascending. `describe(chunks, info) -> (features (T, D), times_s (T,))` sees a whole video, the
    chunks of its frames one after the other, and is called in place of the extractor itself; with
    the attribute `pixels = "yuv420p"` these are planar (`vqa.video.planes`).

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
        seconds: Wall time that it took, decoding included where that was slower.
    """

    features: Tensor
    times_s: Tensor
    reader: str
    info: VideoInfo
    seconds: float


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
    frames: int | None = None,
    reader: str = "auto",
    time_limit_s: float = 600.0,
) -> Iterator[tuple[VideoRecord, VideoFeatures | Exception]]:
    """Features of each video in turn; a video that cannot be read yields its error instead.

    Args:
        videos: What to read.
        extractor: What to compute.
        frame_rate_hz: Sample at this fixed rate; None takes every frame.
        frames: Or sample so many, at the middles of equal parts; in a video with fewer they repeat.
        reader: `auto` or `pyav`.
        time_limit_s: Longest wait for the decoder on one video.

    Raises:
        ValueError: Both ways to sample are given, or one for an extractor that samples itself.
    """
    if frames is not None and frame_rate_hz is not None:
        raise ValueError(
            f"frames={frames} and frame_rate_hz={frame_rate_hz} of these features both say which "
            "frames to take; set one of them to null"
        )
    if hasattr(extractor, "indices") and (frame_rate_hz is not None or frames is not None):
        raise ValueError(
            f"{extractor.name} chooses its frames itself; leave frame_rate_hz and frames at null"
        )
    decoding = _Decoding(videos, extractor, frame_rate_hz, frames, reader, time_limit_s)
    producer = threading.Thread(target=decoding.run, name="decoding", daemon=True)
    producer.start()
    threads = torch.get_num_threads()
    torch.set_num_threads(extractor.threads or threads)
    try:
        for video in videos:
            yield video, _describe(decoding.chunks, extractor)
    finally:
        torch.set_num_threads(threads)
        decoding.stop.set()
        while producer.is_alive():
            _drain(decoding.chunks)
            producer.join(0.05)


@dataclass(frozen=True, slots=True)
class _Begin:
    """First item of a video in the queue: what its chunks will show."""

    info: VideoInfo
    times_s: np.ndarray
    reader: str


@dataclass(frozen=True, slots=True)
class _End:
    """Last item of a video in the queue, with what went wrong."""

    error: Exception | None = None
    fatal: bool = False


@dataclass
class _Decoding:
    """The thread's work: of each video its `_Begin`, its chunks and its `_End` into the queue."""

    videos: Sequence[VideoRecord]
    extractor: Extractor
    frame_rate_hz: float | None
    frames: int | None
    reader: str
    time_limit_s: float
    chunks: queue.Queue = field(default_factory=lambda: queue.Queue(CHUNKS_AHEAD))
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Decode until the end or `stop`; whatever goes wrong reaches the consumer."""
        try:
            with FrameDecoder(
                reader=self.reader, time_limit_s=self.time_limit_s, chunk_frames=CHUNK_FRAMES
            ) as decoder:
                for video in self.videos:
                    end = self._decode(decoder, video)
                    if self.stop.is_set():
                        return
                    self.chunks.put(end)
        except Exception as error:  # noqa: BLE001 (the consumer raises it; else it would wait)
            self.chunks.put(_End(error, fatal=True))

    def _decode(self, decoder: FrameDecoder, video: VideoRecord) -> _End:
        try:
            raw = raw_format(video)
            info = decoder.probe(video.path, raw)
            indices = self._indices(info)
            times_s = info.times_s if indices is None else info.times_s[indices]
            pixels = getattr(self.extractor, "pixels", "rgb24")
            reader = self.reader if pixels == "rgb24" else "pyav"
            used = reader_version(choose_reader(info, reader))
            self.chunks.put(_Begin(info, times_s, used))
            for chunk in decoder.stream(video.path, indices, raw, info, pixels):
                self.chunks.put(chunk)
                if self.stop.is_set():
                    break
            return _End()
        except (VideoError, OSError, ValueError) as error:
            return _End(error)

    def _indices(self, info: VideoInfo) -> np.ndarray | None:
        """The frames to read; None for all."""
        if hasattr(self.extractor, "indices"):
            return self.extractor.indices(info)
        if self.frame_rate_hz is not None:
            return fixed_rate_indices(info.times_s, self.frame_rate_hz)
        if self.frames is not None:
            return uniform_indices(info.frames, self.frames)
        return None


def _describe(items: queue.Queue, extractor: Extractor) -> VideoFeatures | Exception:
    """Take one video out of the queue and describe it."""
    end: _End | None = None

    def chunks() -> Iterator[np.ndarray]:
        nonlocal end
        while end is None:
            item = items.get()
            if isinstance(item, _End):
                end = item
            else:
                yield item

    started = time.perf_counter()
    arriving = chunks()
    begin = next(arriving, None)
    features = failure = None
    if begin is not None:
        try:
            if hasattr(extractor, "describe"):
                features, times_s = extractor.describe(arriving, begin.info)
            else:
                features, times_s = _by_frames(extractor, arriving), torch.from_numpy(begin.times_s)
        except (ValueError, VideoError) as error:
            failure = error
        for _ in arriving:  # what the extractor has not asked for
            pass
    if end.fatal:
        raise end.error
    if end.error is not None or failure is not None:
        return end.error or failure
    seconds = time.perf_counter() - started
    return VideoFeatures(features, times_s, begin.reader, begin.info, seconds)


def _by_frames(extractor: Extractor, chunks: Iterator[np.ndarray]) -> Tensor:
    """Features (T, D) of chunks that follow each other, each with the frames it looks back at."""
    parts: list[Tensor] = []
    past: np.ndarray | None = None
    for chunk in chunks:
        frames = chunk if past is None else np.concatenate([past, chunk])
        parts.append(extractor(frames, 0 if past is None else len(past)))
        past = frames[len(frames) - extractor.context :] if extractor.context else None
    return torch.cat(parts) if parts else torch.empty(0, extractor.dim)


def _drain(chunks: queue.Queue) -> None:
    while True:
        try:
            chunks.get_nowait()
        except queue.Empty:
            return
