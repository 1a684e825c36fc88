"""Video files without ratings, as given on a command line: found on disk and made into records."""

import codecs
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from glob import has_magic
from pathlib import Path
from typing import NamedTuple

from vqa.databases.listing import some
from vqa.databases.records import VideoRecord
from vqa.databases.searching import COMMENT, OWN, TWICE, PassedOver, kind, matches, walk
from vqa.files import shown, user_path
from vqa.video import RawFormat

Place = str | os.PathLike[str]

MOST = 5  # causes that an error message lists
STANDARD_INPUT = "-"
READ_BYTES = 2**16


class Named(NamedTuple):
    """What a place named.

    Attributes:
        path: Absolute path, with links as they were named.
        cause: Why there is no video; empty for a file.
    """

    path: Path
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What places named.

    Attributes:
        files: The files, place by place in the order given, each once; those of a folder or
            pattern are sorted. Their paths are absolute, with links as they were named.
        absent: Absolute path of what was named and is not there, or holds no video: the cause.
        remarks: Sentences about everything that was passed over.
    """

    files: tuple[Path, ...]
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


def as_records(paths: Iterable[Path], raw: RawFormat | None = None) -> Iterator[VideoRecord]:
    """Make a record of each file, with its absolute path as the id and NaN as the MOS.

    Links keep their own names.

    Args:
        paths: The files; repeated paths count once.
        raw: Format of headerless `.yuv` files.
    """
    fields = {} if raw is None else {
        "width": raw.width, "height": raw.height, "pixel_format": raw.pixel_format,
        "color_range": raw.color_range, "frame_rate_hz": raw.frame_rate_hz,
    }  # fmt: skip
    known: set[int] = set()
    for path in map(_absolute, paths):
        name = path.as_posix()
        if (key := _key(name)) not in known:
            known.add(key)
            yield VideoRecord(name, path, float("nan"), **fields)


class Search:
    """Finds what places name, one after another, each file once.

    A place is a file, a folder (searched with its subfolders), a glob pattern, or a list of places:
    a `.txt` file, `@` and the name of any file or pipe, or `-` for standard input. A list has one
    place per line, relative to the list, or to the current folder if only that has it; lines that
    start with `#` and name no file are comments. Standard input and pipes are read as they are
    written, so what they name can be used before they end.

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
                if (key := _key(str(one.path))) not in self._taken:
                    self._taken.add(key)
                    yield one
                elif not one.cause:
                    self._passed_over.add(TWICE, one.path.name)

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
        tried = [_named(text, folder) for folder in folders]
        path = next((one for one in tried if kind(one)), tried[0])
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
            case "file" if path.suffix.lower() == ".txt":
                yield from self._list(path, zeros=False)
            case "file":
                yield self._file(path)
            case "special":
                yield _lacks(path, f"not a regular file but a pipe, socket or device: {path}")
            case "link":
                yield _lacks(path, f"no such file, but a link to one: {path}")
            case _:
                yield _lacks(path, f"no such file: {path}")

    def _file(self, path: Path) -> Named:
        self._reached += 1
        return Named(_absolute(path))

    def _folder(self, path: Path) -> Iterator[Named]:
        before = self._reached
        for file in walk(path, self._passed_over):
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
        lines = filter(None, path.read_bytes().split(b"\0")) if zeros else _lines(path)
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
            if any(kind(_named(text, folder)) for folder in folders):
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


def arriving(descriptor: int, end: bytes) -> Iterator[str]:
    """Yield the names in a stream, each as soon as it is complete; blank ones are skipped.

    It reads without Python's buffer, whose lock a thread that waits here would keep for ever.
    """
    left = b""
    while data := os.read(descriptor, READ_BYTES):
        *names, left = (left + data).split(end)
        yield from filter(None, (_name(one, end) for one in names))
    if name := _name(left, end):
        yield name


def _name(line: bytes, end: bytes) -> str:
    """Return the name that a line holds; empty for a blank line of text."""
    if end == b"\0":
        return os.fsdecode(line)
    text = os.fsdecode(line.removeprefix(codecs.BOM_UTF8).removesuffix(b"\r"))
    return text if text.strip() else ""


def _key(name: str) -> int:
    """Return 128 bits of a name's hash: a million names fit in 100 MB."""
    return int.from_bytes(hashlib.blake2b(os.fsencode(name), digest_size=16).digest())


def _lacks(path: Path, cause: str) -> Named:
    return Named(_absolute(path), cause)


def _lines(path: Path) -> list[str]:
    """Return the lines of a list that are not blank, whatever its encoding and line ends."""
    data = path.read_bytes()
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        lines = data.decode("utf-16", "replace").splitlines()
    else:
        lines = [os.fsdecode(line) for line in data.removeprefix(codecs.BOM_UTF8).splitlines()]
    return [line for line in lines if line.strip()]


def _named(text: str, folder: Path) -> Path:
    """Return the path that a text names; `~` stands for home unless there is a file named so."""
    literal, home = folder / text, folder / user_path(text)
    return literal if kind(literal) and not kind(home) else home


def _absolute(path: Path) -> Path:
    """Return the absolute path with its links; `a/..` goes only if `a` is no link."""
    path = path.absolute()
    plain = Path(os.path.abspath(path))  # noqa: PTH100 (resolve follows links)
    if ".." in path.parts and kind(path) and not (kind(plain) and plain.samefile(path)):
        return path
    return plain
