"""Selection of one frame per second, as in the saliency study and RAPIQUE's network."""

from typing import Literal

import numpy as np


def frame_of_each_second(
    frames: int, frame_rate_hz: float, which: Literal["first", "middle", "last"]
) -> np.ndarray:
    """Return the index of one frame in each second, with the rate F rounded to whole frames.

    `first` selects 0, F, 2F ... within whole seconds of the video; `middle` selects F // 2,
    F // 2 + F ... up to the last frame but one; `last` selects F - 1, 2F - 1 ... A video too short
    for any of these gives its first, middle or last frame.

    Args:
        frames: N, length of the video in frames, at least 1.
        frame_rate_hz: Its frame rate.
        which: Frame of the second.

    Returns:
        int64 (n,), ascending, n >= 1.

    Raises:
        ValueError: No frames, or no frame rate.
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
    """Return the frames per second, rounded to a whole number, at least 1."""
    return max(1, int(np.floor(frame_rate_hz + 0.5)))
