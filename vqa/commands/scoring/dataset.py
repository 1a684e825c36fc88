"""The rows of a scoring job as a Parquet dataset: a folder of parts, local or in an object store.

A part has a bounded number of rows and is written in one step, so the folder can be read while the
job runs. The rows of the next part are in a journal if the folder is local, so a kill costs only
the videos in work; for an object store it costs the rows since the last part.
"""

import threading
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vqa.commands.scoring.identity import is_same
from vqa.commands.scoring.journal import Journal, Row
from vqa.commands.scoring.manifest import MERGED, Part, part_name, write_manifest
from vqa.commands.scoring.parts import entry_at, part_of, table_of
from vqa.commands.scoring.settling import ROW_BITS, refuse_other, settle, survey
from vqa.files import shown
from vqa.remote.addresses import public
from vqa.remote.stores import Store

if TYPE_CHECKING:
    import pyarrow

PART_ROWS = 1000
PART_MOMENTS = 2**20  # values of timelines, 16 MB
# Age of a part's first row, in seconds: no row of a journal is lost, so there it may be greater.
KEPT_S, UNKEPT_S = 600.0, 60.0
BRIEF, WHOLE = 64, 4  # tables of parts that are in memory, without and with timelines


class Dataset:
    """Rows in a folder of Parquet files.

    Args:
        place: The folder, or the URL of one.
        job: Hash of everything that shapes a score besides its video.
        about: What the manifest says for people: model, command and so on.
        writer: Name of this writer if several write at the same time, each some of the videos;
            `vqa.commands.scoring.settling.settled` then ends the job.

    Attributes:
        count: Number of scores that this start added.
        name: The folder, for people.

    Raises:
        ValueError: The folder holds something else, the rows of another job, or another job of
            this writer is at work there.
        OSError: It cannot be written to.
    """

    def __init__(
        self, place: str | Path, job: str, about: Mapping[str, Any], writer: str | None = None
    ) -> None:
        self.store, self.job, self.about, self.count = Store(place), job, about, 0
        self.name = self.store.name
        self._alone, self._writer = writer is None, writer or "main"
        self._pending: list[Mapping[str, Any]] = []  # rows of the next part
        self._since, self._moments = 0.0, 0
        self._lock = threading.RLock()
        self._brief = lru_cache(BRIEF)(self._table)
        self._whole = lru_cache(WHOLE)(lambda part: self._table(part, timelines=True))
        names = refuse_other(self.store, job)
        self._journal: Journal | None = None
        if self.store.local is not None:
            path = self.store.local / f"_journal-{self._writer}.jsonl"
            self._journal = Journal(path, job, self.name)
        else:  # no lock keeps another start of this name away
            self._writer += f"-{uuid.uuid4().hex[:6]}"
        self._manifest = MERGED if self._alone else f"_manifest-{self._writer}.json"
        try:
            self._open(names)
        except BaseException:
            if self._journal is not None:
                self._journal.close(done=False)
            raise

    def _open(self, names: Iterable[str]) -> None:
        """Take the rows of earlier starts."""
        self._index = survey(self.store, self.job, names)
        if self._alone and settle(self.store, self.job, self.about, self._index, self._writer):
            self._index = survey(self.store, self.job, self.store.names())
        self._index.freeze()
        self._late = self._left()
        self._list()

    def reusable(self, path: str) -> int | None:
        """Return the place of a row for a file with the content that it has now; None without one.

        Args:
            path: The file, or its address.
        """
        video = shown(public(path))
        place = self._late.get(video, self._index.find(video))
        if place is None:
            return None
        entry = self.entry(place)
        right = entry["video"] == video and not entry["error"]
        return place if right and is_same(path, entry) else None

    def entry(self, place: int) -> Mapping[str, Any]:
        """Return the score at a place, without its timeline."""
        return self._entry(place, self._brief)

    def add(self, row: Row) -> int:
        """Keep a row; return its place."""
        with self._lock:
            if self._journal is not None:
                self._journal.add(row)
            place = self._append(row.entry)
            self.count += not row.entry["error"]
            old = time.monotonic() - self._since > (KEPT_S if self._journal else UNKEPT_S)
            if len(self._pending) >= PART_ROWS or self._moments >= PART_MOMENTS or old:
                self._write()
            return place

    def rows(self, places: Iterable[int]) -> Iterator[Row]:
        """Yield the rows at these places."""
        for place in places:
            entry = self._entry(place, self._whole)
            yield Row(entry["video"], entry)

    def close(self, *, done: bool) -> None:
        """Write the last part; `done` also drops the rows that newer ones replace."""
        try:
            self._write()
            if done and self._alone:
                settle(self.store, self.job, self.about, self._index, self._writer)
        finally:
            if self._journal is not None:
                self._journal.close(done=not self._pending)

    def _entry(self, place: int, tables: Any) -> Mapping[str, Any]:
        part, row = place >> ROW_BITS, place & (1 << ROW_BITS) - 1
        with self._lock:
            if part == len(self._index.parts):
                return self._pending[row]
            return entry_at(tables(part), row)

    def _left(self) -> dict[str, int]:
        """Take the rows that a kill has left in the journal; return the place of each video."""
        late = {}
        for row in [] if self._journal is None else self._journal.kept():
            video = row.entry["video"]
            place = self._index.find(video)
            if place is None or self.entry(place)["source"] != row.entry["source"]:
                late[video] = self._append(row.entry)
        return late

    def _append(self, entry: Mapping[str, Any]) -> int:
        if not self._pending:
            self._since = time.monotonic()
        self._pending.append(entry)
        self._moments += len(entry["times_s"])
        return (len(self._index.parts) << ROW_BITS) + len(self._pending) - 1

    def _write(self) -> None:
        """Write the rows that wait as a part, then the manifest that names it."""
        if not self._pending:
            return
        content = part_of(self._pending, self.job)
        self._index.number += 1
        name = part_name(self._writer, self._index.number)
        self.store.write(name, content)
        part = Part.of(name, content, len(self._pending))
        self._index.take(part, (entry["video"] for entry in self._pending))
        self._pending, self._moments = [], 0
        self._list()
        if self._journal is not None:
            self._journal.clear()

    def _list(self) -> None:
        """Write the manifest of this writer."""
        mine = "part-" if self._alone else f"part-{self._writer}-"
        parts = (part for part in self._index.parts if part.name.startswith(mine))
        write_manifest(self.store, self._manifest, self.job, self.about, parts)

    def _table(self, part: int, *, timelines: bool = False) -> "pyarrow.Table":
        name = self._index.parts[part].name
        table = table_of(self.store.read(name), self.job, timelines=timelines)
        if table is None:
            raise ValueError(f"{self.name}/{name}: was changed while the job ran; rerun it")
        return table
