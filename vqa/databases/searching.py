"""Folders and patterns searched for video files; whatever is passed over is counted."""

import glob
import hashlib
import os
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from vqa.files import shown
from vqa.remote.addresses import clean

# Of the containers and raw streams that FFmpeg reads as video, those with a usual suffix.
VIDEO_SUFFIXES = frozenset(
    {".264", ".265", ".266", ".3g2", ".3gp", ".amv", ".apng", ".asf", ".av1", ".avi", ".bik"}
    | {".cavs", ".dav", ".divx", ".dv", ".dvr-ms", ".f4v", ".flc", ".fli", ".flv", ".gif", ".gxf"}
    | {".h261", ".h263", ".h264", ".h265", ".h266", ".hevc", ".ismv", ".ivf", ".m1v", ".m2t"}
    | {".m2ts", ".m2v", ".m4v", ".mj2", ".mjpeg", ".mjpg", ".mk3d", ".mkv", ".mov", ".mp2v", ".mp4"}
    | {".mpe", ".mpeg", ".mpg", ".mpv", ".mts", ".mxf", ".nsv", ".nut", ".nuv", ".obu", ".ogg"}
    | {".ogm", ".ogv", ".qt", ".rm", ".rmvb", ".roq", ".smk", ".tp", ".trp", ".ts", ".vc1", ".vob"}
    | {".vvc", ".webm", ".wmv", ".wtv", ".y4m", ".yuv"}
)
SHOWN = 3  # names in a remark

NO_SUFFIX = "file(s) without a video suffix"
HIDDEN = "hidden file(s) or folder(s)"
SPECIAL = "named pipe(s), socket(s) or device(s)"
NOTHING = "link(s) to nothing"
AGAIN = "folder(s) that were searched under another name"
UNREADABLE = "folder(s) that cannot be read"
TWICE = "file(s) that were named twice"
COMMENT = "line(s) of lists that begin with # and name no file"
OWN = "list(s) inside themselves"
REMEDIES = {NO_SUFFIX: "; name a file itself to score it"}


@dataclass
class PassedOver:
    """Counts what a search passes over, by reason, with the first names."""

    counts: dict[str, int] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)

    def add(self, reason: str, name: str | Path) -> None:
        """Count one name."""
        self.counts[reason] = self.counts.get(reason, 0) + 1
        first = self.names.setdefault(reason, [])
        if len(first) < SHOWN:
            first.append(shown(clean(str(name))))

    def take(self, other: "PassedOver") -> None:
        """Count what another one has counted."""
        for reason, count in other.counts.items():
            self.counts[reason] = self.counts.get(reason, 0) + count
            first = self.names.setdefault(reason, [])
            first += other.names[reason][: SHOWN - len(first)]

    def remarks(self) -> list[str]:
        """Say how many were passed over, one sentence per reason.

        Examples:
            >>> from vqa.databases.searching import HIDDEN, PassedOver
            >>> passed_over = PassedOver()
            >>> passed_over.add(HIDDEN, ".a.mp4")
            >>> passed_over.remarks()
            ['passed over 1 hidden file or folder: .a.mp4']
        """
        remarks = []
        for reason, count in self.counts.items():
            names, what = self.names[reason], counted(count, reason)
            more = f" and {count - len(names)} more" if count > len(names) else ""
            remedy = REMEDIES.get(reason, "")
            remarks.append(f"passed over {what}: {', '.join(names)}{more}{remedy}")
        return remarks


def counted(count: int, reason: str) -> str:
    """Return a number of things that were passed over, in words."""
    return f"{count} {reason.replace('(s)', 's' if count > 1 else '')}"


def kind(path: Path) -> str:
    """Return what a path is, without opening it: `file`, `folder`, `special`, `link` or ``.

    Links are followed; `link` leads to nothing, and an empty text means that there is nothing. What
    may not be examined counts as a file: reading it says why.
    """
    try:
        mode = path.stat().st_mode
    except PermissionError:
        return "file"
    except (OSError, ValueError):
        return "link" if os.path.lexists(path) else ""
    if stat.S_ISDIR(mode):
        return "folder"
    return "file" if stat.S_ISREG(mode) else "special"


def walk(
    top: Path,
    passed_over: PassedOver,
    suffixes: Collection[str] = VIDEO_SUFFIXES,
    *,
    folders: bool = False,
) -> Iterator[Path]:
    """Yield the video files below a folder, or its folders, sorted by name.

    Links are followed; a folder that is reachable by several names is searched under the first.

    Args:
        top: The folder.
        passed_over: Counts everything that is not yielded.
        suffixes: Of video files, in lower case.
        folders: Yield `top` and all folders below it instead of files.
    """
    searched: set[tuple[int, int]] = set()
    waiting = [top]
    while waiting:
        path = waiting.pop()
        match kind(path):
            case "folder":
                found = path.stat()
                if (found.st_dev, found.st_ino) in searched:
                    passed_over.add(AGAIN, path.relative_to(top))
                    continue
                searched.add((found.st_dev, found.st_ino))
                if folders:
                    yield path
                waiting += reversed(_entries(path, top, passed_over))
            case _ if folders:
                continue
            case _ if path.suffix.lower() not in suffixes:
                passed_over.add(NO_SUFFIX, path.relative_to(top))
            case "file":
                yield path
            case "special":
                passed_over.add(SPECIAL, path.relative_to(top))
            case _:
                passed_over.add(NOTHING, path.relative_to(top))


def matches(pattern: Path, passed_over: PassedOver) -> Iterator[Path]:
    """Yield the files and folders that match a glob pattern, sorted.

    `**` stands for a folder and everything below it. Python's own `**` follows links in circles.
    """
    parts = pattern.parts
    if "**" not in parts:
        yield from sorted(map(Path, glob.glob(str(pattern))))  # noqa: PTH207 (an absolute pattern)
        return
    place = parts.index("**")
    head, tail = Path(*parts[:place]), parts[place + 1 :]
    for top in matches(head, passed_over) if place else (head,):
        if not tail:
            yield top
        elif kind(top) == "folder":
            for folder in walk(top, PassedOver(), folders=True):
                yield from matches(Path(glob.escape(str(folder)), *tail), passed_over)


def _entries(folder: Path, top: Path, passed_over: PassedOver) -> list[Path]:
    """Return what a folder holds, sorted, without hidden names."""
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208 (sorts faster than paths)
    except OSError:
        passed_over.add(UNREADABLE, folder)
        return []
    for name in names:
        if name.startswith("."):
            passed_over.add(HIDDEN, (folder / name).relative_to(top))
    return [folder / name for name in names if not name.startswith(".")]


def absolute(path: Path) -> Path:
    """Return the absolute path with its links; `a/..` goes only if `a` is no link."""
    path = path.absolute()
    plain = Path(os.path.abspath(path))  # noqa: PTH100 (resolve follows links)
    if ".." in path.parts and kind(path) and not (kind(plain) and plain.samefile(path)):
        return path
    return plain


def key_of(name: str) -> int:
    """Return 128 bits of a name's hash: a million names fit in 100 MB."""
    return int.from_bytes(hashlib.blake2b(os.fsencode(name), digest_size=16).digest())
