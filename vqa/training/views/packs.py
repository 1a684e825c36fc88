"""Arrays of videos in few big files, to which any number of processes append.

Each writer has a pack of its own: `<name>.bin` holds the bytes of the arrays, one video after
another, and `<name>.jsonl` a line for each video, written once its bytes are on the disk. A process
that dies costs the video in work. Lines are read by anybody; a line that is cut, or that names more
bytes than the pack has, does not count.
"""

import hashlib
import json
import os
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

PACK_BYTES = 4 * 2**30  # then a writer begins the next pack


class Line(NamedTuple):
    """The arrays of one video.

    Attributes:
        video: Its id.
        source: Identity of the file that they were made from.
        names: Of the arrays, in their order in the pack.
        sizes: Bytes of each.
        digests: SHA-256 of each, in hexadecimal.
        pack: The file.
        offset: Of the first byte.
    """

    video: str
    source: str
    names: tuple[str, ...]
    sizes: tuple[int, ...]
    digests: tuple[str, ...]
    pack: Path
    offset: int


class Writer:
    """Appends to packs of its own in a folder; the first array opens one.

    Args:
        folder: Is created with the first pack.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._name: str | None = None
        self._end = 0

    def add(self, video: str, source: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Append the arrays of a video; they are on the disk when it returns.

        Raises:
            OSError: They cannot be written; the packs stay as they were.
        """
        if self._name is None or self._end >= PACK_BYTES:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._name, self._end = uuid.uuid4().hex[:16], 0
        pack, digests = self.folder / f"{self._name}.bin", []
        try:
            with pack.open("ab") as file:
                for array in arrays.values():
                    data = np.ascontiguousarray(array).data
                    digests.append(hashlib.sha256(data).hexdigest())
                    file.write(data)
                file.flush()
                os.fsync(file.fileno())
            line = {
                "video": video,
                "source": source,
                "names": list(arrays),
                "sizes": [array.nbytes for array in arrays.values()],
                "sha256": digests,
                "offset": self._end,
            }
            with pack.with_suffix(".jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        except OSError:
            self._name = None  # what follows part of a video would have another offset
            raise
        self._end += sum(line["sizes"])


def lines(folder: Path) -> Iterator[Line]:
    """Yield the lines of all packs in a folder whose bytes are there."""
    for index in sorted(folder.glob("*.jsonl")):
        pack = index.with_suffix(".bin")
        size = pack.stat().st_size if pack.is_file() else 0
        for text in index.read_text(encoding="utf-8").splitlines():
            try:
                line = _line(json.loads(text), pack)
            except (ValueError, KeyError, TypeError):  # cut, or of something else
                continue
            if line.offset + sum(line.sizes) <= size:
                yield line


def read(line: Line, place: int) -> np.ndarray | None:
    """Read the bytes of one array, uint8 (n,); None if they are not those that were written."""
    offset = line.offset + sum(line.sizes[:place])
    try:
        data = np.fromfile(line.pack, np.uint8, line.sizes[place], offset=offset)
    except OSError:
        return None
    return data if hashlib.sha256(data.data).hexdigest() == line.digests[place] else None


def _line(found: dict, pack: Path) -> Line:
    names, sizes, digests = found["names"], found["sizes"], found["sha256"]
    if not (len(names) == len(sizes) == len(digests)) or min(found["offset"], *sizes) < 0:
        raise ValueError("a line that no writer wrote")
    return Line(
        found["video"], found["source"], tuple(names), tuple(map(int, sizes)), tuple(digests),
        pack, int(found["offset"]),
    )  # fmt: skip
