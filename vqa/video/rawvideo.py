"""Raw planar video without a header (`.yuv`), described by its label table or by options."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Self

import av
import numpy as np

from vqa.video.limits import too_large
from vqa.video.packets import VideoError, VideoInfo, in_words, rate_and_duration

RANGES = ("limited", "full")
PIXEL_FORMAT, FRAME_RATE_HZ = "yuv420p", 30.0  # unless they are given
FASTEST_HZ = 1000.0
NARROW = 0x0F  # every second byte of samples with 9 to 12 bits is at most this
LOOKED_AT = 8  # frames


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
        if not _has_whole_bytes(self.pixel_format):
            raise ValueError(
                f"raw video in pixel format {self.pixel_format!r}: expected one of FFmpeg's names "
                "for samples of whole bytes, such as yuv420p, yuv422p or yuv420p10le"
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
        frame_rate_hz: float | str | None = None,
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
            if any(given is not None for given in (pixel_format, color_range, frame_rate_hz)):
                raise ValueError("the format of raw video needs its size, such as 1920x1080")
            return None
        width, _, height = str(size).lower().partition("x")
        if not (width.isdecimal() and height.isdecimal()):
            raise ValueError(f"raw size {size!r}: expected WIDTHxHEIGHT, such as 1920x1080")
        try:
            rate_hz = None if frame_rate_hz is None else float(frame_rate_hz)
        except (TypeError, ValueError):
            raise ValueError(
                f"raw video at {frame_rate_hz!r} frames per second: expected a number, such as 25"
            ) from None
        return cls(int(width), int(height), pixel_format, color_range, rate_hz)

    def __str__(self) -> str:
        color_range = "full" if self.full_range else "limited"
        return (
            f"{self.width}x{self.height} {self.stored}, {color_range} range, "
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
        """The pixel format, given or assumed."""
        return self.pixel_format or PIXEL_FORMAT

    @property
    def coded_bytes(self) -> int:
        """Size of one stored frame in bytes."""
        return _coded_bytes(av.VideoFormat(self.stored, self.width, self.height))

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
            cut short. Or a frame is too large, or the file cannot be read.
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
    if raw.pixel_format is None and (other := _evident_format(path, frames, raw.coded_bytes)):
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
        coded_bytes=size,
    )


def raw_frames(path: Path, raw: RawFormat, wanted: Sequence[int]) -> Iterator[av.VideoFrame]:
    """Yield the frames with these indices as stored, in the order of `wanted`.

    Raises:
        VideoError: The file has become shorter since it was probed, or cannot be read.
    """
    context = av.CodecContext.create("rawvideo", "r")
    context.width, context.height, context.pix_fmt = raw.width, raw.height, raw.stored
    context.color_range = 2 if raw.full_range else 1  # FFmpeg's numbers
    for index, data in zip(wanted, _read(path, wanted, raw.coded_bytes), strict=True):
        if len(data) < raw.coded_bytes:
            raise VideoError(path, "ends early", index)
        try:
            yield from context.decode(av.Packet(data))
        except av.FFmpegError as error:
            raise VideoError(path, f"cannot be decoded: {error.strerror}", index) from error


def _coded_bytes(layout: av.VideoFormat) -> int:
    """Return the size of a frame in bytes if each sample has whole bytes of its own."""
    return sum(part.width * part.height * -(-part.bits // 8) for part in layout.components)


@cache
def _has_whole_bytes(pixel_format: str) -> bool:
    """Return whether FFmpeg knows a format, and its samples have whole bytes of their own."""
    if pixel_format not in av.video.format.names:
        return False
    layout = av.VideoFormat(pixel_format, 64, 64)
    bits = 64 * 64 * layout.padded_bits_per_pixel
    return bits > 0 and not layout.has_palette and 8 * _coded_bytes(layout) == bits


def _evident_format(path: Path, frames: int, frame_bytes: int) -> str | None:
    """Return the format of samples that evidently have 9 to 12 bits, in two bytes each.

    All high bytes are small and some low bytes are not. No frame of 8-bit 4:2:0 looks like that,
    because its chroma has both even and odd bytes around 128.

    Args:
        path: The file.
        frames: Number of frames that it has if samples have 8 bits.
        frame_bytes: Size of such a frame.
    """
    looked_at = sorted({i * (frames - 1) // (LOOKED_AT - 1) for i in range(LOOKED_AT)})
    even = odd = 0
    for index, data in zip(looked_at, _read(path, looked_at, frame_bytes), strict=True):
        samples = np.frombuffer(data, np.uint8)
        start = index * frame_bytes % 2
        even = max(even, samples[start::2].max(initial=0))
        odd = max(odd, samples[1 - start :: 2].max(initial=0))
    if odd <= NARROW < even:
        return "yuv420p10le"
    if even <= NARROW < odd:
        return "yuv420p10be"
    return None


def _read(path: Path, indices: Sequence[int], frame_bytes: int) -> Iterator[bytes]:
    """Yield the bytes of the frames with these indices; the last may be cut short.

    Raises:
        VideoError: The file cannot be read.
    """
    try:
        with path.open("rb") as file:
            for index in indices:
                file.seek(index * frame_bytes)
                yield file.read(frame_bytes)
    except OSError as error:
        raise VideoError(path, f"cannot be read: {in_words(error)}") from error
