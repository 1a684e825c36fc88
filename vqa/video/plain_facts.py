"""Facts that need no model: how long a picture stands still, and how bright it is.

All frames are decoded once more, in bounded memory; only their luma is looked at.
"""

from dataclasses import dataclass

import numpy as np

from vqa.video import RawFormat, VideoInfo, stream_frames
from vqa.video.beginning import beginning

SAME = 0.05  # grey levels of 255: mean difference of two frames that show the same picture
USUAL = 0.4  # brightness; all changes of a darker picture are smaller, so less counts as none
STANDING_S = 0.12  # shorter repeats come from a conversion of the frame rate
BLACK, WHITE = 16.0, 235.0  # luma of video


@dataclass(frozen=True, slots=True)
class PlainFacts:
    """What is certain of a video.

    Attributes:
        standing: Share of the time that the picture stands still for longer than 0.12 s.
        brightness: Mean luma, from 0 (black) to 1 (white).
    """

    standing: float
    brightness: float


def plain_facts(
    info: VideoInfo, raw: RawFormat | None = None, max_seconds: float | None = None
) -> PlainFacts:
    """Look at the frames of a video.

    Args:
        info: The result of `probe`.
        raw: Format of a raw file.
        max_seconds: Look only at the beginning; None looks at all frames.

    Raises:
        VideoError: The file cannot be read completely.
    """
    pixels = info.height * info.width
    same: list[bool] = []
    levels: list[float] = []  # brightness of each frame
    before: np.ndarray | None = None
    shown = np.arange(beginning(info, max_seconds).frames)
    for chunk in stream_frames(info.path, shown, raw=raw, info=info, pixels="yuv420p"):
        for luma in chunk[:, :pixels].astype(np.int16):
            levels.append(min(max((float(luma.mean()) - BLACK) / (WHITE - BLACK), 0.0), 1.0))
            if before is not None:
                most = SAME * min(1.0, levels[-1] / USUAL)
                same.append(float(np.abs(luma - before).mean()) <= most)
            before = luma
    return PlainFacts(standing_share(same, info.frame_rate_hz), float(np.mean(levels)))


def standing_share(same: list[bool], frame_rate_hz: float) -> float:
    """Return the share of frame changes that lie in a long run of equal frames.

    Args:
        same: Of each frame but the first, whether it shows the picture of the frame before it.
        frame_rate_hz: Frames per second.

    Examples:
        >>> from vqa.video.plain_facts import standing_share
        >>> standing_share([False, True, True, True, True, False, True, False], 30)
        0.5
    """
    held = run = 0
    for one in [*same, False]:
        if one:
            run += 1
            continue
        held += run if run > STANDING_S * frame_rate_hz else 0
        run = 0
    return held / max(1, len(same))
