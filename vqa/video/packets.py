"""What all readers of a video file share: its properties, its errors, its coded frames."""

import contextlib
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import numpy as np

from vqa.files import shown
from vqa.video.damage.messages import damage_while_decoding, hearing
from vqa.video.demuxers import options, playlist
from vqa.video.limits import padded_pixels, refused_size, too_large
from vqa.video.streams import main_stream

# Codecs whose frames depend on others, and whose keyframes FFmpeg marks reliably.
INTER_CODECS = frozenset(
    ("h264", "hevc", "vvc", "av1", "vp8", "vp9", "mpeg1video", "mpeg2video", "mpeg4", "vc1")
)


class VideoError(RuntimeError):
    """A video that cannot be read completely.

    Attributes:
        path: The file.
        cause: Description of the error.
        frames: Number of frames before the error.
    """

    def __init__(self, path: str | Path, cause: str, frames: int = 0) -> None:
        super().__init__(str(path), cause, frames)
        self.path, self.cause, self.frames = Path(path), cause, frames

    def __str__(self) -> str:
        return f"{shown(self.path)}: {self.cause} (after {self.frames} frames)"


@dataclass(frozen=True, eq=False)
class VideoInfo:
    """Properties of a video file, from `vqa.video.probe`.

    Attributes:
        path: The file.
        container: FFmpeg's name of the container, for example `mov,mp4,m4a,3gp,3g2,mj2`.
        codec: FFmpeg's name of the codec, for example `h264`.
        pixel_format: Stored format, for example `yuv420p`.
        width: Displayed width in pixels, after rotation.
        height: Displayed height in pixels, after rotation.
        frames: Number of shown frames.
        frame_rate_hz: The nominal rate if the timestamps agree with it, else their mean rate.
        duration_s: From the first frame to the end of the last, which lasts one median interval.
        rotation_deg: Clockwise rotation from stored to displayed frames: 0, 90, 180 or 270.
        edit_list: Whether an edit list hides coded frames.
        keyframes: Indices of the keyframes among the shown frames.
        times_s: (frames,) float64, presentation times, ascending from 0.
        start_s: Timestamp of frame 0 in the file.
        interlaced: Whether the first frame is interlaced.
        notes: Facts that every reader of a score must know, for example which of several video
            streams was read.
        good: (frames,) int64, which of the decoded frames are meant if the file is damaged; None
            for all frames of an intact file.
        coded_bytes: Size of the coded frames of the video stream; 0 if it is unknown.
    """

    path: Path
    container: str
    codec: str
    pixel_format: str
    width: int
    height: int
    frames: int
    frame_rate_hz: float
    duration_s: float
    rotation_deg: int
    edit_list: bool
    keyframes: tuple[int, ...]
    times_s: np.ndarray = field(repr=False)
    start_s: float = 0.0
    interlaced: bool = False
    notes: tuple[str, ...] = ()
    good: np.ndarray | None = field(default=None, repr=False)
    coded_bytes: int = 0


def check_regular(path: Path) -> None:
    """Refuse what is not a regular file with content; opening a named pipe would wait for ever.

    Raises:
        VideoError: The file does not exist, is empty, cannot be reached, or is not a regular file.
    """
    try:
        found = path.stat()
    except FileNotFoundError as error:
        raise VideoError(path, "no such file") from error
    except (OSError, ValueError) as error:  # a folder without permission, a name with a NUL
        raise VideoError(path, f"cannot be opened: {in_words(error)}") from error
    if not stat.S_ISREG(found.st_mode):
        raise VideoError(path, "is not a regular file")
    if found.st_size == 0:
        raise VideoError(path, "the file is empty")


def in_words(error: Exception) -> str:
    """Describe an error without the path that errors of the system repeat."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


@contextmanager
def opened(path: Path) -> Iterator[tuple[av.container.InputContainer, av.VideoStream]]:
    """Open a file and its main video stream, to be decoded in one thread.

    Frame threads delay errors and hide the number of frames before them, and extraction needs the
    other cores for its network.

    Raises:
        VideoError: The file cannot be opened, names other files, has no video, or has larger frames
            than `vqa.video.limits` allows.
    """
    largest = {"max_pixels": str(padded_pixels())}  # for decoders, also for frames that grow later
    errors, _ = av.logging.get_last_error()
    try:
        # Texts inside the file are of any encoding; nobody reads them.
        container = av.open(
            f"file:{path}", options=options(path) | largest, metadata_errors="replace"
        )
    except av.FFmpegError as error:
        cause = playlist(path) or _headerless(path) or f"cannot be opened: {error.strerror}"
        raise VideoError(path, cause) from error
    with container:
        stream = main_stream(container)
        if stream is None:
            is_unknown = any(other.codec_context is None for other in container.streams.video)
            raise VideoError(path, "has no video stream" + " that FFmpeg decodes" * is_unknown)
        context = stream.codec_context
        if excess := too_large(context.width, context.height) or _refused(context, errors):
            raise VideoError(path, excess)
        stream.thread_type = "NONE"
        context.thread_count = 1
        # Compare checksums in the coded video, if it has any (PNG, hashes of pictures in HEVC).
        context.options = {"err_detect": "crccheck"} | largest
        yield container, stream


def _headerless(path: Path) -> str | None:
    """Return the error for raw video of unknown size, None for other files."""
    if path.suffix.lower() != ".yuv":
        return None
    return "is raw video without a size: expected its width and height, such as 1920x1080"


def _refused(context: av.VideoCodecContext, errors: int) -> str | None:
    """Return the error for a size that is above the limit, and so unknown to FFmpeg, or None.

    Args:
        context: The decoder.
        errors: Number of errors that FFmpeg had logged before the file was opened.
    """
    count, last = av.logging.get_last_error()
    return refused_size(last[2]) if count > errors and not context.width else None


def coded_frames(
    container: av.container.InputContainer, stream: av.VideoStream
) -> Iterator[av.Packet]:
    """Yield the packets of a stream from the current position, from the first keyframe on.

    What comes before the first keyframe depends on frames that the file does not have. Empty
    packets (dropped frames in AVI) are left out.
    """
    begun = stream.codec.canonical_name not in INTER_CODECS
    for packet in container.demux(stream):
        begun = begun or packet.is_keyframe
        if begun and packet.size:
            yield packet


def decoded_once(
    stream: av.VideoStream, packet: av.Packet | None
) -> tuple[list[av.VideoFrame], str | None]:
    """Decode one packet, or with None what the decoder still holds.

    Returns:
        The frames that it gives, and the sign of damage that it shows, or None.
    """
    with hearing() as log:
        try:
            frames, failure = stream.decode(packet), None
        except av.FFmpegError as error:
            frames, failure = [], f"cannot be decoded: {error.strerror}"
    sign = damage_while_decoding(log)
    return frames, failure or (f"a frame is damaged: {sign}" if sign else None)


def is_before(given: Any, start: int | None) -> bool:
    """Return whether a packet or a frame (its `pts`) is presented before a time in ticks."""
    return start is not None and given is not None and given.pts is not None and given.pts < start


def until_failure(packets: Iterable[av.Packet]) -> Iterator[av.Packet | None]:
    """Yield packets as long as the demuxer can read the file, then None for what remains."""
    with contextlib.suppress(av.FFmpegError):
        yield from packets
    yield None


def rate_and_duration(times_s: np.ndarray, nominal_hz: float) -> tuple[float, float]:
    """Return frame rate in Hz and duration in seconds from presentation times (frames,).

    The rate is the container's nominal rate if the timestamps agree with it to 1 %, because they
    are rounded (to milliseconds in Matroska), and otherwise their mean rate.
    """
    if len(times_s) < 2 or times_s[-1] == times_s[0]:
        return nominal_hz, len(times_s) / nominal_hz
    mean_hz = (len(times_s) - 1) / float(times_s[-1] - times_s[0])
    rate_hz = nominal_hz if abs(mean_hz / nominal_hz - 1) < 0.01 else mean_hz
    return rate_hz, float(times_s[-1] + np.median(np.diff(times_s)))
