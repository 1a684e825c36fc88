"""Uploads: written to disk as they arrive, counted, and cut off if they are too large or slow."""

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import BinaryIO

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from vqa.commands.serving.jobs import suffix_of
from vqa.commands.serving.limits import Limits, Refusal, too_large

OVERHEAD_BYTES = 64 * 1024  # of a multipart body besides its file
MOST_HEADER_BYTES = 8 * 1024
SEND = "send multipart/form-data with one part named file, for example curl -F file=@clip.mp4"
DRAIN_S = 1.0


def content_kind(content_type: str) -> tuple[str, bytes]:
    """Return the kind of a body and, for a multipart body, its boundary.

    Raises:
        Refusal: 415 for a kind that the service does not read, 400 without a boundary.
    """
    kind, options = parse_options_header(content_type)
    name = kind.decode("latin-1").lower()
    if name == "application/json":
        return name, b""
    if name != "multipart/form-data":
        raise Refusal(
            415, "expected multipart/form-data or application/json, found another content type",
            SEND,
        )  # fmt: skip
    boundary = options.get(b"boundary", b"")
    if not 0 < len(boundary) <= 70:
        raise Refusal(400, "expected a multipart body with a boundary of 1 to 70 bytes", SEND)
    return name, boundary


async def paced(
    body: AsyncIterator[bytes], limits: Limits, most_bytes: int, count: Callable[[int], None]
) -> AsyncIterator[bytes]:
    """Yield the parts of a body, as long as it keeps its pace and its size.

    Raises:
        Refusal: 408 if it is too slow, 413 if it is too large.
    """
    begun, got = time.monotonic(), 0
    while True:
        try:
            data = await asyncio.wait_for(anext(body), limits.idle_s)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise _too_slow(limits) from None
        got += len(data)
        count(len(data))
        if got > most_bytes:
            raise too_large(limits)
        if limits.too_slow(got, time.monotonic() - begun):
            raise _too_slow(limits)
        yield data


def _too_slow(limits: Limits) -> Refusal:
    return Refusal(
        408,
        f"expected at least {limits.slowest_bytes_s / 1000:g} kB per second, and the whole file "
        f"within {limits.upload_s:g} s",
        "send it over a faster connection, or send a smaller file",
        {"Connection": "close"},
    )


def check_space(folder: Path, limits: Limits) -> None:
    """Refuse a video when the disk is almost full.

    Raises:
        Refusal: 507.
    """
    if shutil.disk_usage(folder).free < limits.reserve_bytes + limits.max_bytes:
        raise Refusal(
            507, "the service has too little disk space for another video",
            "come back later, or free some space in the folder of the jobs",
            {"Retry-After": "60"},
        )  # fmt: skip


class FilePart:
    """The one part `file` of a multipart body, written to a folder while it arrives.

    Args:
        folder: Where the file is written, as `video` with the suffix of the client's name.
        boundary: Of the body.
        limits: The limits.

    Attributes:
        name: What the client called the file.
        file: Name of the written file.
    """

    def __init__(self, folder: Path, boundary: bytes, limits: Limits) -> None:
        self.folder, self.limits = folder, limits
        self.name, self.file, self.bytes = "", "", 0
        self._out: BinaryIO | None = None
        self._field, self._value = bytearray(), bytearray()
        self._headers: dict[str, str] = {}
        self._ended = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._headers.clear,
                "on_header_field": lambda data, start, end: self._grow(
                    self._field, data[start:end]
                ),
                "on_header_value": lambda data, start, end: self._grow(
                    self._value, data[start:end]
                ),
                "on_header_end": self._header,
                "on_headers_finished": self._begin,
                "on_part_data": self._data,
                "on_end": self._end,
            },
        )

    def write(self, data: bytes) -> None:
        """Take a part of the body.

        Raises:
            Refusal: It is no such body.
        """
        try:
            self._parser.write(data)
        except MultipartParseError:
            raise Refusal(400, "expected a valid multipart body", SEND) from None

    def finish(self) -> None:
        """Check that the body was complete, and write the file to the disk.

        Raises:
            Refusal: The body was cut off, had no file, or an empty one.
        """
        if not self._ended:
            raise Refusal(400, "expected a complete multipart body, found its beginning", SEND)
        if self._out is None:
            raise Refusal(422, "expected a part named file, found none", SEND)
        if not self.bytes:
            raise Refusal(422, "expected a video, found an empty file", SEND)
        self._out.flush()
        os.fsync(self._out.fileno())
        self.close()

    def close(self) -> None:
        """Close the file."""
        if self._out is not None:
            self._out.close()

    def _grow(self, what: bytearray, data: bytes) -> None:
        what += data
        if len(what) > MOST_HEADER_BYTES:
            raise Refusal(400, "expected short headers of the part", SEND)

    def _header(self) -> None:
        name = self._field.decode("latin-1").lower()
        self._headers[name] = self._value.decode("latin-1")  # what the parser of options reads
        self._field, self._value = bytearray(), bytearray()
        if len(self._headers) > 16:
            raise Refusal(400, "expected few headers of the part", SEND)

    def _begin(self) -> None:
        _, options = parse_options_header(self._headers.get("content-disposition", ""))
        field = options.get(b"name", b"").decode("utf-8", "replace")
        if field != "file" or b"filename" not in options:
            raise Refusal(422, "expected one part, named file, with a file name", SEND)
        if self._out is not None:
            raise Refusal(422, "expected one file, found two", "send one request per video")
        self.name = options[b"filename"].decode("utf-8", "replace")
        self.file = "video" + suffix_of(self.name)
        self._out = (self.folder / self.file).open("wb")

    def _data(self, data: bytes, start: int, end: int) -> None:
        self.bytes += end - start
        if self.bytes > self.limits.max_bytes:
            raise too_large(self.limits)
        if self._out is not None:
            self._out.write(data[start:end])

    def _end(self) -> None:
        self._ended = True


async def drained(body: AsyncIterator[bytes]) -> None:
    """Read on for a moment, so that a client that still sends can read the refusal."""
    end = time.monotonic() + DRAIN_S
    try:
        while (left := end - time.monotonic()) > 0:
            await asyncio.wait_for(anext(body), left)
    except (StopAsyncIteration, TimeoutError, Exception):  # noqa: BLE001 (nothing is needed of it)
        return
