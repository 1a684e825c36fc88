"""The number of frames that must be decoded to read some of them."""

import numpy as np

from vqa.video.packets import VideoInfo
from vqa.video.readers import can_leap


def frames_to_decode(info: VideoInfo, indices: np.ndarray, leaping: bool = False) -> int:
    """Return how many frames are decoded to read those of the indices.

    In sequence these are all frames up to the last wanted one. With leaps they are, for each
    keyframe, the frames from it to the last wanted frame before the next keyframe.

    Args:
        info: Properties of the video.
        indices: int64 (n,) ascending.
        leaping: See `vqa.video.stream_frames`.
    """
    wanted = np.unique(indices)
    if not len(wanted):
        return 0
    if info.container == "rawvideo":
        return len(wanted)
    if not leaping or not can_leap(info):
        return int(wanted[-1]) + 1
    keyframes = np.union1d(0, info.keyframes)
    before = np.searchsorted(keyframes, wanted, side="right") - 1
    lasts = np.append(before[1:] != before[:-1], True)
    return int((wanted[lasts] - keyframes[before[lasts]] + 1).sum())
