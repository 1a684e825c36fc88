"""Signs of damaged or incomplete files that FFmpeg's demuxers do not report as errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av


def boxes_end(path: Path, size: int) -> int:
    """Return the end, in bytes, that the last top-level box of an MP4 or MOV file states."""
    end = 0
    with path.open("rb") as file:
        while end + 8 <= size:
            file.seek(end)
            head = file.read(16)
            length = int.from_bytes(head[:4], "big")
            if length == 1:
                length = int.from_bytes(head[8:16], "big")
            if length < 8:  # 0 means up to the end of the file
                return size
            end += length
    return end


@contextmanager
def demuxer_errors() -> Iterator[list[str]]:
    """Collect the error messages of the Matroska demuxer.

    This demuxer skips damage and ends early without an error; only its log shows that.
    """
    messages: list[str] = []
    level, skip_repeated = av.logging.get_level(), av.logging.get_skip_repeated()
    av.logging.set_level(av.logging.ERROR)
    av.logging.set_skip_repeated(False)  # else a second scan of the same file logs nothing
    try:
        with av.logging.Capture() as log:
            yield messages
        messages += [text.strip() for _, name, text in log if name.startswith("matroska")]
    finally:
        av.logging.set_skip_repeated(skip_repeated)
        av.logging.set_level(level)
