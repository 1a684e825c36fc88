"""Properties of a video file from its packets, with the true number and times of its frames.

Headers are unreliable: `stream.frames` is 0 in Matroska and transport streams, and includes hidden
frames if there is an edit list. So `scan` counts the shown packets and decodes only one frame. If
the container shows that a file is cut short or damaged, `scan` refuses it before any decoding.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np

from vqa.video.damage import boxes_end, demuxer_errors
from vqa.video.orientation import orientation

TRANSPORT_PACKET_BYTES = (188, 192, 204)
DEFAULT_RATE_HZ = 25.0


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
        stream = container.streams.best("video")
        if stream is None or stream.disposition & av.stream.Disposition.attached_pic:
            raise VideoError(path, "has no video stream")
        stream.thread_type = "NONE"
        stream.codec_context.thread_count = 1
        yield container, stream


def scan(path: Path) -> VideoInfo:
    """Read all packets of a file with a header; see `vqa.video.probe`.

    Raises:
        VideoError: The file has no video, or is cut short or damaged.
    """
    with demuxer_errors() as messages, opened(path) as (container, stream):
        packets, first = _read_packets(path, container, stream)
        container_name, codec = container.format.name, stream.codec.canonical_name
        nominal_hz = float(stream.average_rate or stream.guessed_rate or DEFAULT_RATE_HZ)
        time_base, stated = float(stream.time_base), stream.frames
    damage = _damage(path, container_name, packets, stated, messages)
    if damage is not None:
        raise VideoError(path, *damage)
    try:
        rotation_deg, _ = orientation(first)
    except ValueError as error:
        raise VideoError(path, str(error)) from error

    shown = [packet for packet in packets if packet.visible]
    clocks = ("dts",) if container_name == "avi" else ("pts", "dts")  # the pts of AVI are invented
    stamps_s = _timestamps_s(shown, clocks, time_base, nominal_hz)
    order = np.sort(stamps_s)
    times_s = order - order[0]
    key_stamps = stamps_s[[packet.key for packet in shown]]
    rate_hz, duration_s = rate_and_duration(times_s, nominal_hz)
    width, height = first.width, first.height
    if rotation_deg in (90, 270):
        width, height = height, width
    return VideoInfo(
        path=path,
        container=container_name,
        codec=codec,
        pixel_format=first.format.name,
        width=width,
        height=height,
        frames=len(shown),
        frame_rate_hz=rate_hz,
        duration_s=duration_s,
        rotation_deg=rotation_deg,
        edit_list=any(packet.hidden for packet in packets),
        keyframes=tuple(np.searchsorted(order, np.unique(key_stamps)).tolist()),
        times_s=times_s,
        start_s=float(order[0]),
        interlaced=bool(first.interlaced_frame),
    )


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


@dataclass(frozen=True, slots=True)
class _Packet:
    """Properties of one coded frame; times are in ticks of the stream's time base."""

    pts: int | None
    dts: int | None
    key: bool
    hidden: bool
    shown: bool
    corrupt: bool

    @property
    def visible(self) -> bool:
        return self.shown and not self.hidden


def _read_packets(
    path: Path, container: av.container.InputContainer, stream: av.VideoStream
) -> tuple[list[_Packet], av.VideoFrame]:
    """Read all packets in file order, and decode the first frame."""
    is_vp8 = stream.codec.canonical_name == "vp8"
    packets: list[_Packet] = []
    frames: list[av.VideoFrame] = []
    try:
        for packet in container.demux(stream):
            if packet.size == 0:
                continue
            shown = not is_vp8 or bool(bytes(packet)[0] & 0x10)  # VP8 has hidden reference frames
            packets.append(
                _Packet(
                    packet.pts,
                    packet.dts,
                    packet.is_keyframe,
                    packet.is_discard,
                    shown,
                    packet.is_corrupt,
                )
            )
            if not frames:
                frames = stream.decode(packet)
        frames = frames or stream.decode(None)
    except av.FFmpegError as error:
        raise VideoError(path, f"cannot be decoded: {error.strerror}") from error
    if not frames or not any(packet.visible for packet in packets):
        raise VideoError(path, f"its {len(packets)} packets yield no frame")
    return packets, frames[0]


def _timestamps_s(
    shown: list[_Packet], clocks: Sequence[str], time_base: float, nominal_hz: float
) -> np.ndarray:
    """Return times of packets by the first clock that all have, else by number and rate."""
    for clock in clocks:
        ticks = [getattr(packet, clock) for packet in shown]
        if None not in ticks:
            return np.array(ticks, dtype=np.float64) * time_base
    return np.arange(len(shown)) / nominal_hz


def _damage(
    path: Path, container: str, packets: list[_Packet], stated: int, messages: list[str]
) -> tuple[str, int] | None:
    """Return the damage that the container shows and the number of frames before it, or None."""
    size = path.stat().st_size
    kinds = container.split(",")
    if "mp4" in kinds and (promised := boxes_end(path, size)) > size:
        whole = sum(packet.visible and not packet.corrupt for packet in packets)
        return f"cut short: {size} of {promised} bytes are present", whole
    for number, packet in enumerate(packets):
        if packet.corrupt:
            return f"coded frame {number} is damaged or cut short", number
    if "avi" in kinds and stated > 1 + max((packet.dts or 0) for packet in packets):
        return f"cut short: the header states {stated} frames", len(packets)
    if "mpegts" in kinds and all(size % unit for unit in TRANSPORT_PACKET_BYTES):
        return f"cut short: {size} bytes are not whole transport packets", len(packets)
    if messages:
        return f"damaged or cut short: {messages[0]}", len(packets)
    return None
