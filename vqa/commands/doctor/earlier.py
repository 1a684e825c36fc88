"""What an earlier check of another database found out about its files."""

import json
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vqa.commands.configuration import UsageError
from vqa.commands.doctor.likeness import BITS
from vqa.commands.doctor.nearest import Hashed
from vqa.files import shown, user_path


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier check.

    Attributes:
        name: Of the database.
        ids: Id of each SHA-256 of a file that could be read.
        videos: These files, each with its SHA-256 as the group.
    """

    name: str
    ids: Mapping[str, str]
    videos: Sequence[Hashed]


def read_earlier(path: str | Path) -> Earlier:
    """Read the JSON file of an earlier check.

    Raises:
        UsageError: No such file, or `vqa doctor` of this version did not write it.
    """
    place = user_path(path)
    try:
        if not stat.S_ISREG(place.stat().st_mode):
            raise ValueError("not a regular file")
        content: Any = json.loads(place.read_text(encoding="utf-8"))
        whole = {key: facts for key, facts in content["videos"].items() if facts["error"] is None}
        ids = {facts["sha256"]: str(key) for key, facts in whole.items()}
        videos = [
            Hashed(facts["sha256"], [_checked(text) for text in facts["likeness"]])
            for facts in whole.values()
        ]
        return Earlier(str(content["database"]), ids, videos)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        cause = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else error
        raise UsageError(
            f"{shown(path)}: expected the JSON file of an earlier check, found none of this "
            f"version ({cause}); make it with vqa doctor on that database"
        ) from error


def _checked(text: Any) -> str:
    """Return the hash of a frame, or an empty text for a frame without one."""
    if text and len(bytes.fromhex(text)) != BITS // 8:
        raise ValueError(f"{text[:70]!r} is no hash of a frame")
    return str(text)
