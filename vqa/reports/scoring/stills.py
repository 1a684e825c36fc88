"""Small pictures of videos as data addresses; an unreadable file costs only its pictures."""

import base64
import io
import logging
from collections.abc import Callable, Sequence
from contextlib import closing

import numpy as np
from PIL import Image

from vqa.databases.file_records import as_records
from vqa.remote.addresses import protocol_of
from vqa.remote.fetching import LocalFiles
from vqa.remote.scratch import release
from vqa.video import RawFormat, VideoError, VideoInfo, probe, read_frames

log = logging.getLogger(__name__)

THUMBNAIL = (160, 90)  # largest width and height in pixels: twice the size on the page
MOMENT = (360, 240)
QUALITY = 68


def stills(
    path: str,
    choose: Callable[[VideoInfo], Sequence[int]],
    largest: Sequence[tuple[int, int]],
    raw: RawFormat | None = None,
) -> list[str]:
    """Return frames of a video as data addresses; none if the file is gone or damaged.

    Args:
        path: The video file, which may be in a tar; those elsewhere have no pictures.
        choose: From the properties of the video to the indices of n frames.
        largest: Largest width and height of each of the n pictures.
        raw: Format of headerless `.yuv` files.
    """
    frames = frames_of(path, choose, raw)
    return [_address(frame, size) for frame, size in zip(frames, largest, strict=bool(frames))]


def frames_of(
    path: str, choose: Callable[[VideoInfo], Sequence[int]], raw: RawFormat | None = None
) -> list[np.ndarray]:
    """Return some frames of a video, uint8 (H, W, 3); none if the file is gone or damaged.

    Args:
        path: As for `stills`.
        choose: As for `stills`.
        raw: As for `stills`.
    """
    if protocol_of(path):  # hundreds of copies for small pictures
        return []
    files = LocalFiles([path])
    with closing(files):
        (video,) = as_records(files, raw)
    try:
        if video.fault:
            raise OSError(video.fault)
        info = probe(video.path, raw=video.raw_format)
        return list(read_frames(video.path, choose(info), raw=video.raw_format, info=info))
    except (VideoError, OSError, ValueError, RuntimeError, MemoryError) as error:
        log.info("no pictures of %s: %s", path, error)
        return []
    finally:
        release(video.path)


def middle_index(info: VideoInfo) -> int:
    """Return the index of the frame in the middle: the same moment in every version of a video."""
    return info.frames // 2


def thumbnail_index(info: VideoInfo) -> int:
    """Return the index of a frame in the middle: a keyframe if one is near, which is quick to read.

    The beginning of a video is often black, so frame 0 is the last choice.
    """
    middle = middle_index(info)
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
