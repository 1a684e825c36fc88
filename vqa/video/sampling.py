"""Frame sampling: pure functions from presentation times or frame counts to frame indices."""

import math

import numpy as np

TICK_TOLERANCE_S = 1e-5  # more than half a tick of the 90 kHz clock and than any rounding of floats
MILLISECOND_TOLERANCE_S = 5e-4


def fixed_rate_indices(times_s: np.ndarray, frame_rate_hz: float) -> np.ndarray:
    """Resample to a fixed rate: take the frame that is shown at each time k / rate.

    This is the nearest earlier frame, as in the LIVE-APV frame-rate study. Frames repeat if the
    rate is higher than the video's. Times range from 0 to the end of the video, which is excluded;
    the last frame lasts one median interval. A frame that starts at k / rate counts as earlier,
    regardless of rounding: of floats, or of timestamps to a 90 kHz tick or to a millisecond
    (Matroska).

    Args:
        times_s: (frames,) presentation times in seconds, ascending from 0.
        frame_rate_hz: The rate to sample at.

    Returns:
        int64 (n,), ascending, n >= 1.

    Raises:
        ValueError: Times are empty, not finite or descending, or the rate is not positive.

    Examples:
        >>> import numpy as np
        >>> from vqa.video.sampling import fixed_rate_indices
        >>> times_s = np.arange(50) / 25  # two seconds at 25 Hz
        >>> fixed_rate_indices(times_s, frame_rate_hz=2).tolist()
        [0, 12, 25, 37]
    """
    times = np.asarray(times_s, dtype=np.float64)
    if times.ndim != 1 or times.size == 0:
        raise ValueError(f"times_s: expected one row of at least one time, found {times.shape}")
    if not np.isfinite(times).all() or np.any(np.diff(times) < 0):
        raise ValueError("times_s: expected finite and ascending times")
    if not (math.isfinite(frame_rate_hz) and frame_rate_hz > 0):
        raise ValueError(f"frame_rate_hz={frame_rate_hz}: expected a positive number")
    intervals_s = np.diff(times)
    interval_s = float(np.median(intervals_s)) if times.size > 1 else 0.0
    tolerance_s = TICK_TOLERANCE_S
    whole_ms = np.allclose(times * 1000, np.rint(times * 1000), rtol=0, atol=1e-6)
    if whole_ms and not np.allclose(intervals_s, interval_s, rtol=0, atol=1e-6):
        tolerance_s += MILLISECOND_TOLERANCE_S  # uneven intervals, so the times are rounded
    # The start of the last frame and its duration may each be off by the tolerance.
    end_s = float(times[-1]) + interval_s - 2 * tolerance_s
    count = max(1, math.ceil(end_s * frame_rate_hz))
    targets = np.arange(count) / frame_rate_hz
    return np.maximum(np.searchsorted(times, targets + tolerance_s, side="right") - 1, 0)


def uniform_indices(frames: int, count: int) -> np.ndarray:
    """Return the middle frames of `count` equal parts: floor((k + 1/2) * frames / count).

    Args:
        frames: Number of frames in the video.
        count: Number of indices; if it exceeds `frames`, frames repeat.

    Returns:
        int64 (count,), ascending.

    Raises:
        ValueError: A number is below 1.

    Examples:
        >>> from vqa.video.sampling import uniform_indices
        >>> uniform_indices(frames=240, count=4).tolist()
        [30, 90, 150, 210]
    """
    if frames < 1 or count < 1:
        raise ValueError(f"frames={frames}, count={count}: expected at least 1")
    return (2 * np.arange(count, dtype=np.int64) + 1) * frames // (2 * count)


def clip_indices(
    frames: int,
    num_clips: int = 4,
    *,
    clip_length: int = 32,
    frame_interval: int = 2,
    rng: np.random.Generator | None = None,
) -> np.ndarray:
    """Sample clips of frames at a fixed interval, spread over the video, as in FAST-VQA.

    The video is divided into `num_clips` equal segments with one clip each. If a segment is longer
    than a clip (clip_length * frame_interval frames), the clip is at a random position or in the
    middle of the segment. Otherwise it starts with the segment and extends into the next. A clip
    that extends past the end of the video continues at its beginning.

    Source: Wu et al., FAST-VQA, ECCV 2022, and its code, which also draws at random in evaluation.

    Args:
        frames: Number of frames in the video.
        num_clips: Number of clips; as published, 1 in training and 4 in evaluation.
        clip_length: Frames per clip.
        frame_interval: Distance, in frames of the video, between frames of a clip.
        rng: Draws the start of each clip; None takes the middle.

    Returns:
        int64 (num_clips, clip_length), in [0, frames).

    Raises:
        ValueError: A number is below 1.

    Examples:
        >>> from vqa.video.sampling import clip_indices
        >>> clip_indices(frames=240, num_clips=2, clip_length=4, frame_interval=2).tolist()
        [[56, 58, 60, 62], [176, 178, 180, 182]]
    """
    if min(frames, num_clips, clip_length, frame_interval) < 1:
        raise ValueError(
            f"frames={frames}, num_clips={num_clips}, clip_length={clip_length}, "
            f"frame_interval={frame_interval}: expected at least 1"
        )
    segment = frames // num_clips
    spare = max(segment - clip_length * frame_interval, 0)
    starts = np.arange(num_clips, dtype=np.int64) * segment
    if rng is None:
        starts += spare // 2
    else:
        starts += rng.integers(0, max(spare, 1), size=num_clips)
    return (starts[:, None] + np.arange(clip_length) * frame_interval) % frames


def time_fragment_indices(
    frames: int,
    *,
    time_fragments: int = 8,
    clip_length: int = 32,
    frame_interval: int = 2,
    rng: np.random.Generator | None = None,
) -> np.ndarray:
    """Sample one clip of short pieces from the whole video, as in FasterVQA.

    Each of `time_fragments` equal segments of the video contributes clip_length / time_fragments
    frames, positioned as in `clip_indices`.

    Source: Wu et al., FasterVQA, TPAMI 2023.

    Args:
        frames: Number of frames in the video.
        time_fragments: Number of pieces; divides `clip_length`.
        clip_length: Frames of the clip.
        frame_interval: Distance, in frames of the video, between frames of a piece.
        rng: Draws the start of each piece; None takes the middle.

    Returns:
        int64 (1, clip_length), in [0, frames).

    Raises:
        ValueError: A number is below 1, or `time_fragments` does not divide `clip_length`.
    """
    if time_fragments < 1 or clip_length % time_fragments:
        raise ValueError(
            f"time_fragments={time_fragments}: expected a divisor of clip_length={clip_length}"
        )
    pieces = clip_indices(
        frames,
        time_fragments,
        clip_length=clip_length // time_fragments,
        frame_interval=frame_interval,
        rng=rng,
    )
    return pieces.reshape(1, clip_length)
