"""The most similar of many videos, by the hashes of their frames.

Every hash is compared with every other: first the 64 bits of the lowest frequencies, block by
block, then all bits of the few that are near. 40,000 videos of three frames take 7 seconds on one
core and 40 MB.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from vqa.commands.doctor.likeness import BITS

ALIKE = 40  # of 256 bits
# Of the first 64 bits, the same share. Copies changed at most 7 of them.
FIRST_ALIKE = 10
ROWS, COLUMNS = 256, 4096


class Hashed(NamedTuple):
    """A video to compare.

    Attributes:
        group: Videos of one group are not compared with each other.
        hashes: Of its frames, from `vqa.commands.doctor.likeness`; empty ones are like no other.
    """

    group: str
    hashes: Sequence[str]


class Match(NamedTuple):
    """The most similar video.

    Attributes:
        place: Where it stands in its list.
        bits: Number of bits in which the most similar frames differ.
    """

    place: int
    bits: int


def nearest_earlier(videos: Sequence[Hashed]) -> dict[int, Match]:
    """Find the most similar earlier video of each video, if they are alike; by place."""
    hashes = _hashes(videos)
    best: dict[int, Match] = {}
    for start in range(0, len(hashes.words), ROWS):
        rows = hashes.part(start, start + ROWS)
        _compare(rows, hashes.part(0, start + ROWS), best, earlier=True)
    return best


def nearest_among(videos: Sequence[Hashed], others: Sequence[Hashed]) -> dict[int, Match]:
    """Find the most similar of the others for each video, if they are alike; by place."""
    hashes, other_hashes = _hashes(videos), _hashes(others)
    best: dict[int, Match] = {}
    for start in range(0, len(hashes.words), ROWS):
        _compare(hashes.part(start, start + ROWS), other_hashes, best)
    return best


class _Hashes(NamedTuple):
    """Hashes of frames: uint64 (n,4), the place of the video (n,), and its group (n,)."""

    words: np.ndarray
    videos: np.ndarray
    groups: np.ndarray

    def part(self, start: int, stop: int) -> "_Hashes":
        return _Hashes(*(column[start:stop] for column in self))


def _hashes(videos: Sequence[Hashed]) -> _Hashes:
    found = [
        (place, video.group, text)
        for place, video in enumerate(videos)
        for text in video.hashes
        if text
    ]
    data = bytes.fromhex("".join(text for _, _, text in found))
    words = np.frombuffer(data, ">u8").astype(np.uint64).reshape(len(found), BITS // 64)
    places = np.array([place for place, _, _ in found], np.int64)
    return _Hashes(words, places, np.array([group for _, group, _ in found], object))


def _compare(
    rows: _Hashes, columns: _Hashes, best: dict[int, Match], *, earlier: bool = False
) -> None:
    """Enter the best match of each row's video among the columns."""
    for start in range(0, len(columns.words), COLUMNS):
        block = columns.part(start, start + COLUMNS)
        row, column = _near(rows.words[:, 0], block.words[:, 0])
        permitted = rows.groups[row] != block.groups[column]
        if earlier:
            permitted &= block.videos[column] < rows.videos[row]
        row, column = row[permitted], column[permitted]
        bits = np.bitwise_count(rows.words[row] ^ block.words[column]).sum(1, dtype=np.int64)
        alike = bits <= ALIKE
        found = zip(
            rows.videos[row[alike]].tolist(),
            block.videos[column[alike]].tolist(),
            bits[alike].tolist(),
            strict=True,
        )
        for video, place, count in found:
            if video not in best or (count, place) < (best[video].bits, best[video].place):
                best[video] = Match(place, count)


def _near(rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of the words that differ in few bits."""
    near = np.bitwise_count(rows[:, None] ^ columns[None]) <= FIRST_ALIKE
    row, column = np.divmod(np.flatnonzero(near), max(len(columns), 1))
    return row, column
