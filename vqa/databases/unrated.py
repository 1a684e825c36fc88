"""Video files without ratings, as given on a command line: found on disk and made into records."""

import codecs
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from glob import has_magic
from pathlib import Path

from vqa.databases.listing import some
from vqa.databases.records import VideoRecord
from vqa.databases.searching import COMMENT, OWN, TWICE, PassedOver, kind, matches, walk
from vqa.files import shown, user_path
from vqa.video import RawFormat

Place = str | os.PathLike[str]

MOST = 5  # causes that an error message lists


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
        places: A place or several. A place is a file, a folder (searched with its subfolders), a
            glob pattern, or a `.txt` list with one place per line, relative to the list; lines that
            start with `#` and name no file are comments.

    Raises:
        FileNotFoundError: The places name no video at all, or there is no place.
    """
    given = [places] if isinstance(places, str | os.PathLike) else list(places)
    if not given:
        raise FileNotFoundError("no videos found: expected at least one file, folder or pattern")
    if not all(str(place) for place in given):  # would be the current folder
        raise FileNotFoundError("no videos found: expected a file, folder or pattern, found ''")
    search = _Search()
    for place in given:
        search.place(str(place), Path())
    if not search.files:
        causes = some([shown(cause) for cause in search.absent.values()], MOST)
        raise FileNotFoundError(f"no videos found: {'; '.join([causes, *search.remarks()])}")
    return Found(tuple(search.files), search.absent, tuple(search.remarks()))


def as_records(paths: Sequence[Path], raw: RawFormat | None = None) -> list[VideoRecord]:
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
    unique = dict.fromkeys(_absolute(path) for path in paths)
    return [VideoRecord(path.as_posix(), path, float("nan"), **fields) for path in unique]


class _Search:
    """Collects what places name; attributes as those of `Found`."""

    def __init__(self) -> None:
        self.files: dict[Path, None] = {}
        self.absent: dict[str, str] = {}
        self._passed_over = PassedOver()
        self._found = 0  # files so far, repeated ones included
        self._lists: list[Path] = []  # the lists that are being read

    def remarks(self) -> list[str]:
        return self._passed_over.remarks()

    def place(self, text: str, folder: Path) -> None:
        """Take what a text names: a path or pattern, relative to `folder`."""
        path = _named(text, folder)
        if kind(path) or not has_magic(str(path)):
            self._take(path)
            return
        found = list(matches(path, self._passed_over))
        for match in found:
            self._take(match)
        if not found:
            self._lacks(path, f"no files that match {path}")

    def _take(self, path: Path) -> None:
        match kind(path):
            case "folder":
                self._folder(path)
            case "file" if path.suffix.lower() == ".txt":
                self._list(path)
            case "file":
                self._file(path)
            case "special":
                self._lacks(path, f"not a regular file but a pipe, socket or device: {path}")
            case "link":
                self._lacks(path, f"no such file, but a link to one: {path}")
            case _:
                self._lacks(path, f"no such file: {path}")

    def _file(self, path: Path) -> None:
        self._found += 1
        path = _absolute(path)
        if path in self.files:
            self._passed_over.add(TWICE, path.name)
        self.files[path] = None

    def _folder(self, path: Path) -> None:
        before = self._found
        for file in walk(path, self._passed_over):
            self._file(file)
        if self._found == before:
            self._lacks(path, f"no files with a video suffix in {path}")

    def _list(self, path: Path) -> None:
        real = path.resolve()
        if real in self._lists:
            self._passed_over.add(OWN, path)
            return
        before, absent = self._found, dict(self.absent)
        self._lists.append(real)
        for line in _lines(path):
            named = [text for text in (line, line.strip()) if kind(_named(text, path.parent))]
            if named:
                self.place(named[0], path.parent)
            elif line.strip().startswith("#"):
                self._passed_over.add(COMMENT, line.strip())
            else:
                self.place(line.strip(), path.parent)
        self._lists.pop()
        if self._found == before:
            self.absent = absent
            self._lacks(path, f"no paths in {path} that lead to a file")

    def _lacks(self, path: Path, cause: str) -> None:
        self.absent[str(_absolute(path))] = cause


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
