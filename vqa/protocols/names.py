"""Matching of the video names in published files with the ids of a database.

The same video is `KoNViD_1k_videos/8536919744_original_centercrop_960x540_8s.mp4` in one file and
`8536919744.mp4` in another. Two names match if one path ends with the other, ignoring case, file
type and the suffixes of known releases. Rows are never matched by position.
"""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

_FILE_TYPE = re.compile(r"\.(?:mp4|mkv|avi|yuv|mov|webm|m4v|y4m|bmp|png|jpg)$")
# Older copies of KoNViD-1k; re-encodes of YouTube-UGC.
_RELEASE_SUFFIX = re.compile(r"_(?:original|cut)_centercrop_960x540_8s$|_crf_10_ss_00_t_20\.0$")

Components = tuple[str, ...]


def match_names(names: Iterable[str], ids: Iterable[str]) -> dict[str, str]:
    """Map names to the ids that they match; names with no match or several are omitted.

    Args:
        names: Names in a published file.
        ids: Ids of the database.
    """
    known = {name: _normalised(name) for name in ids}
    by_file: dict[str, list[str]] = {}
    for name, path in known.items():
        by_file.setdefault(path[-1], []).append(name)
    matches = {}
    for name in names:
        wanted = _normalised(name)
        candidates = by_file.get(wanted[-1], [])
        if name in known:
            fits = [name]
        else:
            fits = [key for key in candidates if known[key] == wanted] or [
                key for key in candidates if _same_ending(known[key], wanted)
            ]
        if len(fits) == 1:
            matches[name] = fits[0]
    return matches


def _same_ending(first: Components, second: Components) -> bool:
    """Return whether one path ends with the other."""
    length = min(len(first), len(second))
    return first[-length:] == second[-length:]


def _normalised(name: str) -> Components:
    """Split a name into path components: `Video/A001.MP4` -> `("video", "a001")`."""
    parts = PurePosixPath(name.strip().replace("\\", "/").lower()).parts or ("",)
    return (*parts[:-1], _RELEASE_SUFFIX.sub("", _FILE_TYPE.sub("", parts[-1])))
