"""Decoding in a child process, ahead of the consumer.

While the parent computes on one chunk of frames, the child decodes the next two into shared memory.
The child also protects the parent: it is killed at a time limit if its decoder hangs, its memory is
limited, and a crash ends only the child. Each becomes a `VideoError` of that one video.
"""

import contextlib
import math
import os
import pickle
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self

import numpy as np

from vqa.video import RawFormat, VideoError, VideoInfo, check_reader
from vqa.video.chunks import checked_indices, chunk_limits
from vqa.video.decoding_process import SLOTS, DecodingProcess
from vqa.video.pixels import frame_shape

ABANDON_LIMIT_S = 5.0
START_LIMIT_S = 120.0  # of the child, which has to import NumPy and PyAV


class FrameDecoder:
    """Reads videos one after another in a persistent child process.

    The child starts with the first call, and again after a hang or a crash. It ends with `close` or
    with the parent, however the parent ends. The shared memory has no name, so nothing remains
    afterwards. POSIX only. Not thread-safe.

    Attributes:
        reader: See `vqa.video.choose_reader`.
        time_limit_s: Maximum time to wait for the decoder per video; neither the start of the child
            nor the consumer's own time counts.
        chunk_frames: Maximum number of frames in a chunk, see `vqa.video.chunks.chunk_limits`.
        damaged: What to do with damaged files, see `vqa.video.probe`.
    """

    def __init__(
        self,
        reader: str = "auto",
        time_limit_s: float = 600.0,
        chunk_frames: int = 16,
        damaged: str = "refuse",
    ) -> None:
        if not 0 < time_limit_s < math.inf:
            raise ValueError(f"time_limit_s={time_limit_s}: expected a positive number")
        if chunk_frames < 1:
            raise ValueError(f"chunk_frames={chunk_frames}: expected at least 1")
        check_reader(reader)
        self.reader, self.time_limit_s, self.chunk_frames = reader, time_limit_s, chunk_frames
        self.damaged = damaged
        self._child: DecodingProcess | None = None
        self._stream = 0  # number of the stream that the child is serving, 0 if there is none
        self._streams = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """Process id of the child, None if there is no child."""
        return self._child.process.pid if self._child else None

    def close(self) -> None:
        """End the child; another call starts a new one."""
        child, self._child, self._stream = self._child, None, 0
        if child is not None:
            child.end()

    def probe(self, path: str | Path, raw: RawFormat | None = None) -> VideoInfo:
        """Run `vqa.video.probe` in the child.

        Raises:
            VideoError: As in `vqa.video.probe`, or the child hangs or crashes.
        """
        self._abandon()
        self._ready_child(Path(path))
        wait = _Wait(Path(path), self.time_limit_s)
        self._send(("probe", Path(path), raw, self.damaged), wait)
        kind, value = self._receive(wait)
        if kind == "error":
            raise value
        return value

    def stream(
        self,
        path: str | Path,
        indices: Sequence[int] | np.ndarray | None = None,
        raw: RawFormat | None = None,
        info: VideoInfo | None = None,
        pixels: str = "rgb24",
        leaping: bool = False,
    ) -> Iterator[np.ndarray]:
        """Run `vqa.video.stream_frames` in the child, ahead of the caller.

        You may stop iterating at any time. Another stream or probe ends this stream.

        Args:
            path: The video file.
            indices: Ascending frame indices, repeats allowed; None for all frames.
            raw: Format of a raw file.
            info: The result of `probe`, to avoid a second scan.
            pixels: `rgb24` or `yuv420p`.
            leaping: See `vqa.video.stream_frames`.

        Yields:
            uint8 (n,H,W,3) RGB, or (n,P) planar, owned by the caller.

        Raises:
            VideoError: The file cannot be read completely, the child crashes, or the time limit
                passes.
            ValueError: Indices are out of order or range, or pixels are unknown.
            RuntimeError: A later stream or probe ended this one.
        """
        info = info or self.probe(path, raw)
        shape = frame_shape(info, pixels)
        return self._chunks(info, checked_indices(indices, info), raw, pixels, leaping, shape)

    def _chunks(
        self,
        info: VideoInfo,
        indices: np.ndarray,
        raw: RawFormat | None,
        pixels: str,
        leaping: bool,
        shape: tuple[int, ...],
    ) -> Iterator[np.ndarray]:
        self._abandon()
        frame_bytes = math.prod(shape)
        slot_bytes = chunk_limits(frame_bytes, self.chunk_frames)[0] * frame_bytes
        ring = self._ready_child(info.path).resized_ring(SLOTS * slot_bytes)
        self._streams += 1
        self._stream = mine = self._streams
        wait = _Wait(info.path, self.time_limit_s)
        how = (self.reader, raw, pixels, leaping, self.chunk_frames)
        self._send(("stream", info, indices, *how, slot_bytes), wait)
        slot = 0
        try:
            while True:
                if self._stream != mine:
                    raise RuntimeError(f"{info.path}: the stream was ended by a later one")
                kind, value = self._receive(wait)
                if kind == "error":
                    self._stream = 0
                    raise value
                if kind == "end":
                    self._stream = 0
                    return
                flat = np.frombuffer(ring, np.uint8, value * frame_bytes, slot * slot_bytes)
                chunk = flat.reshape(value, *shape).copy()
                slot = (slot + 1) % SLOTS
                wait.frames += value
                self._send("free", wait)
                yield chunk
        finally:
            if self._stream == mine:
                self._abandon()

    def _ready_child(self, path: Path) -> DecodingProcess:
        """Return the child; start one if none is alive, or if it belongs to a forked parent.

        The time limit of a video counts from here: the start of a child is not the video's fault.
        """
        if self._child is not None and self._child.owner != os.getpid():
            self._child = None
        if self._child is not None and self._child.process.poll() is not None:
            self.close()
        if self._child is None:
            self._child = DecodingProcess()
            self._receive(_Wait(path, START_LIMIT_S))
        return self._child

    def _send(self, message: Any, wait: "_Wait") -> None:
        """Send a message to the child; raise a VideoError if it has ended."""
        child = self._child
        try:
            child.connection.send(message)
        except OSError:
            self._crashed(child, wait)

    def _receive(self, wait: "_Wait") -> tuple[str, Any]:
        """Return the child's next message; raise a VideoError if it hangs or has ended."""
        child = self._child
        try:
            with wait:
                arrived = child.connection.poll(wait.left_s)
            if arrived:
                return child.connection.recv()
        except (EOFError, OSError):
            self._crashed(child, wait)
        except pickle.UnpicklingError:  # the decoder has overwritten the child's memory
            self.close()
            raise VideoError(wait.path, "the decoding process went astray", wait.frames) from None
        self.close()
        raise VideoError(wait.path, f"time limit of {wait.limit_s:g} s exceeded", wait.frames)

    def _crashed(self, child: DecodingProcess, wait: "_Wait") -> NoReturn:
        """Clean up after a child that has ended, and raise how it ended."""
        self._child, self._stream = None, 0
        cause = f"the decoding process ended with {_in_words(child.end(ABANDON_LIMIT_S))}"
        raise VideoError(wait.path, cause, wait.frames)

    def _abandon(self) -> None:
        """Make the child drop the current stream; kill it if it does not answer."""
        if not self._stream:
            return
        wait = _Wait(Path(), ABANDON_LIMIT_S)
        self._stream = 0
        with contextlib.suppress(VideoError):  # if the child has ended, so has the stream
            self._send("stop", wait)
            while self._receive(wait)[0] != "stopped":
                pass


class _Wait:
    """Sums up the time spent waiting for the child on one video."""

    def __init__(self, path: Path, limit_s: float) -> None:
        self.path, self.limit_s, self.left_s, self.frames = path, limit_s, limit_s, 0
        self._since_s = 0.0

    def __enter__(self) -> None:
        self._since_s = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self.left_s = max(0.0, self.left_s - (time.monotonic() - self._since_s))


def _in_words(status: int) -> str:
    """Describe an exit status in an error message."""
    return f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
