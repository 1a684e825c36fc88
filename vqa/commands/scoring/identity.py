"""Whether a video is still the one that a row describes."""

from collections.abc import Mapping
from typing import Any

from vqa.files import content_hash


def is_same(name: str, entry: Mapping[str, Any]) -> bool:
    """Return whether a video has the content that a row was made from.

    Args:
        name: The video, as a job names it.
        entry: The row as a JSON object.
    """
    try:
        return bool(entry["source"]) and content_hash(name) == entry["source"]
    except OSError:
        return False
