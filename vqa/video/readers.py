"""The readers behind `vqa.video`: each gives chosen frames of one file as RGB, in order.

A reader is a generator over `wanted`, strictly ascending frame indices. Each picture (H,W,3) that
it yields may be a view of the decoder's memory, to be copied before the next step.
"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import av
import numpy as np
from av.filter import Graph

from vqa.video.orientation import orientation
from vqa.video.packets import VideoError, VideoInfo, opened
from vqa.video.rawvideo import RawFormat, raw_frames

# FFmpeg's names of the families MP4 with MOV and Matroska with WebM, where seeking is dependable.
INDEXED_CONTAINERS = frozenset({"mp4", "matroska"})


class SeekError(RuntimeError):
    """A leap in the file landed elsewhere than the timestamps promised."""


class DecordError(RuntimeError):
    """decord failed, or disagrees with the packets."""


class RgbGraph:
    """Turns decoded frames upright and to RGB by FFmpeg's filters, as the program itself does."""

    def __init__(self, info: VideoInfo) -> None:
        self._info = info
        self._shape: tuple[int, int, str] | None = None
        self._graph: Graph | None = None

    def __call__(self, frame: av.VideoFrame, index: int) -> np.ndarray:
        """The picture (H,W,3) of a frame, a view of FFmpeg's memory.

        Raises:
            VideoError: FFmpeg cannot convert it, or its size is not that of the first frame.
        """
        shape = (frame.width, frame.height, frame.format.name)
        info = self._info
        try:
            if shape != self._shape:
                self._graph, self._shape = _graph(frame), shape
            self._graph.vpush(frame)
            out = self._graph.vpull()
        except av.FFmpegError as error:
            cause = f"a {shape[2]} frame cannot be converted to RGB: {error.strerror}"
            raise VideoError(info.path, cause, index) from error
        if (out.width, out.height) != (info.width, info.height):
            found, expected = f"{out.width}x{out.height}", f"{info.width}x{info.height}"
            raise VideoError(info.path, f"changes its size from {expected} to {found}", index)
        plane = out.planes[0]
        rows = np.frombuffer(plane, dtype=np.uint8).reshape(-1, plane.line_size)
        return rows[: out.height, : 3 * out.width].reshape(out.height, out.width, 3)


def pyav_pictures(info: VideoInfo, wanted: Sequence[int]) -> Iterator[np.ndarray]:
    """Decode in sequence with PyAV; unwanted frames are not converted.

    Raises:
        VideoError: The decoder fails, conceals damage, or gives another count than the packets.
    """
    to_rgb = RgbGraph(info)
    targets = iter(wanted)
    target = next(targets, None)
    with opened(info.path) as (container, stream):
        for index, frame in _in_sequence(info, _decoded(info, container, stream)):
            if index == target:
                yield to_rgb(frame, index)
                target = next(targets, None)
            if target is None and index + 1 < info.frames:
                return


def sought_pictures(info: VideoInfo, wanted: Sequence[int]) -> Iterator[np.ndarray]:
    """Like `pyav_pictures`, leaping to the keyframe before each run of wanted frames.

    Every frame is known by its timestamp, so a leap that lands wrong is seen.

    Raises:
        SeekError: A leap landed behind its target or between the known timestamps.
        VideoError: As for `pyav_pictures`.
    """
    to_rgb = RgbGraph(info)
    keyframes = np.array(info.keyframes)
    with opened(info.path) as (container, stream):
        time_base = float(stream.time_base)
        frames = _decoded(info, container, stream)
        position = 0  # no frame before this one is to come
        for target in wanted:
            key = int(keyframes[max(np.searchsorted(keyframes, target, side="right") - 1, 0)])
            if position < key <= target:
                ticks = round((info.times_s[key] + info.start_s) / time_base)
                container.seek(ticks, stream=stream)
                frames = _decoded(info, container, stream)
            frame = None
            while position <= target:
                frame = next(frames, None)
                if frame is None:
                    raise SeekError(f"the file ends before frame {target}")
                position = _index_of(info, frame, time_base) + 1
                if frame.is_corrupt and position > key:
                    raise VideoError(info.path, "a frame is damaged", position - 1)
            if position != target + 1 or frame is None:
                raise SeekError(f"frame {position - 1} came for frame {target}")
            yield to_rgb(frame, target)


def raw_pictures(info: VideoInfo, raw: RawFormat, wanted: Sequence[int]) -> Iterator[np.ndarray]:
    """Read raw video.

    Raises:
        VideoError: The file has become shorter since it was probed.
    """
    to_rgb = RgbGraph(info)
    for index, frame in zip(wanted, raw_frames(info.path, raw, wanted), strict=True):
        yield to_rgb(frame, index)


def open_decord(info: VideoInfo) -> Any:
    """Open a file with decord.

    Returns:
        A `decord.VideoReader` at its first frame.

    Raises:
        DecordError: decord is not installed, cannot open the file, or counts other frames.
    """
    # decord loaded before torch crashes some builds; a process without torch does well without.
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

    Never by index and never skipping: both return wrong frames, silently, where groups of pictures
    are open (x265's default).

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
    """Whether decord's frames are bit-identical to FFmpeg's for intact files of this kind."""
    return (
        not INDEXED_CONTAINERS.isdisjoint(info.container.split(","))
        and info.codec != "av1"
        and not info.edit_list
        and not info.interlaced
        and info.pixel_format in ("yuv420p", "yuvj420p")
        and info.width % 2 == info.height % 2 == 0
    )


def _graph(frame: av.VideoFrame) -> Graph:
    """The filters from frames like this one to upright RGB."""
    graph = Graph()
    graph.threads = 1
    _, turns = orientation(frame)
    nodes = [
        graph.add_buffer(
            width=frame.width,
            height=frame.height,
            format=frame.format,
            time_base=frame.time_base or av.time_base,
        ),
        *(graph.add(name, arguments) for name, arguments in turns),
        graph.add("format", "rgb24"),
        graph.add("buffersink"),
    ]
    graph.link_nodes(*nodes).configure()
    return graph


def _decoded(
    info: VideoInfo, container: av.container.InputContainer, stream: av.VideoStream
) -> Iterator[av.VideoFrame]:
    """All frames from where the file stands; empty packets (AVI's dropped frames) are left out."""
    count = 0
    try:
        for packet in container.demux(stream):
            if packet.size:
                for frame in stream.decode(packet):
                    yield frame
                    count += 1
        yield from stream.decode(None)
    except av.FFmpegError as error:
        raise VideoError(info.path, f"cannot be decoded: {error.strerror}", count) from error


def _in_sequence(
    info: VideoInfo, frames: Iterator[av.VideoFrame]
) -> Iterator[tuple[int, av.VideoFrame]]:
    """Frames with their numbers, held to the count that the packets promise."""
    index = -1
    for index, frame in enumerate(frames):
        if index == info.frames:
            raise VideoError(info.path, f"gives more than its {info.frames} frames", index)
        if frame.is_corrupt:
            raise VideoError(info.path, "a frame is damaged", index)
        yield index, frame
    if index + 1 != info.frames:
        raise VideoError(info.path, f"ends before its {info.frames} frames", index + 1)


def _index_of(info: VideoInfo, frame: av.VideoFrame, time_base: float) -> int:
    """The number of a frame by its timestamp; one below for a frame that is not in the list."""
    if frame.pts is None:
        raise SeekError("a frame has no timestamp")
    time_s = frame.pts * time_base - info.start_s
    index = int(np.searchsorted(info.times_s, time_s + time_base / 2, side="right")) - 1
    if index >= 0 and abs(info.times_s[index] - time_s) > time_base / 2:
        raise SeekError(f"a frame shows at {time_s:.6f} s, where none was found")
    return index
