"""Properties of a video file from its packets, with the true number and times of its frames.

Headers are unreliable: `stream.frames` is 0 in Matroska and transport streams, and includes hidden
frames if there is an edit list. So `scan` counts the shown packets and decodes only the beginning.
If the container shows that a file is cut short or damaged, `scan` refuses it before any decoding.
"""

from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np

from vqa.video.coded import CodedFrame, Reading, coded_frame
from vqa.video.damage.messages import damage_while_demuxing, hearing
from vqa.video.orientation import orientation
from vqa.video.packets import (
    INTER_CODECS,
    VideoError,
    VideoInfo,
    coded_frames,
    decoded_once,
    is_before,
    opened,
    rate_and_duration,
    until_failure,
)
from vqa.video.refusals import damage_in
from vqa.video.streams import note_on_choice

DEFAULT_RATE_HZ = 25.0


def scan(path: Path) -> VideoInfo:
    """Read all packets of a file with a header; see `vqa.video.probe`.

    Raises:
        VideoError: The file has no video, or is cut short or damaged.
    """
    with hearing() as log, opened(path) as (container, stream):
        reading = _read(path, container, stream)
    damage = damage_in(reading, damage_while_demuxing(log))
    if damage is not None:
        raise VideoError(path, *damage)
    return described(reading, [packet for packet in reading.packets if packet.visible])


def described(reading: Reading, shown: list[CodedFrame]) -> VideoInfo:
    """Return the properties of a file of which these coded frames are shown.

    Raises:
        VideoError: The orientation is not upright.
    """
    path, first = reading.path, reading.first
    try:
        rotation_deg, _ = orientation(first)
    except ValueError as error:
        raise VideoError(path, str(error)) from error
    # The pts of AVI are invented.
    clocks = ("dts",) if reading.container == "avi" else ("pts", "dts")
    stamps_s = _timestamps_s(shown, clocks, reading.time_base, reading.nominal_hz)
    order = np.sort(stamps_s)
    times_s = order - order[0]
    key_stamps = stamps_s[[packet.key for packet in shown]]
    rate_hz, duration_s = rate_and_duration(times_s, reading.nominal_hz)
    width, height = first.width, first.height
    if rotation_deg in (90, 270):
        width, height = height, width
    return VideoInfo(
        path=path,
        container=reading.container,
        codec=reading.codec,
        pixel_format=first.format.name,
        width=width,
        height=height,
        frames=len(shown),
        frame_rate_hz=rate_hz,
        duration_s=duration_s,
        rotation_deg=rotation_deg,
        edit_list=any(packet.hidden for packet in reading.packets),
        keyframes=tuple(np.searchsorted(order, np.unique(key_stamps)).tolist()),
        times_s=times_s,
        start_s=float(order[0]),
        interlaced=bool(first.interlaced_frame),
        notes=reading.notes,
        coded_bytes=sum(packet.size for packet in reading.packets if not packet.hidden),
    )


def _read(path: Path, container: av.container.InputContainer, stream: av.VideoStream) -> Reading:
    """Read all packets in file order, and decode up to the first keyframe."""
    codec = stream.codec.canonical_name
    before, packets, frames = 0, [], []
    stream.codec_context.copy_opaque = True
    has_pts = container.format.name != "avi"
    try:
        for packet in container.demux(stream):
            if packet.size == 0:
                continue
            if codec in INTER_CODECS and not packets and not packet.is_keyframe:
                before += 1
                continue
            packets.append(coded_frame(packet, len(packets), codec))
            start = packets[0].pts if has_pts else None
            if not frames or is_before(frames[-1], start):
                frames += decoded_once(stream, packet)[0]
        if not frames:
            frames += stream.decode(None)
    except av.FFmpegError as error:
        raise VideoError(path, f"cannot be decoded: {error.strerror}") from error
    if not frames or not any(packet.visible for packet in packets):
        raise VideoError(path, f"its {before + len(packets)} packets yield no frame")
    if codec in INTER_CODECS and has_pts:
        _hide_undecodable(path, packets, {frame.opaque.number for frame in frames})
    unshown = sum(not packet.shown for packet in packets) if codec != "vp8" else 0
    return Reading(
        path=path,
        container=container.format.name,
        codec=codec,
        packets=packets,
        first=frames[0],
        nominal_hz=nominal_hz(stream),
        time_base=float(stream.time_base),
        stated=stream.frames,
        stream_id=stream.id,
        notes=note_on_choice(container, stream) + _note_on_start(before + unshown),
    )


def nominal_hz(stream: av.VideoStream) -> float:
    """Return the frame rate that a file states, or FFmpeg's guess, in Hz."""
    return float(stream.average_rate or stream.guessed_rate or DEFAULT_RATE_HZ)


def _hide_undecodable(path: Path, packets: list[CodedFrame], decoded: set[int]) -> None:
    """Mark the packets after the first keyframe that the decoder cannot show.

    They are presented before that keyframe, and refer to frames that the file does not have.

    Args:
        path: The file.
        packets: Its packets from the first keyframe on.
        decoded: Numbers of the packets that the decoder outputs up to the first keyframe.
    """
    if any(packet.pts is None for packet in packets):
        decoded = _decoded_numbers(path)
        undecodable = [n for n in range(len(packets)) if n not in decoded]
    else:
        start = packets[0].pts
        undecodable = [
            n for n, packet in enumerate(packets) if packet.pts < start and n not in decoded
        ]
    for number in undecodable:
        packets[number].shown = False


def _decoded_numbers(path: Path) -> set[int]:
    """Decode a whole file; return the numbers of the packets that become frames."""
    numbers: set[int] = set()
    with opened(path) as (container, stream):
        codec = stream.codec.canonical_name
        stream.codec_context.copy_opaque = True
        for number, packet in enumerate(until_failure(coded_frames(container, stream))):
            if packet is not None:
                coded_frame(packet, number, codec)
            numbers.update(frame.opaque.number for frame in decoded_once(stream, packet)[0])
    return numbers


def _note_on_start(frames: int) -> tuple[str, ...]:
    if not frames:
        return ()
    return (f"begins between keyframes: {frames} coded frames without a reference are left out",)


def _timestamps_s(
    shown: list[CodedFrame], clocks: Sequence[str], time_base: float, nominal_hz: float
) -> np.ndarray:
    """Return times of packets by the first clock that all have, else by number and rate."""
    for clock in clocks:
        ticks = [getattr(packet, clock) for packet in shown]
        if None not in ticks:
            return np.array(ticks, dtype=np.float64) * time_base
    return np.arange(len(shown)) / nominal_hz
