"""Files in uncompressed tars, on disk or elsewhere, found by their headers and read in place.

Only the headers are read to find the files, so a tar of some gigabytes takes as many small reads as
it has files. Each file is then one range of bytes.
"""

import hashlib
import os
import tarfile
from collections import OrderedDict
from collections.abc import Generator, Iterator
from contextlib import closing
from itertools import chain
from pathlib import Path
from threading import Lock
from typing import BinaryIO, NamedTuple

from vqa.files import shown
from vqa.remote.addresses import InTar, protocol_of, public
from vqa.remote.objects import PARTS_ONLY, FetchError, filesystem, look, parts, trying

SUFFIX = ".tar"
HEADER_BYTES = 512
READ_BYTES = 2**18  # of a tar elsewhere that are asked for together
MOST_HEADER_BYTES = 2**20  # of one file; a hostile one may state any length
COPY_BYTES = 2**22
CHANGED = "the tar changed since its files were listed; rerun the command"
LONG_NAME_BYTES = 100
KEPT = 8  # tars whose files are remembered, to find one by its name


class Member(NamedTuple):
    """A file in a tar, or with a fault and no name the place where the tar breaks off.

    Attributes:
        name: Its name in the tar; empty for the tar itself.
        offset: Its first byte.
        size: Its bytes.
        fault: Why it cannot be read; empty if it can.
    """

    name: str
    offset: int
    size: int
    fault: str = ""


def members(tar: str) -> Iterator[Member]:
    """Yield what a tar holds besides folders, in order, and at the end where it breaks off.

    Args:
        tar: Path or address.

    Raises:
        FetchError: It is elsewhere and cannot be read in parts.
        OSError: It cannot be read.
    """
    if not protocol_of(tar):
        with open(tar, "rb") as file:  # noqa: PTH123 (names may be any bytes)
            yield from _scanned(file, os.fstat(file.fileno()).st_size)
        return
    found = look(tar)
    if found.size is None:
        raise FetchError(f"{public(tar)}: expected a server that states the size of a tar")
    system, name = filesystem(tar)
    options = {"block_size": READ_BYTES, "cache_type": "readahead"}
    with trying(lambda: system.open(name, "rb", **options), tar) as file:
        if not file.seekable():
            raise FetchError(PARTS_ONLY)
        yield from _scanned(file, found.size, tar)


def member(tar: str, name: str) -> InTar:
    """Find a file of a tar by its name.

    Raises:
        FetchError: There is none of that name, or it cannot be read.
        OSError: The tar cannot be read.
    """
    stamp = look(tar).state if protocol_of(tar) else str(Path(tar).stat())
    with _LOCK:
        found = _FOUND.get((tar, stamp))
    if found is None:
        found = {one.name: one for one in members(tar)}
        with _LOCK:
            _FOUND[tar, stamp] = found
            while len(_FOUND) > KEPT:
                _FOUND.popitem(last=False)
    one = found.get(name)
    if one is None or one.fault:
        fault = f"no file {shown(name)} in {public(tar)}" if one is None else one.fault
        raise FetchError(fault)
    return InTar(tar, name, one.offset, one.size)


_FOUND: "OrderedDict[tuple[str, str], dict[str, Member]]" = OrderedDict()
_LOCK = Lock()


def extract(one: InTar, path: Path) -> None:
    """Copy a file out of a tar.

    Raises:
        FetchError: The tar holds something else there, or it cannot be read in parts.
        OSError: The tar cannot be read, or the copy cannot be written.
    """
    with path.open("wb") as target:
        target.writelines(_chunks(one))


def content_hash(one: InTar) -> str:
    """Return the SHA-256 of a file in a tar on disk.

    Raises:
        OSError: The tar cannot be read, or holds something else there.
    """
    digest = hashlib.sha256()
    for data in _chunks(one):
        digest.update(data)
    return digest.hexdigest()


def split(place: str) -> tuple[str, str] | None:
    """Return the tar and the name in it of a place `x.tar/name`; None if it has no such form."""
    tar, found, name = place.partition(f"{SUFFIX}/")
    return (tar + SUFFIX, name) if found and name else None


def _chunks(one: InTar) -> Iterator[bytes]:
    """Yield the bytes of a file in a tar, after a look at the header before them.

    Raises:
        FetchError: The header is not that of this file, or the tar ends early.
        OSError: The tar cannot be read.
    """
    start, left = one.offset - HEADER_BYTES, one.size
    whole = left + HEADER_BYTES
    chunks = parts(one.tar, start, whole) if protocol_of(one.tar) else _read(one.tar, start, whole)
    with closing(chunks):
        first = next(chunks, b"")
        if not _is_of(first[:HEADER_BYTES], one):
            raise FetchError(CHANGED)
        for data in chain([first[HEADER_BYTES:]], chunks):
            left -= len(data)
            yield data
    if left:
        raise FetchError(CHANGED)


def _read(path: str, start: int, size: int) -> Generator[bytes, None, None]:
    """Yield a part of a file on disk."""
    with open(path, "rb") as file:  # noqa: PTH123 (names may be any bytes)
        file.seek(start)
        while size > 0 and (data := file.read(min(COPY_BYTES, size))):
            size -= len(data)
            yield data


def _is_of(header: bytes, one: InTar) -> bool:
    """Return whether a header is that of a file; a long name or size stands in another header."""
    try:
        found = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    is_long = len(os.fsencode(one.name)) >= LONG_NAME_BYTES or not one.name.isascii()
    return found.size in (one.size, 0) and (is_long or found.name.removeprefix("./") == one.name)


def _scanned(source: BinaryIO, size: int, address: str = "") -> Iterator[Member]:
    position, file = 0, _Headers(source, address)
    try:
        with tarfile.open(fileobj=file, mode="r:", encoding="utf-8") as tar:  # type: ignore[call-overload]
            while (one := tar.next()) is not None:
                tar.members.clear()  # it would keep all
                position = one.offset
                if not one.isdir():
                    fault = ""
                    if not one.isreg() or one.issparse():
                        fault = "a link, device or sparse file in a tar; pack the file itself"
                    elif one.offset_data + one.size > size:
                        fault = "the tar breaks off in this file"
                    yield Member(one.name.removeprefix("./"), one.offset_data, one.size, fault)
            position = tar.offset
        file.seek(position)
        if file.read(HEADER_BYTES).strip(b"\0") or position + HEADER_BYTES > size:
            yield _broken(position, size)
    except (tarfile.TarError, EOFError, OverflowError, UnicodeError):
        yield _broken(position, size)


def _broken(position: int, size: int) -> Member:
    if not position:
        return Member("", 0, 0, "not an uncompressed tar")
    return Member("", position, 0, f"the tar breaks off after byte {position:,} of {size:,}")


class _Headers:
    """A file of which no more than the headers are read, again if its store fails for a moment."""

    def __init__(self, file: BinaryIO, address: str) -> None:
        self.tell, self.seek, self._file, self._address = file.tell, file.seek, file, address

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= MOST_HEADER_BYTES:
            raise tarfile.ReadError("header too long")
        if not self._address:
            return self._file.read(size)
        return trying(lambda: self._file.read(size), self._address)
