"""The rows of a scoring job while it runs, so that a kill costs at most the video in work.

`<output>.partial` has one line of JSON per row, appended in one write when the row is known:

    {"job": "<hash>", "path": "<path>", "entry": {<the score>}}

`job` names everything that shapes a score besides its video, so rows of another model or other
options are never taken for those of this job, and stay for theirs. A rerun reuses a row if its
video has the same content (see `is_same`); only the outputs, made in one step at the end, have an
order.
"""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vqa.commands.scoring.identity import is_same
from vqa.commands.scoring.places import Places
from vqa.files import shown
from vqa.remote.addresses import public

HEAD = b'{"job":'  # of a line


class Row(NamedTuple):
    """One row.

    Attributes:
        path: The file, exactly, whatever its bytes are; an address without secrets.
        entry: Its score as a JSON object.
    """

    path: str
    entry: Mapping[str, Any]


class Journal:
    """The rows of a job, on disk.

    Args:
        path: The file; rows of an earlier start are kept.
        job: Hash of everything that shapes a score besides its video.
        output: The output that its rows are for, for an error; None is the path without its suffix.

    Attributes:
        count: Number of scores that this start appended.
        name: The file, for people.

    Raises:
        ValueError: Another job writes to the same file.
        OSError: The place cannot be written to.
    """

    def __init__(self, path: Path, job: str, output: str | None = None) -> None:
        self.path, self.job, self.count, self.name = path, job, 0, shown(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a+b", buffering=0)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.close()
            raise ValueError(
                f"output={output or shown(path.with_suffix(''))}: another job is writing there; "
                "give another name"
            ) from error
        self._known = self._read()
        self._was_empty = self._file.seek(0, os.SEEK_END) == 0

    def reusable(self, path: str) -> int | None:
        """Return the place of a row for a file with the content that it has now; None without one.

        Args:
            path: The file, or its address.
        """
        name = shown(public(path))
        for place in self._known.find(name):
            entry = self.entry(place)
            if entry["video"] == name:
                return place if is_same(path, entry) else None
        return None

    def entry(self, place: int) -> Mapping[str, Any]:
        """Return the score at a place."""
        ((_, entry),) = self.rows([place])
        return entry

    def add(self, row: Row) -> int:
        """Append a row; it is on its way to the disk when this returns.

        Returns:
            The place of the row.

        Raises:
            OSError: There is no room; the rows before stay.
        """
        place = self._file.seek(0, os.SEEK_END)
        line = json.dumps({"job": self.job, "path": row.path, "entry": row.entry}, allow_nan=False)
        left = memoryview(line.encode() + b"\n")
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            text = f"{error.strerror}; the rows so far are kept, make room and rerun the command"
            raise OSError(error.errno, text, str(self.path)) from error
        self.count += not row.entry["error"]
        return place

    def rows(self, places: Iterable[int]) -> Iterator[Row]:
        """Yield the rows at these places."""
        with self.path.open("rb") as file:
            for place in places:
                file.seek(place)
                line = json.loads(file.readline())
                yield Row(line["path"], line["entry"])

    def kept(self) -> Iterator[Row]:
        """Yield the rows with a score that earlier starts of this job have left."""
        places, several = self._known.groups()
        last: list[int] = []
        for group in several:
            names: set[str] = set()
            for place, row in zip(group, self.rows(group), strict=True):
                if row.entry["video"] not in names:
                    names.add(row.entry["video"])
                    last.append(place)
        yield from self.rows(np.sort(np.append(places, last).astype(np.int64)))

    def clear(self) -> None:
        """Drop all rows, because they are safe elsewhere."""
        self._file.truncate(0)

    def close(self, *, done: bool) -> None:
        """Close the file; remove it if the job is done, or if no start has left a score in it."""
        if done or (self._was_empty and not self.count):
            self.path.unlink(missing_ok=True)
        self._file.close()

    def _read(self) -> Places:
        """Find the rows with a score of this job; drop one that a kill or a full disk tore."""
        known, place = Places(), 0
        with self.path.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    self._file.truncate(place)
                    break
                row = _parsed(line)
                if row.get("job") == self.job and not row["entry"]["error"]:
                    known.add(row["entry"]["video"], place)
                place += len(line)
        return known


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError:  # of a disk that lost power
        return {}
    return row if isinstance(row, dict) else {}
