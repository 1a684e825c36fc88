"""The child process of `vqa.video.decoder`.

Imports must stay light (no torch), so that the child starts in a fraction of a second.
"""

import errno
import itertools
import mmap
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from vqa.video import RawFormat, VideoError, VideoInfo, probe, stream_frames
from vqa.video.limits import DECODER_GB, decoder_bytes

SLOTS = 2  # chunks in the shared memory
HANDLED_BY_PARENT = (signal.SIGINT, signal.SIGTERM)
READY = ("ready", None)  # the child's first message


class DecodingProcess:
    """The child process, the connection to it, and the memory shared with it.

    It is a plain subprocess, because multiprocessing's spawn would import the parent's main script,
    and torch with it, into the child.
    """

    def __init__(self) -> None:
        self.owner = os.getpid()
        self.connection, theirs = multiprocessing.Pipe()
        self._ring_fd = _anonymous_memory()
        descriptors = (theirs.fileno(), self._ring_fd)
        code = "from vqa.video.decoding_process import serve; serve({}, {})".format(*descriptors)
        search_path = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
        # The child inherits the mask: a signal to all processes must not end it while it imports.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED_BY_PARENT)
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-c", code],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,  # whatever a library prints is not the parent's output
                pass_fds=descriptors,
                env={**os.environ, "PYTHONPATH": search_path, "PYTHONSAFEPATH": "1"},
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()

    def resized_ring(self, size: int) -> mmap.mmap:
        """Resize the shared memory and return it; only the pages in use take memory."""
        os.ftruncate(self._ring_fd, size)
        return mmap.mmap(self._ring_fd, size)

    def end(self, grace_s: float = 0.0) -> int:
        """Wait for the process to end, then kill it; return its exit status."""
        try:
            status = self.process.wait(grace_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self.process.stdin.close()
        self.connection.close()
        os.close(self._ring_fd)
        return status


def serve(connection_fd: int, ring_fd: int) -> None:
    """Answer the parent's requests until it closes standard input.

    Args:
        connection_fd: Socket to the parent.
        ring_fd: Shared memory of `SLOTS` chunks; the parent resizes it for each stream.
    """
    for number in HANDLED_BY_PARENT:  # this process ends with it
        signal.signal(number, signal.SIG_IGN)
    _limit_memory(decoder_bytes())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.modules["torch"] = None  # without torch in the process, decord works without it
    connection = Connection(connection_fd)
    try:
        connection.send(READY)
        while True:
            request = connection.recv()
            match request:
                case "free":  # for a stream that has ended
                    continue
                case "stop":
                    answer = ("stopped", None)
                case ("probe", path, raw, damaged):
                    answer = _answered(path, probe, path, raw=raw, damaged=damaged)
                case ("stream", info, *rest):
                    answer = _answered(info.path, _send_stream, connection, ring_fd, info, *rest)
            connection.send(answer)
    except (EOFError, ConnectionError):
        return


def _answered(path: Any, call: Any, *args: Any, **options: Any) -> tuple[str, Any]:
    """Return the final message of a request: its result or its error."""
    try:
        return "end", call(*args, **options)
    except _StopStream:
        return "stopped", None
    except (EOFError, ConnectionError):
        raise
    except VideoError as error:
        return "error", error
    except Exception as error:  # noqa: BLE001 (every error is reported to the parent)
        if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
            cause = f"takes too much memory; {DECODER_GB} raises the limit"
            return "error", VideoError(path, cause)
        return "error", VideoError(path, f"{type(error).__name__}: {error}")


def _send_stream(
    connection: Connection,
    ring_fd: int,
    info: VideoInfo,
    indices: np.ndarray,
    reader: str,
    raw: RawFormat | None,
    pixels: str,
    leaping: bool,
    chunk_frames: int,
    slot_bytes: int,
) -> None:
    """Decode into the shared memory, at most `SLOTS` chunks ahead of the parent."""
    ring = mmap.mmap(ring_fd, SLOTS * slot_bytes)
    slots = itertools.cycle(range(SLOTS))
    ahead = 0

    def allocate(shape: tuple[int, ...]) -> np.ndarray:
        nonlocal ahead
        while ahead == SLOTS or connection.poll():
            if connection.recv() == "stop":
                raise _StopStream
            ahead -= 1
        ahead += 1
        size = int(np.prod(shape))
        return np.frombuffer(ring, np.uint8, size, next(slots) * slot_bytes).reshape(shape)

    chunks = stream_frames(
        info.path,
        indices,
        chunk_frames=chunk_frames,
        reader=reader,
        raw=raw,
        info=info,
        pixels=pixels,
        leaping=leaping,
        allocate=allocate,
    )
    for chunk in chunks:
        connection.send(("chunk", len(chunk)))


def _end_with_parent() -> None:
    """Exit as soon as the parent's end of the pipe closes, even if the decoder hangs."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(0)


def _limit_memory(more: int) -> None:
    """Let allocations fail beyond what the process has now and this many bytes."""
    size = Path("/proc/self/statm")
    if not size.is_file():  # not Linux
        return
    pages = int(size.read_text(encoding="ascii").split()[0])
    limit = pages * resource.getpagesize() + more
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard == resource.RLIM_INFINITY or limit < hard:
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


class _StopStream(Exception):
    """The parent does not need the rest of the stream."""


def _anonymous_memory() -> int:
    """Return a descriptor of unnamed memory, which ends with the last process that uses it."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("vqa-frames")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
