"""The thread that hashes and decodes videos ahead of the extractor, and the items that it queues.

For each video the queue receives either one `Settled`, or a `Begin`, chunks of frames and an `End`.
The last item is `None`, or a `Fatal` error.
"""

import math
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from vqa.databases.records import VideoRecord
from vqa.features.extraction.coded_frames import pixels_for
from vqa.features.extractor import GPU_BATCH_PIXELS, Extractor
from vqa.identity import Identify
from vqa.video import RawFormat, VideoError, VideoInfo, choose_reader, reader_version
from vqa.video.beginning import beginning
from vqa.video.decoder import FrameDecoder
from vqa.video.decoding_cost import frames_to_decode
from vqa.video.pixels import ColourError, frame_shape
from vqa.video.sampling import fixed_rate_indices, uniform_indices

CHUNK_FRAMES = 16
GPU_CHUNK_FRAMES = 64  # 16 small frames are little work for a GPU
GPU_CHUNK_BYTES = 3 * GPU_BATCH_PIXELS  # one batch
CHUNK_BYTES = 2**25  # at most, unless a frame is larger
CHUNKS_AHEAD = 2
STOPPED = RuntimeError("the extraction was stopped")
PATIENCE_S = 1.0  # at the end, with an iterable of videos that does not answer


@dataclass(frozen=True, slots=True)
class Settled:
    """A video that is not decoded: its features are current, or it failed with an error."""

    video: VideoRecord
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Begin:
    """The facts of a video whose chunks follow; attributes as in `pipeline.VideoFeatures`."""

    video: VideoRecord
    source: str
    info: VideoInfo
    times_s: np.ndarray
    reader: str
    frames_decoded: int


@dataclass(frozen=True, slots=True)
class End:
    """The end of a video's chunks, with the error if it came early."""

    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Fatal:
    """An error that is not due to a single video."""

    error: Exception


@dataclass
class DecodingThread:
    """Decodes videos in order, ahead of the consumer of `items`; one use only.

    Attributes:
        videos: The videos; taken from the iterable as needed.
        extractor: Chooses frames and their pixels.
        frame_rate_hz: Sample at this fixed rate; None takes every frame.
        frames: Or sample this many frames.
        reader: `auto` or `pyav`.
        time_limit_s: Longest wait for the decoder on one video, in seconds.
        damaged: What to do with damaged files, see `vqa.video.probe`.
        max_seconds: Describe only the beginning of each video; None describes all of it.
        is_current: Whether a video need not be decoded; None: never.
        identify: Identifies a file by what it is now, see `vqa.identity`.
        chunk_bytes: Most bytes of a chunk of more than two frames.
        items: The queue; its size bounds what is decoded ahead.
    """

    videos: Iterable[VideoRecord]
    extractor: Extractor
    frame_rate_hz: float | None
    frames: int | None
    reader: str
    time_limit_s: float
    damaged: str
    max_seconds: float | None
    is_current: Callable[[VideoRecord], bool] | None
    identify: Identify
    chunk_bytes: int = CHUNK_BYTES
    items: queue.Queue = field(default_factory=lambda: queue.Queue(CHUNKS_AHEAD))
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _taking: bool = False  # the next video, from the iterable

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name="decoding", daemon=True)
        self._thread.start()

    @property
    def is_stopped(self) -> bool:
        """Whether it was told to end."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Tell the thread to end, and wake up a consumer that waits for an item."""
        self._stop.set()
        with suppress(queue.Full):  # a consumer that has items does not wait
            self.items.put_nowait(None)

    def end(self) -> None:
        """End the thread and the decoder's process, also before all videos are decoded.

        A thread that waits for the next video, as on standard input, ends when that arrives, or
        with the process.
        """
        self._stop.set()
        deadline = time.monotonic() + PATIENCE_S
        while self._thread.is_alive() and not (self._taking and time.monotonic() > deadline):
            self._drain()
            self._thread.join(0.05)

    def _taken(self) -> Iterator[VideoRecord]:
        """Yield the videos until `_stop` is set."""
        videos = iter(self.videos)
        while not self._stop.is_set():
            self._taking = True
            video = next(videos, None)
            self._taking = False
            if video is None:
                return
            yield video

    def _drain(self) -> None:
        while True:
            try:
                self.items.get_nowait()
            except queue.Empty:
                return

    def _run(self) -> None:
        """Decode until the end or until `_stop` is set; pass every error to the consumer."""
        try:
            with FrameDecoder(self.reader, self.time_limit_s, damaged=self.damaged) as decoder:
                for video in self._taken():
                    if not self._stop.is_set():
                        self._decode(decoder, video)
            self.items.put(None)
        except Exception as error:  # noqa: BLE001 (the consumer raises it instead of waiting)
            self.items.put(Fatal(error))

    def _decode(self, decoder: FrameDecoder, video: VideoRecord) -> None:
        begun = False
        if video.fault:
            self.items.put(Settled(video, OSError(video.fault)))
            return
        try:
            if self.is_current is not None and self.is_current(video):
                self.items.put(Settled(video))
                return
            source = self.identify(video.path)
            raw = video.raw_format
            info = decoder.probe(video.path, raw)
            part = beginning(info, self.max_seconds)
            indices = self._indices(part)
            if indices is None and part is not info:
                indices = np.arange(part.frames)
            times_s = part.times_s if indices is None else part.times_s[indices]
            pixels, leaps = self.extractor.pixels, self.extractor.leaps
            reader = self.reader if pixels == "rgb24" and not leaps else "pyav"
            reader = choose_reader(info, reader)
            wanted = np.arange(info.frames) if indices is None else indices
            decoded = frames_to_decode(info, wanted, leaps)
            used = reader_version(reader)
            self.items.put(Begin(video, source, part, times_s, used, decoded))
            begun = True
            decoder.chunk_frames = self._chunk_frames(info)
            pixels = pixels_for(self.extractor, info, reader)
            for chunk in self._chunks(decoder, wanted, raw, info, pixels):
                self.items.put(chunk)
                if self._stop.is_set():
                    self.items.put(End(STOPPED))
                    return
            changed = self.identify(video.path) != source
            error = VideoError(video.path, "the file changed while it was read", info.frames)
            self.items.put(End(error if changed else None))
        except Exception as error:  # noqa: BLE001 (whatever a video does, it costs that video)
            self.items.put(End(error) if begun else Settled(video, error))

    def _chunks(
        self,
        decoder: FrameDecoder,
        wanted: np.ndarray,
        raw: RawFormat | None,
        info: VideoInfo,
        pixels: str,
    ) -> Iterator[np.ndarray]:
        """Yield the wanted frames; those from the first that cannot be `coded` on are RGB."""
        done = 0
        try:
            for chunk in decoder.stream(info.path, wanted, raw, info, pixels, self.extractor.leaps):
                yield chunk
                done += len(chunk)
        except ColourError:
            yield from decoder.stream(
                info.path, wanted[done:], raw, info, self.extractor.pixels, self.extractor.leaps
            )

    def _chunk_frames(self, info: VideoInfo) -> int:
        """Return the most frames of a chunk; large frames make smaller chunks, of at least two."""
        most, most_bytes = CHUNK_FRAMES, self.chunk_bytes
        if self.extractor.device.type != "cpu":
            most, most_bytes = GPU_CHUNK_FRAMES, min(GPU_CHUNK_BYTES, self.chunk_bytes)
        frame_bytes = math.prod(frame_shape(info, self.extractor.pixels))
        return min(most, max(2, most_bytes // frame_bytes))

    def _indices(self, info: VideoInfo) -> np.ndarray | None:
        """Return the indices of the frames to read; None for all."""
        if self.frame_rate_hz is not None:
            return fixed_rate_indices(info.times_s, self.frame_rate_hz)
        if self.frames is not None:
            return uniform_indices(info.frames, self.frames)
        return self.extractor.indices(info)
