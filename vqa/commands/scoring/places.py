"""Places of rows by the names of their videos, in 16 bytes per row."""

import hashlib
from array import array
from collections.abc import Iterator

import numpy as np


class Places:
    """Where the rows of names are in a file; the last row of a name comes first.

    Only a hash of each name is kept, so whoever looks a name up compares it with that of the row.
    """

    def __init__(self) -> None:
        self._hashes, self._places = array("Q"), array("q")
        self._sorted = np.empty(0, np.uint64), np.empty(0, np.int64)

    def add(self, name: str, place: int) -> None:
        """Note the place of a row; places ascend."""
        self._hashes.append(_hash(name))
        self._places.append(place)

    def find(self, name: str) -> Iterator[int]:
        """Yield the places that may have a row of a name, from the last to the first."""
        hashes, places = self._in_order()
        wanted = np.uint64(_hash(name))
        first, last = (int(hashes.searchsorted(wanted, side)) for side in ("left", "right"))
        yield from places[first:last][::-1].tolist()

    def groups(self) -> tuple[np.ndarray, list[list[int]]]:
        """Return the places of hashes with one row, and the places of each hash with several.

        Several rows of one hash, which may be of several names, come from the last to the first.
        """
        hashes, places = self._in_order()
        _, starts, counts = np.unique(hashes, return_index=True, return_counts=True)
        several = zip(starts[counts > 1], counts[counts > 1], strict=True)
        return places[starts[counts == 1]], [
            places[start : start + count][::-1].tolist() for start, count in several
        ]

    def _in_order(self) -> tuple[np.ndarray, np.ndarray]:
        if len(self._sorted[0]) != len(self._hashes):
            hashes = np.frombuffer(self._hashes, np.uint64)
            order = hashes.argsort(kind="stable")
            self._sorted = hashes[order], np.frombuffer(self._places, np.int64)[order]
        return self._sorted


def _hash(name: str) -> int:
    digest = hashlib.blake2b(name.encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest, "little")
