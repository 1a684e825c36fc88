"""Whether a video is still the one that a row describes."""

from collections.abc import Mapping
from typing import Any

from vqa import identity


def is_same(name: str, entry: Mapping[str, Any]) -> bool:
    """Return whether a video has the identity that a row was made from: see `vqa.identity`.

    Args:
        name: The video, as a job names it.
        entry: The row as a JSON object.
    """
    return identity.is_same(name, entry["source"])
