"""Whether a container ends properly: the end that it states, its last mark, or whole units."""

import mmap
import struct
from collections.abc import Callable
from pathlib import Path

from vqa.video.damage import boxes, transport

PROGRAM_END = b"\x00\x00\x01\xb9"
ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
TAIL_BYTES = 2**20

Data = mmap.mmap


def ending(path: Path, container: str, packet_bytes: int) -> str | None:
    """Return how a file does not end properly, or None if it does or cannot tell.

    Args:
        path: The file, not empty.
        container: FFmpeg's name of the container.
        packet_bytes: Size of the last packet of the video.
    """
    checks = [CHECKS[kind] for kind in container.split(",") if kind in CHECKS]
    if not checks:
        return None
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return checks[0](data, packet_bytes)


def has_no_end_mark(path: Path, container: str, stream_id: int) -> bool:
    """Return whether only the last picture can tell if a file is cut.

    Args:
        path: The file, not empty.
        container: FFmpeg's name of the container.
        stream_id: Packet identifier of the video in a transport stream.
    """
    if container not in UNMARKED:
        return False
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if container == "mpegts":
            return not transport.ends_with_stuffing(data, stream_id)
        return data[-4:] != PROGRAM_END


def lost_packets(path: Path, container: str, stream_id: int) -> str | None:
    """Return that packets of a transport stream are missing, or None; other containers have none.

    Args:
        path: The file, not empty.
        container: FFmpeg's name of the container.
        stream_id: Packet identifier of the video.
    """
    if container != "mpegts":
        return None
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return transport.lost_packets(data, stream_id)


def _y4m(data: Data, frame_bytes: int) -> str | None:
    place = data.find(b"\n") + 1
    while place < len(data):
        head = data.find(b"\n", place, place + 256) + 1
        if data[place : place + 5] != b"FRAME" or not head:
            return f"damaged: no frame starts at byte {place}"
        place = head + frame_bytes
    return _past(place, data)


def _ogg(data: Data, _: int) -> str | None:
    place, last, ended = 0, {}, set()
    while data[place : place + 4] == b"OggS":
        flags = data[place + 5]
        serial, number = struct.unpack_from("<II", data, place + 14)
        if serial in last and number != last[serial] + 1:
            return f"damaged: page {number} of a stream follows its page {last[serial]}"
        last[serial] = number
        if flags & 4:
            ended.add(serial)
        segments = data[place + 26]
        place += 27 + segments + sum(data[place + 27 : place + 27 + segments])
    if last.keys() - ended:
        return "cut short: the last page of a stream has no end mark"
    return _past(place, data)


def _gif(data: Data, _: int) -> str | None:
    def after_blocks(place: int) -> int:
        while place < len(data) and data[place]:
            place += 1 + data[place]
        return place + 1

    def after_colours(place: int, flags: int) -> int:
        return place + (3 << (flags & 7) + 1 if flags & 0x80 else 0)

    place = after_colours(13, data[10])
    while place + 10 < len(data):
        match data[place]:
            case 0x21:
                place = after_blocks(place + 2)
            case 0x2C:
                place = after_blocks(after_colours(place + 10, data[place + 9]) + 1)
            case _:
                break
    if place >= len(data) or data[place] != 0x3B:
        return f"damaged or cut short: found neither a block nor the trailer at byte {place}"
    return None


def _png(data: Data, _: int) -> str | None:
    place = 8
    while place + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        place += 12 + length
        if kind == b"IEND":
            return _past(place, data)
    return "cut short: the last chunk is missing"


def _jpeg(data: Data, _: int) -> str | None:
    if data[:2] != b"\xff\xd8":
        return "damaged: it does not begin with a picture"
    if data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xd8"):
        return "cut short: the last picture has no end mark"
    return None


def _jpeg2000(data: Data, _: int) -> str | None:
    if data[:4] not in (b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0c"):
        return "damaged: it does not begin with a picture"
    return None if data[-2:] == b"\xff\xd9" else "cut short: the last picture has no end mark"


def _asf(data: Data, _: int) -> str | None:
    place = data.find(ASF_PROPERTIES, 0, TAIL_BYTES)
    if place < 0 or place + 104 > len(data):
        return None
    stated, packets = struct.unpack_from("<Q8xQ", data, place + 40)
    is_broadcast, packet_bytes = struct.unpack_from("<I4xI", data, place + 88)
    if is_broadcast & 1:
        return None
    return _past(max(stated, packets * packet_bytes), data)


def _dv(data: Data, frame_bytes: int) -> str | None:
    if len(data) % frame_bytes:
        return f"cut short: {len(data)} bytes are not whole frames of {frame_bytes} bytes"
    return None


def _riff(data: Data, _: int) -> str | None:
    place = 0
    while data[place : place + 4] == b"RIFF":
        place += 8 + int.from_bytes(data[place + 4 : place + 8], "little")
    return _past(place - 1, data)  # an odd size may lack its padding


def _matroska(data: Data, _: int) -> str | None:
    def number(place: int) -> tuple[int | None, int]:
        """Return a number, None if unknown, and the place after it."""
        width = 9 - data[place].bit_length()
        value = int.from_bytes(data[place : place + width], "big") & (1 << 7 * width) - 1
        return (None if value == (1 << 7 * width) - 1 else value), place + width

    size, place = number(4)  # after the identifier of the header
    place += size or 0
    if data[place : place + 4] != b"\x18\x53\x80\x67":
        return None
    size, place = number(place + 4)
    return None if size is None else _past(place + size, data)


def _flv(data: Data, _: int) -> str | None:
    place, key = int.from_bytes(data[5:9], "big") + 4, data.find(b"filesize\0", 0, TAIL_BYTES)
    if key >= 0:
        (stated,) = struct.unpack_from(">d", data, key + 9)
        if stated > len(data):
            return f"cut short: {len(data)} of {stated:.0f} bytes are present"
    while place + 11 <= len(data):
        if data[place] & 0x1F not in (8, 9, 18):
            return f"damaged: no tag starts at byte {place}"
        place += 15 + int.from_bytes(data[place + 1 : place + 4], "big")
    return _past(place, data) or (f"cut short at byte {place}" if place < len(data) else None)


def _ivf(data: Data, _: int) -> str | None:
    place, stamps = int.from_bytes(data[6:8], "little"), []
    while place + 12 <= len(data):
        length, stamp = struct.unpack_from("<IQ", data, place)
        stamps.append(stamp)
        place += 12 + length
    stated = int.from_bytes(data[24:28], "little")
    if stamps == list(range(len(stamps))) and stated > len(stamps):  # else it may be a duration
        return f"cut short: the header states {stated} frames"
    return _past(place, data) or (f"cut short at byte {place}" if place < len(data) else None)


def _mxf(data: Data, _: int) -> str | None:
    place = data.find(bytes.fromhex("060e2b34020501010d01020101"), 0, 2**16)
    if place < 0 or place + 64 > len(data):
        return None
    width = data[place + 16]
    start = place + 17 + (width & 0x7F if width & 0x80 else 0)
    footer = int.from_bytes(data[start + 24 : start + 32], "big")
    return _past(place + footer + 16, data) if footer else None


def _program(data: Data, _: int) -> str | None:
    place = data.find(b"\x00\x00\x01\xba", max(0, len(data) - TAIL_BYTES))
    while 0 <= place < len(data) and data[place : place + 3] == b"\x00\x00\x01":
        kind = data[place + 3]
        if kind == 0xB9:
            place += 4
        elif kind == 0xBA:
            is_mpeg2 = data[place + 4 : place + 5] > b"\x3f"
            place += 14 + (data[min(place + 13, len(data) - 1)] & 7) if is_mpeg2 else 12
        else:
            place += 6 + int.from_bytes(data[place + 4 : place + 6], "big")
    return _past(place, data)


def _past(place: int, data: Data) -> str | None:
    """Return that a file ends before a place, or None."""
    if place > len(data):
        return f"cut short: {len(data)} of {place} bytes are present"
    return None


CHECKS: dict[str, Callable[[Data, int], str | None]] = {
    "mp4": lambda data, _: boxes.unfinished(data),
    "yuv4mpegpipe": _y4m,
    "ogg": _ogg,
    "gif": _gif,
    "apng": _png,
    "mjpeg": _jpeg,
    "mjpeg_2000": _jpeg2000,
    "asf": _asf,
    "dv": _dv,
    "avi": _riff,
    "matroska": _matroska,
    "flv": _flv,
    "ivf": _ivf,
    "mxf": _mxf,
    "mpegts": lambda data, _: transport.unfinished(data),
    "mpeg": _program,
}
UNMARKED = frozenset(("mpegts", "mpeg", "h264", "hevc", "vvc", "m4v", "mpegvideo", "h263", "h261"))
