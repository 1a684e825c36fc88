"""Video files without ratings, as given on a command line: found on disk and made into records."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from glob import has_magic
from itertools import groupby
from pathlib import Path

from vqa.databases.elsewhere import Named, found, of_name, of_tar, places_at, suffix_of
from vqa.databases.listing import some
from vqa.databases.name_lists import arriving, lines_of
from vqa.databases.searching import (
    COMMENT,
    OWN,
    TWICE,
    VIDEO_SUFFIXES,
    PassedOver,
    absolute,
    key_of,
    kind,
    matches,
    walk,
)
from vqa.files import shown, user_path
from vqa.remote.addresses import clean, expanded, in_tar, is_range, protocol_of, public
from vqa.remote.objects import FetchError
from vqa.remote.tars import SUFFIX, split

Place = str | os.PathLike[str]

MOST = 5  # causes that an error message lists
STANDARD_INPUT = "-"
LIST = ".txt"  # suffix


@dataclass(frozen=True, slots=True)
class Found:
    """What places named.

    Attributes:
        files: The files, place by place in the order given, each once; those of a folder or
            pattern are sorted. Their paths are absolute, with links as they were named; those
            elsewhere and in tars are addresses.
        absent: Absolute path of what was named and is not there, or holds no video: the cause.
        remarks: Sentences about everything that was passed over.
    """

    files: tuple[Path | str, ...]
    absent: Mapping[str, str]
    remarks: tuple[str, ...]


def find_videos(places: Place | Iterable[Place]) -> Found:
    """Find the video files that one or several places name.

    Args:
        places: A place or several, see `Search`.

    Raises:
        FileNotFoundError: The places name no video at all, or there is no place.
    """
    search = Search()
    named = list(search.named([places] if isinstance(places, str | os.PathLike) else places))
    files = tuple(one.path for one in named if not one.cause)
    absent = {str(one.path): one.cause for one in named if one.cause}
    if not files:
        raise nothing_found(absent.values(), search.remarks())
    return Found(files, absent, tuple(search.remarks()))


def nothing_found(causes: Iterable[str], remarks: Iterable[str]) -> FileNotFoundError:
    """Return the error for places that name no video at all."""
    listed = some([shown(cause) for cause in causes], MOST)
    return FileNotFoundError(f"no videos found: {'; '.join(filter(None, [listed, *remarks]))}")


class Search:
    """Finds what places name, one after another, each file once.

    A place is a file, a folder (searched with its subfolders), a glob pattern, or a list of places:
    a `.txt` file, `@` and the name of any file or pipe, or `-` for standard input. A list has one
    place per line, relative to the list, or to the current folder if only that has it; lines that
    start with `#` and name no file are comments. Standard input and pipes are read as they are
    written, so what they name can be used before they end.

    A tar stands for the videos in it, `x.tar/a.mp4` for one of them, `x-{000..999}.tar` for as many
    names. All but `@name` may also be an address, such as `s3://bucket/videos/`.

    Args:
        zeros: The lists after `@` and on standard input end each name with NUL instead of a line
            break, as `find -print0` writes them; there are no comments then.
        standard_input: Its descriptor.
    """

    def __init__(self, *, zeros: bool = False, standard_input: int = 0) -> None:
        self.zeros, self.standard_input = zeros, standard_input
        self._taken: set[int] = set()
        self._passed_over = PassedOver()
        self._reached = 0  # files so far, repeated ones included
        self._lists: list[Path] = []  # the lists that are being read

    def remarks(self) -> list[str]:
        """Say what was passed over so far, one sentence per reason."""
        return self._passed_over.remarks()

    def named(self, places: Iterable[Place]) -> Iterator[Named]:
        """Yield what the places name, in order.

        Raises:
            FileNotFoundError: There is no place, or one is an empty text.
        """
        given = [str(place) for place in places]
        if not given:
            raise FileNotFoundError(
                "no videos found: expected at least one file, folder or pattern"
            )
        if not all(given):  # would be the current folder
            raise FileNotFoundError("no videos found: expected a file, folder or pattern, found ''")
        for text in given:
            for one in self._top(text):
                name = public(str(one.path))
                if (key := key_of(name)) not in self._taken:
                    self._taken.add(key)
                    yield one
                elif not one.cause:
                    self._passed_over.add(TWICE, name.rpartition("/")[2])

    def _top(self, text: str) -> Iterator[Named]:
        """Take a place that stands on the command line, not in a list."""
        if text == STANDARD_INPUT:
            yield from self._stream(self.standard_input, "standard input")
        elif (path := listed_by(text)) is None:
            yield from self._place(text, (Path(),))
        elif kind(path) == "special":
            with path.open("rb", buffering=0) as file:
                yield from self._stream(file.fileno(), shown(path))
        elif kind(path) == "file":
            yield from self._list(path, self.zeros)
        else:
            yield _lacks(path, f"no such list: {path}")

    def _stream(self, descriptor: int, name: str) -> Iterator[Named]:
        """Take the lines of a pipe as they arrive."""
        count = 0
        for line in arriving(descriptor, b"\0" if self.zeros else b"\n"):
            count += 1
            yield from self._line(line, (Path(),), self.zeros)
        if not count:
            yield Named(Path(name), f"no paths in {name}")

    def _place(self, text: str, folders: Sequence[Path]) -> Iterator[Named]:
        """Take what a text names: a path or pattern, relative to one of the folders."""
        if in_tar(text) is not None or (protocol_of(text) and not is_range(text)):
            yield from self._elsewhere([text])
            return
        if protocol_of(text):
            yield from self._range(text, folders)
            return
        tried = [_named(text, folder) for folder in folders]
        path = next((one for one in tried if kind(one)), tried[0])
        if not kind(path) and is_range(text):
            yield from self._range(text, folders)
            return
        if kind(path) or not has_magic(str(path)):
            yield from self._take(path)
            return
        found = list(matches(path, self._passed_over))
        for match in found:
            yield from self._take(match)
        if not found:
            yield _lacks(path, f"no files that match {path}")

    def _take(self, path: Path) -> Iterator[Named]:
        match kind(path):
            case "folder":
                yield from self._folder(path)
            case "file" if path.suffix.lower() == LIST:
                yield from self._list(path, zeros=False)
            case "file" if path.suffix.lower() == SUFFIX:
                yield from self._counted(of_tar(str(absolute(path)), self._passed_over))
            case "file":
                yield self._file(path)
            case "special":
                yield _lacks(path, f"not a regular file but a pipe, socket or device: {path}")
            case "link":
                yield _lacks(path, f"no such file, but a link to one: {path}")
            case _ if (parts := split(str(path))) and kind(Path(parts[0])) == "file":
                yield from self._counted([of_name(str(absolute(Path(parts[0]))), parts[1])])
            case _:
                yield _lacks(path, f"no such file: {path}")

    def _range(self, text: str, folders: Sequence[Path]) -> Iterator[Named]:
        """Take the names that ranges in braces stand for."""
        try:
            names = expanded(text)
            if protocol_of(text):
                yield from self._elsewhere(names)
            else:
                yield from (one for name in names for one in self._place(name, folders))
        except ValueError as error:
            yield Named(text, str(error))

    def _elsewhere(self, addresses: Iterable[str]) -> Iterator[Named]:
        """Take what addresses name; a list is read, and its names are relative to it."""
        for is_list, group in groupby(addresses, lambda one: suffix_of(one) == LIST):
            if not is_list:
                yield from self._counted(found(group, self._passed_over))
                continue
            for address in group:
                yield from self._list_elsewhere(address)

    def _list_elsewhere(self, address: str) -> Iterator[Named]:
        try:
            places = list(places_at(address, self._passed_over))
        except FetchError as error:
            yield Named(address, str(error))
            return
        for place in places:
            yield from self._place(place, ())

    def _counted(self, named: Iterable[Named]) -> Iterator[Named]:
        for one in named:
            self._reached += not one.cause
            yield one

    def _file(self, path: Path) -> Named:
        self._reached += 1
        return Named(absolute(path))

    def _folder(self, path: Path) -> Iterator[Named]:
        before = self._reached
        for file in walk(path, self._passed_over, VIDEO_SUFFIXES | {SUFFIX}):
            if file.suffix.lower() == SUFFIX:
                yield from self._counted(of_tar(str(absolute(file)), self._passed_over))
            else:
                yield self._file(file)
        if self._reached == before:
            yield _lacks(path, f"no files with a video suffix in {path}")

    def _list(self, path: Path, zeros: bool) -> Iterator[Named]:
        real = path.resolve()
        if real in self._lists:
            self._passed_over.add(OWN, path)
            return
        before, absent = self._reached, []
        self._lists.append(real)
        data = path.read_bytes()
        lines = filter(None, data.split(b"\0")) if zeros else lines_of(data)
        for line in map(os.fsdecode, lines):
            for one in self._line(line, (path.parent, Path()), zeros):
                if one.cause and self._reached == before:
                    absent.append(one)  # perhaps all lines are prose
                    continue
                yield from absent
                absent.clear()
                yield one
        self._lists.pop()
        if self._reached == before:
            yield _lacks(path, f"no paths in {path} that lead to a file")

    def _line(self, line: str, folders: Sequence[Path], exact: bool) -> Iterator[Named]:
        """Take a line of a list; `exact` means that spaces and `#` belong to the name."""
        texts = (line,) if exact else (line, line.strip())
        for text in texts:
            if protocol_of(text) or any(kind(_named(text, folder)) for folder in folders):
                yield from self._place(text, folders)
                return
        if not exact and texts[-1].startswith("#"):
            self._passed_over.add(COMMENT, texts[-1])
        else:
            yield from self._place(texts[-1], folders)


def listed_by(place: str) -> Path | None:
    """Return the list that `@name` stands for; None for any other place, or a file named so."""
    if not place.startswith("@") or place == "@" or kind(_named(place, Path())):
        return None
    return user_path(place[1:])


def is_stream(place: str) -> bool:
    """Return whether a place must be read as it is written: standard input, or a pipe."""
    path = listed_by(place)
    return place == STANDARD_INPUT or (path is not None and kind(path) == "special")


def _lacks(path: Path, cause: str) -> Named:
    return Named(absolute(path), clean(cause))


def _named(text: str, folder: Path) -> Path:
    """Return the path that a text names; `~` stands for home unless there is a file named so."""
    literal, home = folder / text, folder / user_path(text)
    return literal if kind(literal) and not kind(home) else home
