"""Packs: the features of many videos in few large files, for caches that file systems bear.

`<cache folder>/packs/<name>.tar` is an uncompressed archive of the files of a cache, as they are,
and `<name>.npy` says where each begins: a table sorted by key, which is mapped into memory. An
archive is complete or absent, and is read back before the files in it are deleted, so an
interrupted packing loses nothing. `tar -xf` brings the files back.

Jobs pack their own files into archives of their own, so any number may pack one cache at once.
"""

import errno
import hashlib
import logging
import tarfile
import time
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vqa.files import replacing

log = logging.getLogger(__name__)

FOLDER = "packs"
PACK_BYTES = 2**30  # of a pack at most, unless one video has more
HEAD_BYTES = 512  # of a member of an archive
ENTRY = np.dtype([("key", "u1", 32), ("place", "<u8"), ("size", "<u8")])
File = tuple[str, Path]  # key and path of a file of the cache


class _Found(NamedTuple):
    """The packs of a folder: first bytes of all keys, sorted, and the pack and row of each."""

    starts: np.ndarray
    rows: np.ndarray
    packs: list[tuple[Path, np.ndarray]]


_NONE = _Found(np.empty(0, np.uint64), np.empty((0, 2), np.uint32), [])


class Packs:
    """The packs of a cache folder, as they are whenever a key is looked up.

    Only the first eight bytes of each key and its place are in memory: 16 bytes per video.

    Args:
        folder: The cache folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / FOLDER
        self._seen, self._found = -1, _NONE  # time of the folder when it was read

    def __len__(self) -> int:
        """Return the number of entries of all packs."""
        return len(self._current().starts)

    def find(self, key: str) -> Iterator[bytes]:
        """Yield what the packs hold under a key: usually one file, or none.

        Raises:
            OSError: A pack cannot be read.
        """
        found = self._current()
        if not found.packs:
            return
        wanted = np.frombuffer(bytes.fromhex(key), np.uint8)
        start = _starts(wanted[None])[0]
        first, last = (int(found.starts.searchsorted(start, side)) for side in ("left", "right"))
        for number, row in found.rows[first:last]:
            path, table = found.packs[number]
            entry = table[row]
            if np.array_equal(entry["key"], wanted):
                with path.open("rb") as file:
                    file.seek(int(entry["place"]))
                    yield file.read(int(entry["size"]))

    def _current(self) -> _Found:
        """Read the indexes if packs were added or removed."""
        try:
            seen = self.folder.stat().st_mtime_ns
        except FileNotFoundError:
            return _NONE
        if seen != self._seen:
            self._found = _read(self.folder)
            # A change within the tick of the clock would leave the time as it is.
            self._seen = seen if time.time_ns() - seen >= 10**9 else -1
        return self._found


def write_pack(folder: Path, files: Sequence[File]) -> int:
    """Write a pack of files, read it back, then delete the files.

    Args:
        folder: The cache folder, which holds the files.
        files: The files; one that another job has packed meanwhile is absent.

    Returns:
        Number of files in the pack.

    Raises:
        OSError: A file cannot be read, or there is no room; all files stay.
    """
    files = sorted(files)
    name = hashlib.sha256("".join(key for key, _ in files).encode()).hexdigest()[:32]
    path = folder / FOLDER / f"{name}.tar"
    with replacing(path) as temporary:
        entries, written = _write(temporary, folder, files)
        with temporary.open("rb") as archive:
            for (_, place, size), digest in zip(entries, written.values(), strict=True):
                archive.seek(place)
                if hashlib.sha256(archive.read(size)).digest() != digest:
                    raise OSError(
                        errno.EIO, "the disk returns other bytes; the files stay", str(path)
                    )
        # Before the archive: an index without one is not looked at.
        with replacing(path.with_suffix(".npy")) as index, index.open("wb") as file:
            np.save(file, np.array(entries, ENTRY))
    for one in written:
        one.unlink(missing_ok=True)
    return len(entries)


def in_packs(files: Iterable[File]) -> Iterator[list[File]]:
    """Divide files into runs that fill a pack each."""
    run: list[File] = []
    filled = 0
    for key, path in files:
        size = path.stat().st_size
        if run and filled + size > PACK_BYTES:
            yield run
            run, filled = [], 0
        run.append((key, path))
        filled += size
    if run:
        yield run


def _write(
    path: Path, folder: Path, files: Sequence[File]
) -> tuple[list[tuple[np.ndarray, int, int]], dict[Path, bytes]]:
    """Write an archive; return the entry and the SHA-256 of each file in it."""
    entries, hashes = [], {}
    with tarfile.open(path, "w", encoding="utf-8") as archive:
        for key, file in files:
            try:
                data = file.read_bytes()
            except FileNotFoundError:
                continue
            member = tarfile.TarInfo(file.relative_to(folder).as_posix())
            member.size = len(data)
            place = archive.offset + HEAD_BYTES
            entries.append((np.frombuffer(bytes.fromhex(key), np.uint8), place, len(data)))
            hashes[file] = hashlib.sha256(data).digest()
            archive.addfile(member, BytesIO(data))
    return entries, hashes


def _read(folder: Path) -> _Found:
    packs, starts, rows = [], [], []
    for path in sorted(folder.glob("*.tar")):
        try:
            table = np.load(path.with_suffix(".npy"), mmap_mode="r")
            if table.dtype != ENTRY or table.ndim != 1:
                raise ValueError("it has another format")
            ends = table["place"] + table["size"]
            if len(table) and max(ends.max(), table["size"].max()) > path.stat().st_size:
                raise ValueError("the archive is cut off")
        except (OSError, ValueError) as error:
            log.warning("%s: not used, because of its index: %s", path, error)
            continue
        own = np.empty((len(table), 2), np.uint32)
        own[:, 0], own[:, 1] = len(packs), np.arange(len(table))
        rows.append(own)
        starts.append(_starts(table["key"]))
        packs.append((path, table))
    if not packs:
        return _NONE
    joined = np.concatenate(starts)
    order = joined.argsort(kind="stable")
    return _Found(joined[order], np.concatenate(rows)[order], packs)


def _starts(keys: np.ndarray) -> np.ndarray:
    """Return the first eight bytes of keys uint8 (N, 32) as numbers (N,)."""
    return np.ascontiguousarray(keys[:, :8]).view(">u8")[:, 0].astype(np.uint64)
