"""Whether a video still has the content that an earlier row is about."""

from collections.abc import Mapping
from typing import Any

from vqa import identity
from vqa.remote import tars
from vqa.remote.addresses import in_tar, protocol_of
from vqa.remote.fetching import state_of


def is_same(name: str, entry: Mapping[str, Any]) -> bool:
    """Return whether a video has the content of a row.

    A file on disk is compared by the identity that the row has, one in a tar on disk by its
    SHA-256; a file elsewhere by what its store says of it, without a copy. A store that says too
    little is never trusted.

    Args:
        name: Path or address.
        entry: `source` and, for files elsewhere, `state` of the row.
    """
    member = in_tar(name)
    try:
        if protocol_of(name):
            return bool(entry.get("state")) and entry["state"] == state_of(name)
        if member is None:
            return identity.is_same(name, entry["source"])
        return tars.content_hash(member) == entry["source"]
    except OSError:
        return False
