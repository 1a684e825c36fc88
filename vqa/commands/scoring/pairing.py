"""Pairs of the same video in two jobs, found by the names of their files.

A video is known by its path below the folder that holds all videos of its job. Four names are tried
one after the other: that path, the path without suffix (another container), the file's name, and
the name without suffix. A name that several videos of one job share pairs none of them.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import PurePath

from vqa.reports.scoring.entries import common_folder


def paired(before: Sequence[str], after: Sequence[str]) -> list[tuple[str, str]]:
    """Return the pairs of paths that name the same video, in the order of `before`.

    Examples:
        >>> from vqa.commands.scoring.pairing import paired
        >>> paired(["/old/a/1.mp4", "/old/b/1.mp4"], ["/new/b/1.mkv", "/new/c/1.mp4"])
        [('/old/b/1.mp4', '/new/b/1.mkv')]
    """
    pairs: dict[str, str] = {}
    depths = len(common_folder(before)), len(common_folder(after))
    for name in (_whole, _without_suffix, _file, _stem):
        named = [
            _unique(videos, name, depth)
            for videos, depth in zip((before, after), depths, strict=True)
        ]
        taken = set(pairs.values())
        for key, video in named[0].items():
            other = named[1].get(key)
            if other is not None and video not in pairs and other not in taken:
                pairs[video] = other
    return [(video, pairs[video]) for video in before if video in pairs]


Name = Callable[[PurePath], str]


def _unique(videos: Sequence[str], name: Name, depth: int) -> dict[str, str]:
    """Return the videos by a name that no other video of the job has."""
    keys = [name(PurePath(*PurePath(video).parts[depth:])) for video in videos]
    counts = Counter(keys)
    return {key: video for key, video in zip(keys, videos, strict=True) if counts[key] == 1}


def _whole(path: PurePath) -> str:
    return path.as_posix()


def _without_suffix(path: PurePath) -> str:
    return (path.parent / path.stem).as_posix()


def _file(path: PurePath) -> str:
    return path.name


def _stem(path: PurePath) -> str:
    return path.stem
