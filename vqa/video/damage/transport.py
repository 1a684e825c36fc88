"""The packets of MPEG transport streams (ISO/IEC 13818-1)."""

import mmap

import numpy as np

PACKET_BYTES = (188, 192, 204)
SYNC = 0x47


def unfinished(data: mmap.mmap) -> str | None:
    """Return that the file ends inside a transport packet, or None."""
    unit = _unit(data)
    rest = len(data) % unit
    sync = len(data) - rest + _sync_place(unit)
    if rest and data[sync : sync + 1] in (bytes([SYNC]), b""):
        return f"cut short: {len(data)} bytes are not whole transport packets"
    return None


def ends_with_stuffing(data: mmap.mmap, pid: int) -> bool:
    """Return whether the last packet of a stream is padded, as at the end of a frame."""
    headers = _headers(data, pid)
    return bool(len(headers) and headers[-1, 3] & 0x20)


def lost_packets(data: mmap.mmap, pid: int) -> str | None:
    """Return that packets of a stream are missing or doubled by their counter, or None.

    FFmpeg checks the counter too, but does not tell if a lost packet was a whole frame.
    """
    headers = _headers(data, pid)
    if len(headers) < 2:
        return None
    steps = np.diff(headers[:, 3] & 0xF) & 0xF  # modulo 16, as the counter
    has_field = (headers[1:, 3] & 0x20 > 0) & (headers[1:, 4] > 0)
    announced = has_field & (headers[1:, 5] & 0x80 > 0)  # a discontinuity
    lost = np.flatnonzero((steps != 1) & ~announced)
    if len(lost) == 0:
        return None
    return f"damaged: packets are missing or doubled after packet {lost[0] + 1} of the video"


def _headers(data: mmap.mmap, pid: int) -> np.ndarray:
    """Return the first six bytes (n, 6) of the packets of a stream that carry payload."""
    unit = _unit(data)
    count = len(data) // unit
    start = _sync_place(unit)
    packets = np.ndarray((count, 6), np.uint8, data, start, (unit, 1))
    is_in_stream = (packets[:, 1] & 0x1F == pid >> 8) & (packets[:, 2] == pid & 0xFF)
    has_payload = (packets[:, 0] == SYNC) & (packets[:, 3] & 0x10 > 0)
    return packets[is_in_stream & has_payload]  # a copy: a view would keep the file mapped


def _unit(data: mmap.mmap) -> int:
    """Return the size of a packet: the distance of the first sync bytes."""
    for unit in PACKET_BYTES:
        first = _sync_place(unit)
        if data[first : first + 5 * unit : unit].strip(bytes([SYNC])) == b"":
            return unit
    return PACKET_BYTES[0]


def _sync_place(unit: int) -> int:
    """Return where the sync byte of a packet lies: Blu-ray's begin with a timestamp."""
    return 4 if unit == 192 else 0
