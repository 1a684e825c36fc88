"""What all readers of a video file share: its properties, its errors, its coded frames."""

import contextlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import numpy as np

from vqa.video.damage.messages import damage_while_decoding, hearing
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
        return f"{self.path}: {self.cause} (after {self.frames} frames)"


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


@contextmanager
def opened(path: Path) -> Iterator[tuple[av.container.InputContainer, av.VideoStream]]:
    """Open a file and its main video stream, to be decoded in one thread.

    Frame threads delay errors and hide the number of frames before them, and extraction needs the
    other cores for its network.

    Raises:
        VideoError: The file cannot be opened or has no video.
    """
    try:
        container = av.open(f"file:{path}")
    except av.FFmpegError as error:
        raise VideoError(path, f"cannot be opened: {error.strerror}") from error
    with container:
        stream = main_stream(container)
        if stream is None:
            is_unknown = any(other.codec_context is None for other in container.streams.video)
            raise VideoError(path, "has no video stream" + " that FFmpeg decodes" * is_unknown)
        stream.thread_type = "NONE"
        stream.codec_context.thread_count = 1
        # Compare checksums in the coded video, if it has any (PNG, hashes of pictures in HEVC).
        stream.codec_context.options = {"err_detect": "crccheck"}
        yield container, stream


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
