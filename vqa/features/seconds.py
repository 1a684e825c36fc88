"""One frame of each second, as the saliency study and RAPIQUE's network take them."""

from typing import Literal

import numpy as np


def frame_of_each_second(
    frames: int, frame_rate_hz: float, which: Literal["first", "middle", "last"]
) -> np.ndarray:
    """Indices of one frame in each second, the rate F rounded to whole frames.

    `first` is 0, F, 2F ... in seconds that the video has whole; `middle` is F // 2, F // 2 + F ...
    up to the last frame but one; `last` is F - 1, 2F - 1 ... A video too short for any gives its
    first, middle or last frame.

    Args:
        frames: N, the video's length, at least 1.
        frame_rate_hz: Its rate.
        which: Frame of the second.

    Returns:
        int64 (n,), ascending, n >= 1.

    Raises:
        ValueError: No frame, or no rate.
    """
    if frames < 1 or not frame_rate_hz > 0:
        raise ValueError(
            f"expected a video of at least one frame and a positive rate, got {frames} frames at "
            f"{frame_rate_hz} Hz; leave it out"
        )
    rate = whole_rate(frame_rate_hz)
    start, stop, otherwise = {
        "first": (0, frames // rate * rate, 0),
        "middle": (rate // 2, frames - 1, (frames - 1) // 2),
        "last": (rate - 1, frames, frames - 1),
    }[which]
    indices = np.arange(start, stop, rate, dtype=np.int64)
    return indices if len(indices) else np.array([otherwise], dtype=np.int64)


def whole_rate(frame_rate_hz: float) -> int:
    """Frames a second, rounded to a whole number, at least 1."""
    return max(1, int(np.floor(frame_rate_hz + 0.5)))
