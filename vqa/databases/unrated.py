"""Video files without ratings, as given on a command line: found on disk and made into records."""

import codecs
import glob
import os
import stat
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vqa.databases.listing import some
from vqa.databases.records import VideoRecord
from vqa.files import shown, user_path
from vqa.video import RawFormat

Place = str | os.PathLike[str]

VIDEO_SUFFIXES = frozenset(
    """
    .264 .265 .3g2 .3gp .amv .apng .asf .av1 .avi .avs2 .avs3 .bik .divx .dv .evo .f4v .flc .fli
    .flv .gif .gxf .h261 .h263 .h264 .h265 .hevc .ismv .ivf .m1v .m2t .m2ts .m2v .m4v .mjpeg .mjpg
    .mk3d .mkv .mod .mov .mp2v .mp4 .mpe .mpeg .mpg .mpv .mts .mxf .nsv .nut .obu .ogm .ogv .ogx
    .qt .rm .rmvb .roq .tod .tp .trp .ts .vc1 .vob .vvc .webm .wmv .wtv .y4m .yuv
    """.split()  # noqa: SIM905 (a table to read)
)
NO_SUFFIX, HIDDEN, SPECIAL, BROKEN, UNREADABLE = (
    "no suffix of a video", "hidden", "no regular files", "links that lead nowhere",
    "folders that cannot be read",
)  # fmt: skip


@dataclass
class Found:
    """The video files that places name.

    Attributes:
        files: In the order of the places; files of a folder or pattern are sorted.
        passed_over: Files of folders that are not among them, by the reason.
        comments: Lines of lists that were taken as comments.
    """

    files: list[Path] = field(default_factory=list)
    passed_over: dict[str, list[str]] = field(default_factory=dict)
    comments: int = 0

    def remarks(self) -> Iterator[str]:
        """Say what was passed over, a line per reason."""
        for reason, names in self.passed_over.items():
            yield (
                f"passed over {len(names)} files in folders: {reason} ({some(sorted(names))}); "
                "name a file itself to score it"
            )
        if self.comments:
            yield f"took {self.comments} lines of lists that start with # as comments"


def find_videos(places: Place | Iterable[Place]) -> Found:
    """Find the video files that one or several places name.

    Args:
        places: A place or several. A place is a file, a folder (searched with its subfolders and
            links, each folder once), a glob pattern, or a `.txt` list with one file, folder or
            pattern per line, relative to the list. A line that starts with `#` is a comment unless
            there is such a file. A file that a list names is kept whether it exists or not.

    Raises:
        FileNotFoundError: A place names no file, or there is no place at all.
    """
    given = [places] if isinstance(places, str | os.PathLike) else list(places)
    if not given:
        raise FileNotFoundError("no videos found: expected at least one file, folder or pattern")
    found = Found()
    empty: list[str] = []
    for place in given:
        before = len(found.files)
        sought = _add(os.fspath(place), found)
        if len(found.files) == before:
            empty.append(sought)
    if empty:
        raise FileNotFoundError(
            "; ".join([f"no videos found: no {'; no '.join(empty)}", *found.remarks()])
        )
    return found


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
    unique = dict.fromkeys(Path(os.path.abspath(path)) for path in paths)  # noqa: PTH100 (no links)
    return [VideoRecord(path.as_posix(), path, float("nan"), **fields) for path in unique]


def _add(place: str, found: Found) -> str:
    """Add the files of one place; return a description of what was looked for there."""
    path = user_path(place)
    if path.is_dir():
        found.files += _files_below(path, found.passed_over)
        return f"files with a video suffix in {shown(path)}"
    if path.suffix.lower() == ".txt" and path.is_file():
        _add_list(path, found)
        return f"paths in {shown(path)}"
    if os.path.lexists(path):
        found.files.append(path)
        return ""
    found.files += _matches(path, found)
    return f"files that match {shown(place)}"


def _add_list(path: Path, found: Found) -> None:
    """Add what the lines of a list name."""
    data = path.read_bytes().removeprefix(codecs.BOM_UTF8)
    for line in data.split(b"\n"):
        text = os.fsdecode(line.removesuffix(b"\r"))
        exact, stripped = path.parent / text, path.parent / user_path(text.strip() or ".")
        if not text.strip():
            continue
        if os.path.lexists(exact) and not exact.is_dir():
            found.files.append(exact)
        elif text.lstrip().startswith("#") and not os.path.lexists(stripped):
            found.comments += 1
        elif stripped.is_dir():
            found.files += _files_below(stripped, found.passed_over)
        else:
            # A pattern without a match is kept as a name: its row says that there is no such file.
            matches = [] if os.path.lexists(stripped) else _matches(stripped, found)
            found.files += matches or [stripped]


def _matches(pattern: Path, found: Found) -> list[Path]:
    """Return the files that match a pattern, and those below matching folders, sorted."""
    files: list[Path] = []
    for name in sorted(glob.glob(str(pattern), recursive=True)):  # noqa: PTH207 (takes absolute ones)
        match = Path(name)
        if not match.is_dir():
            files.append(match)
        elif "**" not in pattern.parts:
            files += _files_below(match, found.passed_over)
    return files


def _files_below(folder: Path, passed_over: dict[str, list[str]]) -> list[Path]:
    """Return the video files below a folder, sorted; note all others with a reason."""
    files: list[Path] = []
    for path in files_below(folder):
        if reason := reason_against(path):
            passed_over.setdefault(reason, []).append(shown(path.name))
        else:
            files.append(path)
    return sorted(files)


def files_below(folder: Path) -> Iterator[Path]:
    """Yield everything in a folder and its subfolders and links, each folder once.

    Hidden subfolders are left out. A folder that cannot be read is yielded itself.
    """
    visited: set[str] = set()
    unreadable: list[Path] = []

    def note(error: OSError) -> None:
        unreadable.append(Path(error.filename))

    for place, subfolders, names in os.walk(folder, onerror=note, followlinks=True):
        real = os.path.realpath(place)
        if real in visited:  # a second link to it, or one that leads back
            subfolders.clear()
            continue
        visited.add(real)
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        yield from (Path(place, name) for name in names)
    yield from unreadable


def reason_against(path: Path, suffixes: Collection[str] = VIDEO_SUFFIXES) -> str | None:
    """Return why a file of a folder is not taken for a video; None if it is."""
    if path.name.startswith("."):
        return HIDDEN
    if os.path.isdir(path):  # noqa: PTH112 (Path.is_dir raises for some)
        return UNREADABLE
    if path.suffix.lower() not in suffixes:
        return NO_SUFFIX
    try:
        mode = path.stat().st_mode
    except OSError:
        return BROKEN
    return None if stat.S_ISREG(mode) else SPECIAL
