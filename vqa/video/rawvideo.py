"""Raw planar video without a header (`.yuv`), described by its label table."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from vqa.video.packets import VideoError, VideoInfo, rate_and_duration


@dataclass(frozen=True)
class RawFormat:
    """Storage format of raw video; the default is LIVE-Qualcomm's full-range 4:2:0.

    Attributes:
        width: Width in pixels.
        height: Height in pixels.
        pixel_format: FFmpeg's name of the pixel format.
        frame_rate_hz: Frames per second.

    Raises:
        ValueError: A number is not positive, or the pixel format is unknown.
    """

    width: int
    height: int
    pixel_format: str = "yuvj420p"
    frame_rate_hz: float = 30.0

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1 or not self.frame_rate_hz > 0:
            raise ValueError(f"{self}: width, height and frame rate must be positive")
        av.VideoFormat(self.pixel_format)  # raises ValueError for an unknown format

    @property
    def coded_bytes(self) -> int:
        """Size of one stored frame in bytes."""
        parts = av.VideoFormat(self.pixel_format, self.width, self.height).components
        return sum(part.width * part.height * -(-part.bits // 8) for part in parts)


def raw_info(path: Path, raw: RawFormat) -> VideoInfo:
    """Return the properties of a raw file, which follow from its size.

    Raises:
        VideoError: The size is not a whole number of frames: the format is wrong, or the file is
            cut short.
    """
    size = path.stat().st_size
    frames, rest = divmod(size, raw.coded_bytes)
    if rest or not frames:
        raise VideoError(
            path,
            f"{size} bytes are not whole frames of {raw.coded_bytes} bytes ({raw.width}x"
            f"{raw.height} {raw.pixel_format}): the size in the label table is wrong, or the file "
            "is cut short",
            frames,
        )
    times_s = np.arange(frames) / raw.frame_rate_hz
    rate_hz, duration_s = rate_and_duration(times_s, raw.frame_rate_hz)
    return VideoInfo(
        path=path,
        container="rawvideo",
        codec="rawvideo",
        pixel_format=raw.pixel_format,
        width=raw.width,
        height=raw.height,
        frames=frames,
        frame_rate_hz=rate_hz,
        duration_s=duration_s,
        rotation_deg=0,
        edit_list=False,
        keyframes=tuple(range(frames)),
        times_s=times_s,
    )


def raw_frames(path: Path, raw: RawFormat, wanted: Iterable[int]) -> Iterator[av.VideoFrame]:
    """Yield the frames with these indices as stored, in the order of `wanted`.

    Raises:
        VideoError: The file has become shorter since it was probed.
    """
    context = av.CodecContext.create("rawvideo", "r")
    context.width, context.height, context.pix_fmt = raw.width, raw.height, raw.pixel_format
    with path.open("rb") as file:
        for index in wanted:
            file.seek(index * raw.coded_bytes)
            data = file.read(raw.coded_bytes)
            if len(data) < raw.coded_bytes:
                raise VideoError(path, "ends early", index)
            yield from context.decode(av.Packet(data))
