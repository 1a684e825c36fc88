"""Limits on what one video may cost, so that a hostile or absurd file does not end a whole job.

They are set by environment variables, because they protect the machine and do not change a number:

    VQA_MAX_PIXELS      most pixels of a frame; default 33177600, which is 8K (7680x4320)
    VQA_DECODER_GB      most memory of the decoding process in GiB; default 4
"""

import math
import os
import re

MAX_PIXELS, DECODER_GB = "VQA_MAX_PIXELS", "VQA_DECODER_GB"
EIGHT_K = 7680 * 4320
GB = 4.0
PADDING_PIXELS = 2**23  # that decoders add to round a size up to whole blocks


def max_pixels() -> int:
    """Return the most pixels that a frame may have.

    Raises:
        ValueError: The environment variable is not a positive number.
    """
    return int(_positive(MAX_PIXELS, EIGHT_K))


def padded_pixels() -> int:
    """Return the most pixels that a decoder may take memory for: a frame and its padding.

    Raises:
        ValueError: As for `max_pixels`.
    """
    return max_pixels() + PADDING_PIXELS


def decoder_bytes() -> int:
    """Return the most memory, in bytes, that the decoding process may add to what it starts with.

    Raises:
        ValueError: The environment variable is not a positive number.
    """
    return int(_positive(DECODER_GB, GB) * 2**30)


def too_large(width: int, height: int) -> str | None:
    """Return the error for frames above the limit, None for others.

    Examples:
        >>> from vqa.video.limits import too_large
        >>> too_large(7680, 4320) is None
        True
        >>> too_large(12000, 12000).split("; ")[1]
        'the limit is 33177600'
    """
    limit = max_pixels()
    if width * height <= limit:
        return None
    return (
        f"has frames of {width}x{height} pixels; the limit is {limit}; {MAX_PIXELS}="
        f"{width * height} raises it"
    )


def refused_size(message: str) -> str | None:
    """Return the error for frames that FFmpeg says are above the limit, None for other messages.

    Examples:
        >>> from vqa.video.limits import refused_size
        >>> refused_size("Picture size 12000x12000 exceeds specified max pixel count").split(";")[0]
        'has frames of 12000x12000 pixels'
    """
    found = re.match(r"Picture size (\d+)x(\d+) exceeds", message)
    return too_large(int(found[1]), int(found[2])) if found else None


def _positive(name: str, default: float) -> float:
    text = os.environ.get(name, "")
    try:
        value = float(text) if text else default
    except ValueError:
        value = math.nan
    if not 1e-3 < value < math.inf:
        raise ValueError(f"{name}={text}: expected a positive number")
    return value
