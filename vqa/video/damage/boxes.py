"""The top-level boxes of MP4 and MOV files."""

from collections.abc import Iterator

# ISO/IEC 14496-12, QuickTime File Format, and what cameras write.
TOP_LEVEL = frozenset(
    b"ftyp styp moov moof mfra mdat free skip wide pnot PICT uuid meta meco udta sidx ssix prft "
    b"pdin emsg imda bloc junk pict cust thum".split()
)


def unfinished(data: bytes) -> str | None:
    """Return how the boxes of a file do not end properly, or None.

    Bytes that are no box may follow the last one.
    """
    end, is_fragmented = 0, False
    for kind, start, end in _boxes(data):
        is_fragmented = is_fragmented or kind == b"moof"
        if end > len(data):
            name = kind.decode()
            return f"cut short: box {name!r} at byte {start} ends at {end} of {len(data)} bytes"
    if is_fragmented and data.find(b"moof", end) >= 0:
        return f"damaged: no box starts at byte {end}, but fragments follow"
    return None


def _boxes(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield type, start and end of each box, up to the first bytes that are no box.

    A box of an unknown type must end within the file.
    """
    start = 0
    while start + 8 <= len(data):
        length, kind = int.from_bytes(data[start : start + 4], "big"), data[start + 4 : start + 8]
        if length == 0 and kind in TOP_LEVEL:  # up to the end of the file
            length = len(data) - start
        elif length == 1:
            length = int.from_bytes(data[start + 8 : start + 16], "big")
        is_whole = start + length <= len(data) and kind.isascii() and kind.decode().isprintable()
        if length < 8 or not (kind in TOP_LEVEL or is_whole):
            return
        yield kind, start, start + length
        start += length
