"""Which of our videos a published file means: names are matched, rows never.

The same video is `KoNViD_1k_videos/8536919744_original_centercrop_960x540_8s.mp4` in one file and
`8536919744.mp4` in another. Two names mean one video where, apart from case, file type and the
additions of known releases, one path ends with the other.
"""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

_FILE_TYPE = re.compile(r"\.(?:mp4|mkv|avi|yuv|mov|webm|m4v|y4m|bmp|png|jpg)$")
# KoNViD-1k's older copies; YouTube-UGC's re-encodes.
_ADDITION = re.compile(r"_(?:original|cut)_centercrop_960x540_8s$|_crf_10_ss_00_t_20\.0$")

Parts = tuple[str, ...]


def match_names(names: Iterable[str], ids: Iterable[str]) -> dict[str, str]:
    """The id that each name means; a name that means none, or several, is left out.

    Args:
        names: As some file writes them.
        ids: As the database writes them.
    """
    known = {name: _normal(name) for name in ids}
    by_file: dict[str, list[str]] = {}
    for name, parts in known.items():
        by_file.setdefault(parts[-1], []).append(name)
    meant = {}
    for name in names:
        wanted = _normal(name)
        candidates = by_file.get(wanted[-1], [])
        same = [key for key in candidates if known[key] == wanted]
        fits = (
            [name]
            if name in known
            else same or [key for key in candidates if _one_ends_with_the_other(known[key], wanted)]
        )
        if len(fits) == 1:
            meant[name] = fits[0]
    return meant


def _one_ends_with_the_other(first: Parts, second: Parts) -> bool:
    length = min(len(first), len(second))
    return first[-length:] == second[-length:]


def _normal(name: str) -> Parts:
    """`Video/A001.MP4` -> `("video", "a001")`."""
    parts = PurePosixPath(name.strip().replace("\\", "/").lower()).parts or ("",)
    return (*parts[:-1], _ADDITION.sub("", _FILE_TYPE.sub("", parts[-1])))
