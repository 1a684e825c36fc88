"""Whether a video still has the content that an earlier row is about."""

from collections.abc import Mapping
from typing import Any

from vqa.files import content_hash
from vqa.remote import tars
from vqa.remote.addresses import in_tar, protocol_of
from vqa.remote.fetching import state_of


def is_same(name: str, entry: Mapping[str, Any]) -> bool:
    """Return whether a video has the content of a row.

    A file on disk, or in a tar on disk, is compared by its SHA-256; a file elsewhere by what its
    store says of it, without a copy. A store that says too little is never trusted.

    Args:
        name: Path or address.
        entry: `source` and, for files elsewhere, `state` of the row.
    """
    member = in_tar(name)
    try:
        if protocol_of(name):
            return bool(entry.get("state")) and entry["state"] == state_of(name)
        found = content_hash(name) if member is None else tars.content_hash(member)
        return found == entry["source"]
    except OSError:
        return False
