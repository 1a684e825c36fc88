"""Video files without ratings, as given on a command line: found on disk and made into records."""

import glob
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from vqa.databases.records import VideoRecord

Place = str | os.PathLike[str]

VIDEO_SUFFIXES = frozenset(
    {".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts"}
    | {".ogv", ".ts", ".webm", ".wmv", ".y4m", ".yuv"}
)


def find_videos(places: Place | Iterable[Place]) -> list[Path]:
    """Find the video files that one or several places name.

    Args:
        places: A place or several. A place is a file, a folder (searched with its subfolders), a
            glob pattern, or a `.txt` list with one path per line, relative to the list; lines that
            start with `#` are comments.

    Returns:
        The files, place by place in the order given; files of a folder or pattern are sorted.

    Raises:
        FileNotFoundError: A place names no file, or there is no place at all.
    """
    given = [places] if isinstance(places, str | os.PathLike) else list(places)
    if not given:
        raise FileNotFoundError("no videos found: expected at least one file, folder or pattern")
    found: list[Path] = []
    empty: list[str] = []
    for place in given:
        files, sought = _files_of(os.fspath(place))
        found += files
        if not files:
            empty.append(sought)
    if empty:
        raise FileNotFoundError(f"no videos found: no {'; no '.join(empty)}")
    return found


def as_records(paths: Sequence[Path], raw_size: str | None = None) -> list[VideoRecord]:
    """Make a record of each file, with its absolute path as the id and NaN as the MOS.

    Args:
        paths: The files; repeated files count once.
        raw_size: `WIDTHxHEIGHT` of headerless `.yuv` files, in pixels.

    Raises:
        ValueError: `raw_size` has another form.
    """
    width = height = None
    if raw_size:
        parts = raw_size.lower().split("x")
        if len(parts) != 2 or not all(part.isdigit() for part in parts):
            raise ValueError(f"raw_size={raw_size!r}: expected WIDTHxHEIGHT, such as 1920x1080")
        width, height = map(int, parts)
    unique = dict.fromkeys(path.resolve() for path in paths)
    return [
        VideoRecord(path.as_posix(), path, float("nan"), width=width, height=height)
        for path in unique
    ]


def _files_of(place: str) -> tuple[list[Path], str]:
    """Return the files of one place, and a description of what was looked for there."""
    path = Path(place).expanduser()
    if path.is_dir():
        found = sorted(file for file in path.rglob("*") if file.suffix.lower() in VIDEO_SUFFIXES)
        return found, f"files with a video suffix in {path}"
    if path.suffix.lower() == ".txt" and path.is_file():
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
        found = [path.parent / line for line in lines if line and not line.startswith("#")]
        return found, f"paths in {path}"
    if path.exists():
        return [path], ""
    matches = glob.glob(str(path), recursive=True)  # noqa: PTH207 (Path.glob takes no absolute pattern)
    return sorted(map(Path, matches)), f"files that match {place}"
