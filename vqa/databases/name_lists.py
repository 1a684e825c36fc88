"""The names in lists: files of any encoding, and streams that are read as they are written."""

import codecs
import os
from collections.abc import Iterator

READ_BYTES = 2**16


def lines_of(data: bytes) -> list[str]:
    """Return the lines of a list that are not blank, whatever its encoding and line ends."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        lines = data.decode("utf-16", "replace").splitlines()
    else:
        lines = [os.fsdecode(line) for line in data.removeprefix(codecs.BOM_UTF8).splitlines()]
    return [line for line in lines if line.strip()]


def arriving(descriptor: int, end: bytes) -> Iterator[str]:
    """Yield the names in a stream, each as soon as it is complete; blank ones are skipped.

    It reads without Python's buffer, whose lock a thread that waits here would keep for ever.
    """
    left = b""
    while data := os.read(descriptor, READ_BYTES):
        *names, left = (left + data).split(end)
        yield from filter(None, (_name(one, end) for one in names))
    if name := _name(left, end):
        yield name


def _name(line: bytes, end: bytes) -> str:
    """Return the name that a line holds; empty for a blank line of text."""
    if end == b"\0":
        return os.fsdecode(line)
    text = os.fsdecode(line.removeprefix(codecs.BOM_UTF8).removesuffix(b"\r"))
    return text if text.strip() else ""
