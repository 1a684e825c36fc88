"""Near-duplicates: a perceptual hash of a few early frames, which survives re-encoding.

A frame is reduced to 32 x 32 grey values, and the signs of its 64 lowest frequencies except the
mean (relative to their median) are its hash. The likeness of a video are the hashes of the frames
at 0, 0.2 and 0.4 seconds: 192 bits. Two videos are alike if at most `ALIKE` bits differ.

Measured on 8 real clips of KoNViD-1k: the same video at half the size, in H.264 at CRF 40, 10 grey
levels brighter or darker, at half the frame rate, or cropped by 2 % differs in at most 18 bits;
without its first three frames in at most 16 bits, but in 74 where the camera moves fast. Different
clips differ in at least 76 bits, and different scenes of the demo databases in at least 58.
"""

from collections.abc import Iterator, Mapping

import numpy as np
from scipy.fft import dctn

TIMES_S = (0.0, 0.2, 0.4)
SIDE, LOW = 32, 8
FLAT = 3.0  # deviation of the grey values below which a frame has no structure to compare
ALIKE = 32
BLOCK = 1024  # rows that are compared at once: 1024 x 40,000 distances take 40 MB


def frame_indices(times_s: np.ndarray) -> np.ndarray:
    """Choose the frames to compare: those shown at `TIMES_S`, repeated in shorter videos.

    Args:
        times_s: (frames,) presentation times in seconds, ascending from 0.
    """
    shown = np.searchsorted(times_s, np.array(TIMES_S) + 1e-6, side="right") - 1
    return np.clip(shown, 0, len(times_s) - 1)


def likeness(frames: np.ndarray) -> str:
    """Hash three frames; an empty text if one of them has no structure.

    Args:
        frames: (3,H,W,3) uint8 RGB.

    Returns:
        48 hexadecimal digits.
    """
    hashes = [_hash(frame) for frame in frames]
    return "".join(filter(None, hashes)) if all(hashes) else ""


def alike(
    known: Mapping[str, str], others: Mapping[str, str] | None = None
) -> Iterator[tuple[str, str, int]]:
    """Yield the pairs of videos that are alike, with the number of bits that differ.

    Args:
        known: Likeness by id; empty ones are like no other.
        others: Of another database; None compares the known videos with each other.
    """
    names, bits = _bits(known)
    other_names, other_bits = (names, bits) if others is None else _bits(others)
    for start in range(0, len(names), BLOCK):
        rows = bits[start : start + BLOCK]
        different = np.zeros((len(rows), len(other_names)), np.uint16)
        for word in range(bits.shape[1]):
            different += np.bitwise_count(rows[:, word, None] ^ other_bits[None, :, word])
        for row, column in zip(*np.nonzero(different <= ALIKE), strict=True):
            if others is not None or start + row < column:
                yield names[start + row], other_names[column], int(different[row, column])


def _bits(known: Mapping[str, str]) -> tuple[list[str], np.ndarray]:
    """Return the ids that have a likeness, and the likeness as 64-bit words (n,3)."""
    names = [name for name, text in known.items() if text]
    words = [np.frombuffer(bytes.fromhex(known[name]), ">u8") for name in names]
    return names, np.array(words, np.uint64).reshape(len(names), len(TIMES_S))


def _hash(frame: np.ndarray) -> str | None:
    """Hash one frame (H,W,3) to 16 hexadecimal digits; None if it has no structure."""
    step = max(1, min(frame.shape[:2]) // (4 * SIDE))  # more pixels add nothing to the means
    frame = frame[::step, ::step].astype(np.float32)
    grey = _reduced(frame @ np.array([0.299, 0.587, 0.114], np.float32))
    if grey.std() < FLAT:
        return None
    low = dctn(grey, norm="ortho")[:LOW, :LOW].ravel()[1:]
    signs = np.packbits(np.append(low > np.median(low), False))
    return signs.tobytes().hex()


def _reduced(grey: np.ndarray) -> np.ndarray:
    """Average a picture (H,W) to `SIDE` x `SIDE`; small pictures are enlarged by repetition."""
    for axis in (0, 1):
        size = grey.shape[axis]
        edges = np.linspace(0, size, SIDE + 1)
        first = np.minimum(edges[:-1].astype(int), size - 1)
        counts = np.maximum(np.ceil(edges[1:]).astype(int) - first, 1)
        sums = np.insert(grey.cumsum(axis, dtype=np.float64), 0, 0, axis)
        last = np.minimum(first + counts, size)
        total = np.take(sums, last, axis) - np.take(sums, first, axis)
        grey = total / np.expand_dims(last - first, 1 - axis)
    return grey
