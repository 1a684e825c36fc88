"""Local files for names: paths as they are, and copies of files elsewhere, made ahead of their use.

While one file is decoded, threads copy the next ones, as far as the scratch folder has room.
"""

import queue
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from vqa.remote import objects
from vqa.remote.addresses import InTar, in_tar, is_elsewhere, protocol_of, public
from vqa.remote.objects import FetchError, Object, copy, look
from vqa.remote.scratch import release, scratch
from vqa.remote.tars import extract, member, split

AHEAD = 8  # files that may be on their way
UNKNOWN_BYTES = 2**28  # of a file whose size its server does not say


class Local(NamedTuple):
    """A file that can be opened here.

    Attributes:
        name: What it is called in rows: its path, or its address without secrets.
        path: Where it is.
        state: What its store says of this version; empty for a file of this machine.
        fault: Why there is no such file; empty if there is.
    """

    name: str
    path: Path
    state: str = ""
    fault: str = ""


class LocalFiles:
    """Local files for names, in their order; for use once, and `close` when it is done.

    Whoever takes a file calls `release(path)` when it needs it no more.

    Args:
        names: Paths and addresses; taken in a thread from the first one elsewhere on.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = names
        self._ready: queue.Queue[Local | Future[Local] | Exception | None] = queue.Queue(AHEAD)
        self._stop = threading.Event()
        self._turn, self._changed = 0, threading.Condition()

    def __iter__(self) -> Iterator[Local]:
        """Yield a file for each name.

        Raises:
            Exception: That of the iterable of names.
        """
        names = iter(self._names)
        for name in names:
            if _is_elsewhere(name):
                yield from self._ahead(chain([name], names))
                return
            yield Local(name, Path(name))

    def close(self) -> None:
        """Start no further copies, and let a reader that waits for the next file end."""
        self._stop.set()
        with suppress(queue.Empty):
            while True:
                self._ready.get_nowait()
        with suppress(queue.Full):
            self._ready.put_nowait(None)

    def _ahead(self, names: Iterator[str]) -> Iterator[Local]:
        threading.Thread(target=self._feed, args=(names,), name="fetching", daemon=True).start()
        while (item := self._ready.get()) is not None:
            if isinstance(item, Exception):
                raise item
            yield item.result() if isinstance(item, Future) else item

    def _feed(self, names: Iterator[str]) -> None:
        """Begin to copy each file as soon as few enough are on their way, in a thread."""
        begun = 0
        try:
            for name in names:
                if not _is_elsewhere(name):
                    self._put(Local(name, Path(name)))
                    continue
                future: Future[Local] = Future()
                self._put(future)
                if self._stop.is_set():
                    future.cancel()
                    return
                work = (future, name, begun)
                threading.Thread(target=self._fetch, args=work, daemon=True).start()
                begun += 1
            self._put(None)
        except Exception as error:  # noqa: BLE001 (the reader raises it)
            self._put(error)

    def _put(self, item: "Local | Future[Local] | Exception | None") -> None:
        while not self._stop.is_set():
            with suppress(queue.Full):
                self._ready.put(item, timeout=0.2)
                return

    def _fetch(self, future: "Future[Local]", name: str, number: int) -> None:
        """Copy one file, in a thread; whatever goes wrong costs this file."""
        try:
            future.set_result(self._fetched(name, number))
        except Exception as error:  # noqa: BLE001
            cause = str(error) if isinstance(error, OSError) else ""
            fault = cause or f"cannot copy it: {type(error).__name__}"
            future.set_result(Local(public(name), Path(public(name)), fault=fault))

    def _fetched(self, name: str, number: int) -> Local:
        fault, found, place = None, None, None
        try:
            address = located(name)
            place = in_tar(address)
            found = look(address) if place is None else _of_member(place)
            if found.is_folder:
                raise FetchError(f"no file but a folder: {public(name)}")
        except OSError as error:
            fault = error
        with self._in_turn(number):
            if fault is not None or found is None:
                raise fault or AssertionError
            size = UNKNOWN_BYTES if found.size is None else found.size
            suffix = Path(public(name)).suffix
            path = scratch().reserve(size, suffix, self._stop.is_set)
        try:
            if place is None:
                copy(address, path, found)
            else:
                extract(place, path)
                if _of_member(place) != found:
                    raise FetchError("the tar changed while it was read; rerun the command")
        except BaseException:
            release(path)
            raise
        return Local(public(name), path, found.state)

    @contextmanager
    def _in_turn(self, number: int) -> Iterator[None]:
        """Let files take their room in their order: a later one must not block an earlier one."""
        with self._changed:
            self._changed.wait_for(lambda: self._turn == number)
        try:
            yield
        finally:
            with self._changed:
                self._turn += 1
                self._changed.notify_all()


def located(name: str) -> str:
    """Return the address of a file in a tar that is named `x.tar/name`; other names as they are.

    Raises:
        FetchError: The tar holds no such file, or cannot be read.
    """
    place = split(name) if in_tar(name) is None else None
    return name if place is None or not _is_elsewhere(name) else member(*place).address


def _is_elsewhere(name: str) -> bool:
    """Return whether a name must be copied, also that of a file in a tar on disk."""
    if is_elsewhere(name):
        return True
    place = split(name)
    return place is not None and Path(place[0]).is_file()


def state_of(name: str) -> str:
    """Return what the store says now of a file elsewhere; empty if it says nothing of use.

    Raises:
        FetchError: The store cannot be asked, or there is no such file.
    """
    place = in_tar(name)
    return objects.state_of(name) if place is None else _of_member(place).state


def _of_member(place: InTar) -> Object:
    """Return the description of a file in a tar: its tar's state and its place in it."""
    if not protocol_of(place.tar):
        return Object(False, place.size, "")
    found = look(place.tar)
    span = f", bytes {place.offset} to {place.offset + place.size}"
    return Object(False, place.size, found.state and found.state + span)
