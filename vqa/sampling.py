"""Which frames of a video a model looks at: pure functions from times or counts to indices."""

import math

import numpy as np

TICK_TOLERANCE_S = 1e-5  # above half a tick of the 90 kHz clock, and above any float error
MILLISECOND_TOLERANCE_S = 5e-4


def fixed_rate_indices(times_s: np.ndarray, frame_rate_hz: float) -> np.ndarray:
    """Resample to a fixed rate: the frame on show at each time k / rate.

    That is the nearest earlier frame, as the LIVE-APV frame-rate study needs it; frames repeat
    where the rate is above the video's. Times run from 0 up to, not including, the end of the
    video, where the last frame lasts one median interval. A frame that starts at k / rate counts
    as earlier whatever the rounding: of floats, or of timestamps to a 90 kHz tick or to a
    millisecond (Matroska).

    Args:
        times_s: (frames,) presentation times, ascending from 0.
        frame_rate_hz: The rate wanted.

    Returns:
        int64 (n,), ascending, n >= 1.

    Raises:
        ValueError: Times that are empty, not finite or descending, or a rate that is not positive.
    """
    times = np.asarray(times_s, dtype=np.float64)
    if times.ndim != 1 or times.size == 0:
        raise ValueError(f"times_s must be one row of at least one time, not {times.shape}")
    if not np.isfinite(times).all() or np.any(np.diff(times) < 0):
        raise ValueError("times_s must be finite and ascending")
    if not (math.isfinite(frame_rate_hz) and frame_rate_hz > 0):
        raise ValueError(f"frame_rate_hz={frame_rate_hz} must be a positive number")
    intervals_s = np.diff(times)
    interval_s = float(np.median(intervals_s)) if times.size > 1 else 0.0
    tolerance_s = TICK_TOLERANCE_S
    whole_ms = np.allclose(times * 1000, np.rint(times * 1000), rtol=0, atol=1e-6)
    if whole_ms and not np.allclose(intervals_s, interval_s, rtol=0, atol=1e-6):
        tolerance_s += MILLISECOND_TOLERANCE_S  # rounded, since uneven
    # Start of the last frame and its length are each off by the tolerance.
    end_s = float(times[-1]) + interval_s - 2 * tolerance_s
    count = max(1, math.ceil(end_s * frame_rate_hz))
    targets = np.arange(count) / frame_rate_hz
    return np.maximum(np.searchsorted(times, targets + tolerance_s, side="right") - 1, 0)


def uniform_indices(frames: int, count: int) -> np.ndarray:
    """Middle frames of `count` equal parts: floor((k + 1/2) * frames / count).

    Args:
        frames: Number of frames in the video.
        count: Number of indices wanted; above `frames`, frames repeat.

    Returns:
        int64 (count,), ascending.

    Raises:
        ValueError: A number below 1.
    """
    if frames < 1 or count < 1:
        raise ValueError(f"frames={frames} and count={count} must be at least 1")
    return (2 * np.arange(count, dtype=np.int64) + 1) * frames // (2 * count)
