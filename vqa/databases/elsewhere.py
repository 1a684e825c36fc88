"""Videos in object stores, on web servers and in tars, as places name them."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from vqa.databases.name_lists import lines_of
from vqa.databases.searching import COMMENT, HIDDEN, NO_SUFFIX, VIDEO_SUFFIXES, PassedOver
from vqa.remote.addresses import WEB, InTar, beside, in_tar, protocol_of, public
from vqa.remote.objects import FetchError, Object, is_pattern, listed, look, parts
from vqa.remote.tars import SUFFIX, member, members, split

AT_ONCE = 16  # tars whose headers are read at the same time
AHEAD = 64  # tars and files that are found before an earlier tar is
IN_TARS = "file(s) of tars without a video suffix"
NO_FOLDERS = "a web server lists no folders: name files, or a list of them"


class Named(NamedTuple):
    """What a place named.

    Attributes:
        path: Absolute path, with links as they were named; a text for a file elsewhere or in a tar:
            its address, which `vqa.remote.addresses.public` shows.
        cause: Why there is no video; empty for a file.
    """

    path: Path | str
    cause: str = ""


def found(addresses: Iterable[str], passed_over: PassedOver) -> Iterator[Named]:
    """Yield what addresses name, in order; the headers of several tars are read at the same time.

    A file with a video suffix is taken as it is named: whether it exists is seen when it is copied.

    Args:
        addresses: Of files, folders, patterns, tars and files in tars.
        passed_over: Counts what is not yielded.
    """
    waiting: deque[Named | Future[tuple[list[Named], PassedOver]]] = deque()

    def first() -> Iterator[Named]:
        one = waiting.popleft()
        if isinstance(one, Named):
            yield one
            return
        named, others = one.result()
        passed_over.take(others)
        yield from named

    with ThreadPoolExecutor(AT_ONCE, "tars") as pool:
        for one in (each for address in addresses for each in _search(address, passed_over)):
            waiting.append(one if isinstance(one, Named) else pool.submit(_members, one))
            while waiting and (isinstance(waiting[0], Named) or len(waiting) > AHEAD):
                yield from first()
        while waiting:
            yield from first()


def of_tar(tar: str, passed_over: PassedOver) -> Iterator[Named]:
    """Yield the videos of a tar, in its order; after the place where it breaks off, a cause.

    Args:
        tar: Path or address.
        passed_over: Counts other files.
    """
    reached = False
    try:
        for one in members(tar):
            if not one.name:
                yield Named(tar, one.fault)
                reached = True
            elif PurePosixPath(one.name).suffix.lower() not in VIDEO_SUFFIXES:
                passed_over.add(IN_TARS, one.name)
            else:
                yield Named(InTar(tar, one.name, one.offset, one.size).address, one.fault)
                reached = True
    except OSError as error:
        yield Named(tar, _cause(error))
    else:
        if not reached:
            yield Named(tar, f"no files with a video suffix in {public(tar)}")


def of_name(tar: str, name: str) -> Named:
    """Return a file of a tar that is named by its own name."""
    try:
        return Named(member(tar, name).address)
    except OSError as error:
        return Named(f"{tar}/{name}", _cause(error))


def places_at(address: str, passed_over: PassedOver) -> Iterator[str]:
    """Yield the places in a list at an address; names without a protocol are beside it.

    Raises:
        FetchError: It cannot be read.
    """
    for line in map(str.strip, lines_of(b"".join(parts(address, 0, look(address).size or 0)))):
        if line.startswith("#"):
            passed_over.add(COMMENT, line)
        else:
            yield line if protocol_of(line) else beside(address, line)


def suffix_of(place: str) -> str:
    """Return the suffix of a place's name, in lower case."""
    return PurePosixPath(public(place)).suffix.lower()


def _members(tar: str) -> tuple[list[Named], PassedOver]:
    passed_over = PassedOver()
    return list(of_tar(tar, passed_over)), passed_over


def _search(address: str, passed_over: PassedOver) -> Iterator[Named | str]:
    """Yield what an address names; a text is a tar whose files are to be found."""
    try:
        if in_tar(address) is not None:
            yield Named(address)
        elif (place := split(address)) is not None:
            yield of_name(*place)
        elif is_pattern(address) and not _is_file(address):
            yield from _below(address, address.partition("*")[0].rpartition("/")[0], passed_over)
        elif suffix_of(address) == SUFFIX:
            yield address
        elif suffix_of(address) in VIDEO_SUFFIXES:
            yield Named(address)
        elif protocol_of(address) in WEB and address.endswith("/"):
            yield Named(address, f"{public(address)}: {NO_FOLDERS}")
        elif look(address).is_folder:
            yield from _below(address.rstrip("/"), address.rstrip("/"), passed_over)
        else:
            yield Named(address)
    except FetchError as error:
        yield Named(address, str(error))


def _is_file(address: str) -> bool:
    """Return whether a file has this very name, although it looks like a pattern."""
    try:
        return not look(address).is_folder
    except FetchError:
        return False


def _below(place: str, top: str, passed_over: PassedOver) -> Iterator[Named | str]:
    """Yield the videos and tars that a listing finds below a folder."""
    reached, is_chosen = False, is_pattern(place)
    for address, one in listed(place):
        name = address.removeprefix(top).lstrip("/")
        if one.is_folder:
            yield from _below(address, address, passed_over) if is_chosen else ()
            reached = reached or is_chosen
        elif not is_chosen and any(part.startswith(".") for part in name.split("/")):
            passed_over.add(HIDDEN, name)
        elif suffix_of(address) == SUFFIX:
            yield address
            reached = True
        elif suffix_of(address) in VIDEO_SUFFIXES or is_chosen:
            yield Named(address)
            reached = True
        elif not _is_mark(address, one):
            passed_over.add(NO_SUFFIX, name)
    if not reached:
        what = "that match" if is_chosen else "with a video suffix in"
        yield Named(place, f"no files {what} {public(place)}")


def _is_mark(address: str, one: Object) -> bool:
    """Return whether an object only stands for a folder."""
    return address.endswith("/") and not one.size


def _cause(error: OSError) -> str:
    return str(error) if isinstance(error, FetchError) else f"{error.strerror or error}"
