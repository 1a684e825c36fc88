"""Addresses of files elsewhere, and of files in a tar: what they mean, and what is shown of them.

An address may hold a secret: a password, or the signature of a web address. `public` is what rows,
logs and errors show instead, and also the name of the file: two addresses that differ in nothing
else are one file.

A file in a tar is `<tar>#tar=<first byte>+<bytes>/<name in the tar>`, so that no search is
needed to read it; it is shown as `<tar>/<name in the tar>`.
"""

import re
from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

# Protocols that are read, and the package that each needs, as pip takes it.
PACKAGES = {
    "s3": "'vqa[s3]'", "s3a": "'vqa[s3]'", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs",
    "abfs": "adlfs", "http": "aiohttp", "https": "aiohttp", "memory": "fsspec",
}  # fmt: skip
WEB = ("http", "https")
MOST_EXPANDED = 10**6

_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
# As a path an address has one slash: `https:/host`.
_IN_TEXT = re.compile(rf"\b({'|'.join(PACKAGES)}|[A-Za-z][A-Za-z0-9+.-]*(?=://)):/+(\S+)", re.I)
# A name before @ is a user only on a web server; `abfs://container@account` has a container there.
_USER = re.compile(r"^(https?://)[^/\s]*@|^([A-Za-z][A-Za-z0-9+.-]*://)[^/\s]*:[^/\s]*@", re.I)
_IN_TAR = re.compile(r"(.*?)#tar=([0-9]{1,18})\+([0-9]{1,18})/(.+)", re.DOTALL)
_RANGE = re.compile(r"\{([0-9]{1,9})\.\.([0-9]{1,9})\}")


class InTar(NamedTuple):
    """A file in a tar.

    Attributes:
        tar: Path or address of the tar.
        name: Its name in the tar.
        offset: Its first byte in the tar.
        size: Its bytes.
    """

    tar: str
    name: str
    offset: int
    size: int

    @property
    def address(self) -> str:
        """How it is named between the parts of this package."""
        return f"{self.tar}#tar={self.offset}+{self.size}/{self.name}"


def protocol_of(place: str) -> str:
    """Return the protocol of an address in lower case; empty for a path.

    Examples:
        >>> from vqa.remote.addresses import protocol_of
        >>> protocol_of("s3://bucket/a.mp4"), protocol_of("videos/a.mp4")
        ('s3', '')
    """
    found = _ADDRESS.match(place)
    return found[1].lower() if found else ""


def in_tar(place: str) -> InTar | None:
    """Return the file in a tar that an address names; None for anything else."""
    found = _IN_TAR.fullmatch(place) if "#tar=" in place else None
    return None if found is None else InTar(found[1], found[4], int(found[2]), int(found[3]))


def is_elsewhere(place: str) -> bool:
    """Return whether a file must be copied before it can be decoded: not one, or inside a tar."""
    return bool(protocol_of(place)) or in_tar(place) is not None


def public(place: str) -> str:
    """Return a place without what may be secret; a path stays as it is.

    Examples:
        >>> from vqa.remote.addresses import public
        >>> public("https://me:word@host/a.mp4?X-Amz-Signature=5f3a"), public("videos/a.mp4")
        ('https://host/a.mp4', 'videos/a.mp4')
        >>> public("s3://bucket/x.tar#tar=512+90/a.mp4")
        's3://bucket/x.tar/a.mp4'
    """
    if (member := in_tar(place)) is not None:
        return f"{public(member.tar)}/{member.name}"
    if not protocol_of(place):
        return place
    place = _USER.sub(lambda found: found[1] or found[2], place)
    return re.split(r"[?#]", place, maxsplit=1)[0] if protocol_of(place) in WEB else place


def clean(text: str) -> str:
    """Return a text with every address in it as `public` shows it.

    Examples:
        >>> from vqa.remote.addresses import clean
        >>> clean("cannot reach https://host/a.mp4?token=1 today")
        'cannot reach https://host/a.mp4 today'
    """
    return _IN_TEXT.sub(lambda found: public(f"{found[1]}://{found[2]}"), text)


def beside(address: str, name: str) -> str:
    """Return the address of a name that is relative to the folder of a file elsewhere."""
    folder = re.split(r"[?#]", address, maxsplit=1)[0] if protocol_of(address) in WEB else address
    return f"{folder.rpartition('/')[0]}/{name}"


def expanded(place: str) -> Iterator[str]:
    """Yield the names that ranges in braces stand for, such as `shards-{000..999}.tar`, in order.

    Raises:
        ValueError: A range that ends before it begins, or more than a million names.

    Examples:
        >>> from vqa.remote.addresses import expanded
        >>> list(expanded("s3://bucket/x-{08..10}.tar"))
        ['s3://bucket/x-08.tar', 's3://bucket/x-09.tar', 's3://bucket/x-10.tar']
        >>> list(expanded("a.mp4"))
        ['a.mp4']
    """
    parts, count, ranges = [], 1, []
    end = 0
    for found in _RANGE.finditer(place):
        first, last = int(found[1]), int(found[2])
        count *= last - first + 1
        if last < first or count > MOST_EXPANDED:
            raise ValueError(
                f"{public(place)}: expected a range such as {{000..999}} of at most "
                f"{MOST_EXPANDED:,} names, found {found[0]}"
            )
        parts.append(place[end : found.start()])
        ranges.append([str(one).zfill(len(found[1])) for one in range(first, last + 1)])
        end = found.end()
    for numbers in product(*ranges):
        yield "".join(map("".join, zip(parts, numbers, strict=True))) + place[end:]


def is_range(place: str) -> bool:
    """Return whether a place has a range in braces."""
    return _RANGE.search(place) is not None
