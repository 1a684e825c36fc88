"""The readers of `vqa.video`: each yields selected frames of one file, upright and in order.

A reader is a generator over `wanted`, strictly ascending frame indices. Each picture that it yields
(see `vqa.video.pixels`) may be a view of the decoder's memory; copy it before the next step.
"""

import contextlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import av
import numpy as np

from vqa.video.damage.endings import has_no_end_mark
from vqa.video.damage.tail import Tail
from vqa.video.packets import (
    VideoError,
    VideoInfo,
    coded_frames,
    decoded_once,
    is_before,
    opened,
    until_failure,
)
from vqa.video.pixels import PixelGraph
from vqa.video.rawvideo import RawFormat, raw_frames

# FFmpeg's names for MP4 and MOV, and for Matroska and WebM, in which seeking is reliable.
INDEXED_CONTAINERS = frozenset({"mp4", "matroska"})


class SeekError(RuntimeError):
    """A leap that led to other frames than the timestamps promise."""


class DecordError(RuntimeError):
    """A failure of decord, or a number of frames that differs from the packets."""


def pyav_pictures(
    info: VideoInfo, wanted: Sequence[int], pixels: str = "rgb24"
) -> Iterator[np.ndarray]:
    """Decode in sequence with PyAV; unwanted frames are not converted.

    Raises:
        VideoError: The decoder fails, conceals damage, or yields more or fewer frames than packets.
    """
    convert = PixelGraph(info, pixels)
    targets = iter(wanted)
    target = next(targets, None)
    with opened(info.path) as (container, stream):
        if info.good is None:
            frames = _all_frames(info, container, stream)
        else:
            frames = enumerate(_good_frames(info, _packets(container, stream), stream))
        for index, frame in frames:
            if index == target:
                yield convert(frame, index)
                target = next(targets, None)
            if target is None and index + 1 < info.frames:
                return


def check_whole(info: VideoInfo) -> None:
    """Decode a whole file.

    Raises:
        VideoError: As for `pyav_pictures`.
    """
    with opened(info.path) as (container, stream):
        for _ in _all_frames(info, container, stream):
            pass


def leaping_pictures(
    info: VideoInfo, wanted: Sequence[int], pixels: str = "rgb24"
) -> Iterator[np.ndarray]:
    """Decode with PyAV and leap over frames that no wanted frame depends on.

    A leap goes to the last keyframe before a wanted frame, unless the decoder already has that
    keyframe; so nothing is decoded twice. Frames are identified by their timestamps and must follow
    each other without a gap, so a wrong leap is detected.

    Raises:
        SeekError: A leap failed, or frames differ from what the timestamps promise.
        VideoError: As for `pyav_pictures`; the leap may be the cause.
    """
    convert = PixelGraph(info, pixels)
    keyframes = np.union1d(0, info.keyframes).astype(int)
    with opened(info.path) as (container, stream):
        time_base = float(stream.time_base)
        ticks = np.rint((info.times_s[keyframes] + info.start_s) / time_base).astype(int).tolist()
        given = ticks[0]  # time of the latest keyframe that the decoder has received

        def packets() -> Iterator[av.Packet]:
            nonlocal given
            for packet in _packets(container, stream):
                if packet.is_keyframe and packet.pts is not None:
                    given = packet.pts
                yield packet

        def frames_from(keyframe: int) -> Iterator[tuple[int, av.VideoFrame]]:
            return _by_timestamp(info, _decoded(info, packets(), stream), keyframe, time_base)

        frames = frames_from(0)
        for target in wanted:
            last = np.searchsorted(keyframes, target, side="right") - 1
            if ticks[last] > given:
                _seek(container, stream, ticks[last])
                frames = frames_from(keyframes[last])
            yield convert(next(frame for index, frame in frames if index == target), target)


def raw_pictures(
    info: VideoInfo, raw: RawFormat, wanted: Sequence[int], pixels: str = "rgb24"
) -> Iterator[np.ndarray]:
    """Read raw video.

    Raises:
        VideoError: The file has become shorter since it was probed.
    """
    convert = PixelGraph(info, pixels)
    for index, frame in zip(wanted, raw_frames(info.path, raw, wanted), strict=True):
        yield convert(frame, index)


def can_leap(info: VideoInfo) -> bool:
    """Return whether timestamps lead to frames in files of this kind."""
    if info.edit_list or info.good is not None:
        return False
    return not INDEXED_CONTAINERS.isdisjoint(info.container.split(","))


def open_decord(info: VideoInfo) -> Any:
    """Open a file with decord.

    Returns:
        A `decord.VideoReader` at its first frame.

    Raises:
        DecordError: decord is not installed, cannot open the file, or counts more or fewer frames.
    """
    # Some builds crash if decord is loaded before torch; a process without torch does not need it.
    with contextlib.suppress(ImportError):
        import torch  # noqa: F401
    try:
        import decord
    except ImportError as error:
        raise DecordError("decord is not installed") from error
    decord.logging.set_level(decord.logging.QUIET)
    try:
        reader = decord.VideoReader(str(info.path), num_threads=1)
    except (decord.DECORDError, RuntimeError) as error:
        raise DecordError("decord cannot open the file") from error
    if len(reader) != info.frames:
        raise DecordError(f"decord counts {len(reader)} frames, the packets {info.frames}")
    return reader


def decord_pictures(info: VideoInfo, wanted: Sequence[int]) -> Iterator[np.ndarray]:
    """Decode in sequence with decord.

    Seeking and skipping are not used, because with open groups of pictures (x265's default) both
    silently return wrong frames.

    Raises:
        DecordError: decord fails.
    """
    reader = open_decord(info)
    targets = iter(wanted)
    target = next(targets, None)
    for index in range(info.frames):
        if target is None:
            return
        try:
            picture = reader.next()
        except (RuntimeError, StopIteration) as error:
            raise DecordError(f"decord fails at frame {index}") from error
        if index == target:
            yield picture.asnumpy()
            target = next(targets, None)


def decord_suits(info: VideoInfo) -> bool:
    """Return whether decord's frames equal FFmpeg's bit by bit for intact files of this kind."""
    return (
        can_leap(info)
        and info.codec != "av1"
        and not info.interlaced
        and info.pixel_format in ("yuv420p", "yuvj420p")
        and info.width % 2 == info.height % 2 == 0
    )


def _seek(container: av.container.InputContainer, stream: av.VideoStream, ticks: int) -> None:
    """Seek to the keyframe at a time; this resets the decoder."""
    try:
        container.seek(ticks, stream=stream)
    except av.FFmpegError as error:
        raise SeekError(f"cannot seek: {error.strerror}") from error


def _packets(container: av.container.InputContainer, stream: av.VideoStream) -> Iterator[av.Packet]:
    """Yield the coded frames from the current position; see `coded_frames`."""
    return coded_frames(container, stream)


def _decoded(
    info: VideoInfo, packets: Iterable[av.Packet], stream: av.VideoStream
) -> Iterator[av.VideoFrame]:
    """Yield all frames of the packets, up to the first sign of damage.

    Packets that are presented before the first of them, a keyframe, refer to frames before it; so
    the decoder may complain about them.
    """
    count, start = 0, None
    try:
        for packet in itertools.chain(packets, [None]):
            start = packet.pts if start is None and packet else start
            frames, sign = decoded_once(stream, packet)
            if sign and not is_before(packet, start):
                raise VideoError(info.path, sign, count)
            for frame in frames:
                yield frame
                count += 1
    except av.FFmpegError as error:
        raise VideoError(info.path, f"cannot be decoded: {error.strerror}", count) from error


def _good_frames(
    info: VideoInfo, packets: Iterable[av.Packet], stream: av.VideoStream
) -> Iterator[av.VideoFrame]:
    """Yield the good frames of a damaged file."""
    good, ordinal = set(info.good.tolist()), 0
    for packet in until_failure(packets):
        for frame in decoded_once(stream, packet)[0]:
            if ordinal in good:
                yield frame
            ordinal += 1


def _all_frames(
    info: VideoInfo, container: av.container.InputContainer, stream: av.VideoStream
) -> Iterator[tuple[int, av.VideoFrame]]:
    """Yield all frames with their numbers, and check that they are whole and as many as packets."""
    packets = _packets(container, stream)
    tail = Tail(stream) if has_no_end_mark(info.path, info.container, stream.id) else None
    if tail is not None:
        packets = tail.following(packets)
    index = -1
    for index, frame in enumerate(_decoded(info, packets, stream)):
        if index == info.frames:
            raise VideoError(info.path, f"yields more than its {info.frames} frames", index)
        if frame.is_corrupt:
            raise VideoError(info.path, "a frame is damaged", index)
        yield index, frame
    if index + 1 != info.frames:
        raise VideoError(info.path, f"ends before its {info.frames} frames", index + 1)
    if tail is not None and not tail.is_complete():
        raise VideoError(info.path, "cut short: the last picture is incomplete", index)


def _by_timestamp(
    info: VideoInfo, frames: Iterable[av.VideoFrame], keyframe: int, time_base: float
) -> Iterator[tuple[int, av.VideoFrame]]:
    """Yield frames with their numbers by timestamp, from a keyframe on, without a gap.

    In an open group, frames before the keyframe are skipped, because their references are missing.
    """
    due = keyframe
    for frame in frames:
        index = _index_of(info, frame, time_base)
        if index < keyframe:
            continue
        if index != due:
            raise SeekError(f"expected frame {due}, found frame {index}")
        if frame.is_corrupt:
            raise SeekError(f"frame {index} is damaged")
        yield index, frame
        due += 1
    raise SeekError(f"the file ends before frame {due}")


def _index_of(info: VideoInfo, frame: av.VideoFrame, time_base: float) -> int:
    """Return the number of a frame by its timestamp; -1 for a frame before the first."""
    if frame.pts is None:
        raise SeekError("a frame has no timestamp")
    time_s = frame.pts * time_base - info.start_s
    index = int(np.searchsorted(info.times_s, time_s + time_base / 2, side="right")) - 1
    if index >= 0 and abs(info.times_s[index] - time_s) > time_base / 2:
        raise SeekError(f"unexpected frame at {time_s:.6f} s")
    return index
