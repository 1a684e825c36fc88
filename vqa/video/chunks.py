"""Chunks of frames with a bounded size."""

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from vqa.video.packets import VideoInfo

MAX_CHUNK_BYTES = 32 * 2**20

Allocator = Callable[[tuple[int, ...]], np.ndarray]  # shape of a chunk -> uint8 array


def chunk_limits(frame_bytes: int, chunk_frames: int) -> tuple[int, int]:
    """Return the maximum number of frames in the first chunk and in later chunks.

    A chunk has at most `chunk_frames` frames and `MAX_CHUNK_BYTES` bytes, but at least one frame.
    The first chunk has at least two frames (if `chunk_frames` allows it), for frame differences.

    Args:
        frame_bytes: Size of a frame in bytes.
        chunk_frames: Maximum number of frames, at least 1.

    Raises:
        ValueError: `chunk_frames` is below 1.
    """
    if chunk_frames < 1:
        raise ValueError(f"chunk_frames={chunk_frames}: expected at least 1")
    fitting = MAX_CHUNK_BYTES // frame_bytes
    return min(chunk_frames, max(fitting, 2)), min(chunk_frames, max(fitting, 1))


def checked_indices(indices: Sequence[int] | np.ndarray | None, info: VideoInfo) -> np.ndarray:
    """Return indices as int64 (n,), all frames for None.

    Raises:
        ValueError: They are not one ascending row of integers in [0, frames).
    """
    if indices is None:
        return np.arange(info.frames)
    given = np.asarray(indices)
    if given.size == 0:
        return np.empty(0, dtype=np.int64)
    if given.ndim != 1 or not np.issubdtype(given.dtype, np.integer):
        raise ValueError(
            f"indices: expected one row of integers, found {given.dtype} {given.shape}"
        )
    if given.min() < 0 or given.max() >= info.frames:
        raise ValueError(
            f"indices {given.min()} to {given.max()} are outside the {info.frames} frames of "
            f"{info.path}"
        )
    if np.any(np.diff(given) < 0):
        raise ValueError("indices must ascend; use read_frames for any other order")
    return given.astype(np.int64)


def new_chunk(shape: tuple[int, ...]) -> np.ndarray:
    """Allocate a chunk in new memory."""
    return np.empty(shape, dtype=np.uint8)


def fill_chunks(
    pictures: Iterator[np.ndarray],
    indices: np.ndarray,
    shape: tuple[int, ...],
    chunk_frames: int,
    allocate: Allocator,
) -> Iterator[np.ndarray]:
    """Yield pictures in chunks.

    Args:
        pictures: The pictures of the distinct indices, in order.
        indices: (n,) ascending; a repeated index repeats its picture.
        shape: Shape of a picture.
        chunk_frames: See `chunk_limits`.
        allocate: Returns memory (n, *shape) for the next chunk.
    """
    limit, later_limit = chunk_limits(math.prod(shape), chunk_frames)
    start, current, picture = 0, None, None
    while start < len(indices):
        part = indices[start : start + limit].tolist()
        chunk = allocate((len(part), *shape))
        for place, index in enumerate(part):
            if index != current:
                current, picture = index, next(pictures)
            chunk[place] = picture
        start, limit = start + limit, later_limit
        if start >= len(indices):  # let the reader check that no frame remains
            next(pictures, None)
        yield chunk
