"""Small pictures of videos as data addresses; a file that cannot be read costs only its pictures."""

import base64
import io
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from vqa.databases.unrated import as_records
from vqa.video import RawFormat, VideoError, VideoInfo, probe, read_frames

log = logging.getLogger(__name__)

THUMBNAIL = (160, 90)  # largest width and height in pixels: twice the size on the page
MOMENT = (360, 240)
QUALITY = 68


def stills(path: str, times_s: Sequence[float] = (), raw: RawFormat | None = None) -> list[str]:
    """Return a thumbnail of a video and the frames at some times, in that order.

    Args:
        path: The video file.
        times_s: Times in seconds.
        raw: Format of headerless `.yuv` files.

    Returns:
        Data addresses, the thumbnail first; empty if the file is gone or damaged.
    """
    (video,) = as_records([Path(path)], raw)
    try:
        info = probe(video.path, raw=video.raw_format)
        wanted = [thumbnail_index(info), *(nearest(info, time_s) for time_s in times_s)]
        frames = read_frames(video.path, wanted, raw=video.raw_format, info=info)
    except (VideoError, OSError, ValueError, RuntimeError, MemoryError) as error:
        log.info("no pictures of %s: %s", path, error)
        return []
    sizes = [THUMBNAIL] + [MOMENT] * len(times_s)
    return [_address(frame, size) for frame, size in zip(frames, sizes, strict=True)]


def thumbnail_index(info: VideoInfo) -> int:
    """Return the index of a frame in the middle: a keyframe, which is quick to read, if one is near.

    The beginning of a video is often black, so frame 0 is the last choice.
    """
    middle = info.frames // 2
    near = [index for index in info.keyframes if abs(index - middle) <= info.frames // 4]
    return min(near, key=lambda index: abs(index - middle), default=middle)


def nearest(info: VideoInfo, time_s: float) -> int:
    """Return the index of the frame that begins nearest to a time in seconds."""
    return int(np.abs(info.times_s - time_s).argmin())


def _address(frame: np.ndarray, largest: tuple[int, int]) -> str:
    """Return a frame (H, W, 3) as a data address, at most as large as `largest`."""
    picture = Image.fromarray(frame)
    picture.thumbnail(largest, Image.Resampling.LANCZOS, reducing_gap=2.0)
    data = io.BytesIO()
    picture.save(data, "WEBP", quality=QUALITY)
    return "data:image/webp;base64," + base64.b64encode(data.getvalue()).decode()
