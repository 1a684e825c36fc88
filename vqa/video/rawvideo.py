"""Raw planar video without a header (`.yuv`), described by its label table or by options."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import av
import numpy as np

from vqa.video.limits import too_large
from vqa.video.packets import VideoError, VideoInfo, rate_and_duration

RANGES = ("limited", "full")
PIXEL_FORMAT, RANGE, FRAME_RATE_HZ = "yuv420p", "limited", 30.0  # unless they are given
FASTEST_HZ = 1000.0
NARROW = 0x0F  # every second byte of samples with 9 to 12 bits is at most this


@dataclass(frozen=True)
class RawFormat:
    """Storage format of raw video. What is not given is assumed, and the assumption is noted.

    Attributes:
        width: Width in pixels.
        height: Height in pixels.
        pixel_format: FFmpeg's name of the pixel format; None: 8-bit 4:2:0, `yuv420p`. The old
            names with a j (`yuvj420p`) mean full range.
        color_range: `limited` or `full`; None: limited, as in most files.
        frame_rate_hz: Frames per second; None: 30.

    Raises:
        ValueError: A number is not positive, or pixel format and range are unknown or contradict
            each other.

    Examples:
        >>> from vqa.video import RawFormat
        >>> str(RawFormat(1920, 1080, pixel_format="yuv420p10le", color_range="full"))
        '1920x1080 yuv420p10le, full range, 30 frames per second'
    """

    width: int
    height: int
    pixel_format: str | None = None
    color_range: str | None = None
    frame_rate_hz: float | None = None

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise ValueError(
                f"raw video of {self.width}x{self.height} pixels: expected a size of at least 1x1"
            )
        if not 0 < self.rate_hz <= FASTEST_HZ:
            raise ValueError(
                f"raw video at {self.rate_hz:g} frames per second: expected a rate above 0 and up "
                f"to {FASTEST_HZ:g}"
            )
        if self.color_range not in (None, *RANGES):
            raise ValueError(
                f"raw video in range {self.color_range!r}: expected {' or '.join(RANGES)}"
            )
        if self.pixel_format is None:
            return
        if self.pixel_format not in av.video.format.names:
            raise ValueError(
                f"raw video in pixel format {self.pixel_format!r}: expected one of FFmpeg's names, "
                "such as yuv420p, yuv422p or yuv420p10le"
            )
        if self.pixel_format.startswith("yuvj") and self.color_range == "limited":
            raise ValueError(
                f"raw video in pixel format {self.pixel_format} has full range, found limited; "
                f"give pixel format {self.pixel_format.replace('yuvj', 'yuv')}"
            )

    @classmethod
    def parse(
        cls,
        size: str | None,
        pixel_format: str | None = None,
        color_range: str | None = None,
        frame_rate_hz: float | None = None,
    ) -> Self | None:
        """Make a format from options; without a size there is none.

        Args:
            size: `WIDTHxHEIGHT` in pixels.
            pixel_format: As for the class.
            color_range: As for the class.
            frame_rate_hz: As for the class.

        Raises:
            ValueError: The size has another form, other options are given without it, or as for
                the class.
        """
        if size is None:
            if pixel_format or color_range or frame_rate_hz:
                raise ValueError("the format of raw video needs its size, such as 1920x1080")
            return None
        width, _, height = str(size).lower().partition("x")
        if not (width.isdecimal() and height.isdecimal()):
            raise ValueError(f"raw size {size!r}: expected WIDTHxHEIGHT, such as 1920x1080")
        return cls(int(width), int(height), pixel_format, color_range, frame_rate_hz)

    def __str__(self) -> str:
        name = self.pixel_format or PIXEL_FORMAT
        full = self.full_range
        return (
            f"{self.width}x{self.height} {name}, {'full' if full else 'limited'} range, "
            f"{self.rate_hz:g} frames per second"
        )

    @property
    def rate_hz(self) -> float:
        """Frames per second, given or assumed."""
        return FRAME_RATE_HZ if self.frame_rate_hz is None else self.frame_rate_hz

    @property
    def full_range(self) -> bool:
        """Whether samples use all values; given, implied by the pixel format, or assumed not to."""
        return self.color_range == "full" or (self.pixel_format or "").startswith("yuvj")

    @property
    def stored(self) -> str:
        """The pixel format for FFmpeg, which has names of its own for some with full range."""
        name = self.pixel_format or PIXEL_FORMAT
        old_name = name.replace("yuv", "yuvj", 1)
        known = self.full_range and old_name in av.video.format.names
        return old_name if known else name

    @property
    def coded_bytes(self) -> int:
        """Size of one stored frame in bytes."""
        parts = av.VideoFormat(self.stored, self.width, self.height).components
        return sum(part.width * part.height * -(-part.bits // 8) for part in parts)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was assumed, as a sentence for the reader of a score."""
        assumed = [
            words
            for given, words in (
                (self.pixel_format, "8-bit 4:2:0"),
                (self.color_range or self.full_range, "limited range"),
                (self.frame_rate_hz, f"{FRAME_RATE_HZ:g} frames per second"),
            )
            if not given
        ]
        return (f"raw video: {', '.join(assumed)} assumed",) if assumed else ()


def raw_info(path: Path, raw: RawFormat) -> VideoInfo:
    """Return the properties of a raw file, which follow from its size.

    Raises:
        VideoError: The size is not a whole number of frames: the format is wrong, or the file is
            cut short.
    """
    if excess := too_large(raw.width, raw.height):
        raise VideoError(path, excess)
    size = path.stat().st_size
    frames, rest = divmod(size, raw.coded_bytes)
    if rest or not frames:
        raise VideoError(
            path,
            f"{size} bytes are not whole frames of {raw.coded_bytes} bytes ({raw}): the given size "
            "or format is wrong, or the file is cut short",
            frames,
        )
    if raw.pixel_format is None and (other := _evident_format(path, raw.coded_bytes)):
        raise VideoError(
            path,
            "its samples look wider than 8 bits, which were assumed: every second byte is at most "
            f"{NARROW}; give the pixel format, for example {other}, or yuv420p if this is wrong",
        )
    times_s = np.arange(frames) / raw.rate_hz
    rate_hz, duration_s = rate_and_duration(times_s, raw.rate_hz)
    return VideoInfo(
        path=path,
        container="rawvideo",
        codec="rawvideo",
        pixel_format=raw.stored,
        width=raw.width,
        height=raw.height,
        frames=frames,
        frame_rate_hz=rate_hz,
        duration_s=duration_s,
        rotation_deg=0,
        edit_list=False,
        keyframes=tuple(range(frames)),
        times_s=times_s,
        notes=raw.notes,
    )


def raw_frames(path: Path, raw: RawFormat, wanted: Iterable[int]) -> Iterator[av.VideoFrame]:
    """Yield the frames with these indices as stored, in the order of `wanted`.

    Raises:
        VideoError: The file has become shorter since it was probed.
    """
    context = av.CodecContext.create("rawvideo", "r")
    context.width, context.height, context.pix_fmt = raw.width, raw.height, raw.stored
    context.color_range = 2 if raw.full_range else 1  # FFmpeg's numbers
    with path.open("rb") as file:
        for index in wanted:
            file.seek(index * raw.coded_bytes)
            data = file.read(raw.coded_bytes)
            if len(data) < raw.coded_bytes:
                raise VideoError(path, "ends early", index)
            yield from context.decode(av.Packet(data))


def _evident_format(path: Path, frame_bytes: int) -> str | None:
    """Return the format of samples that evidently have 9 to 12 bits, in two bytes each.

    The high bytes are small and the low bytes are not, which no 8-bit picture shows: its
    neighbouring samples are alike.
    """
    with path.open("rb") as file:
        samples = np.frombuffer(file.read(frame_bytes), np.uint8)
    even, odd = samples[0::2], samples[1::2]
    if len(odd) and odd.max() <= NARROW < even.max():
        return "yuv420p10le"
    if len(odd) and even.max() <= NARROW < odd.max():
        return "yuv420p10be"
    return None
