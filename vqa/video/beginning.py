"""The beginning of a video, described as if the file ended there."""

from dataclasses import replace

import numpy as np

from vqa.video.packets import VideoInfo
from vqa.video.sampling import TICK_TOLERANCE_S


def beginning(info: VideoInfo, seconds: float | None) -> VideoInfo:
    """Return what `info` says of the frames that are shown in the first seconds, at least one.

    Frames keep their indices, so those of the result can be read with `info`; bytes are shared out
    evenly. A note says how much is left out. Without a limit, or if the video is no longer, the
    result is `info` itself.

    Args:
        info: The whole video.
        seconds: The limit; None is no limit.
    """
    if seconds is None:
        return info
    count = max(1, int(np.searchsorted(info.times_s, seconds - TICK_TOLERANCE_S)))
    if count >= info.frames:
        return info
    return replace(
        info,
        frames=count,
        times_s=info.times_s[:count],
        duration_s=float(info.times_s[count]),
        keyframes=tuple(index for index in info.keyframes if index < count),
        good=None if info.good is None else info.good[:count],
        coded_bytes=info.coded_bytes * count // info.frames,
        notes=(*info.notes, f"only the first {seconds:g} of {info.duration_s:.3g} s"),
    )
