"""Conversion of decoded frames to upright arrays: RGB, or planes for natural scene statistics.

`rgb24` is (H,W,3). `yuv420p` is (P,): the luma plane, then both chroma planes of half its width and
height, rounded up. Samples that are stored as 8-bit 4:2:0 stay unchanged, in limited or full range
as in the file. FFmpeg's filters convert every other format, as the program does for `-pix_fmt`.
"""

import av
import numpy as np
from av.filter import Graph

from vqa.video.orientation import orientation
from vqa.video.packets import VideoError, VideoInfo

PIXELS = ("rgb24", "yuv420p")


def frame_shape(info: VideoInfo, pixels: str) -> tuple[int, ...]:
    """Return the shape of one frame in bytes: (H,W,3) for `rgb24`, (P,) for `yuv420p`.

    Raises:
        ValueError: The pixels are unknown.
    """
    if pixels not in PIXELS:
        raise ValueError(f"pixels={pixels!r}: expected one of {', '.join(PIXELS)}")
    if pixels == "rgb24":
        return info.height, info.width, 3
    return (info.height * info.width + 2 * -(-info.height // 2) * -(-info.width // 2),)


def planes(chunk: np.ndarray, height: int, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the three planes of `yuv420p` frames as views.

    Args:
        chunk: uint8 (n,P), from `vqa.video.stream_frames`.
        height: Height of the video in pixels.
        width: Width of the video in pixels.

    Returns:
        Y (n,H,W), U and V (n,h,w) with h = ceil(H/2), w = ceil(W/2).

    Raises:
        ValueError: The frames have another size.
    """
    half = (-(-height // 2), -(-width // 2))
    luma, chroma = height * width, half[0] * half[1]
    if chunk.ndim != 2 or chunk.shape[1] != luma + 2 * chroma:
        raise ValueError(
            f"planes of {height} x {width} pixels: expected (n, {luma + 2 * chroma}) samples, "
            f"found {chunk.shape}; stream the frames with pixels='yuv420p'"
        )
    y, u, v = np.split(chunk, [luma, luma + chroma], axis=1)
    return y.reshape(-1, height, width), u.reshape(-1, *half), v.reshape(-1, *half)


class PixelGraph:
    """Converts decoded frames to upright pictures with FFmpeg's filters."""

    def __init__(self, info: VideoInfo, pixels: str) -> None:
        self._info, self._pixels = info, pixels
        self._shape: tuple[int, int, str] | None = None
        self._graph: Graph | None = None

    def __call__(self, frame: av.VideoFrame, index: int) -> np.ndarray:
        """Convert a frame to a picture of `frame_shape`, which may be a view of FFmpeg's memory.

        Raises:
            VideoError: FFmpeg cannot convert it, or its size differs from the first frame's.
        """
        shape = (frame.width, frame.height, frame.format.name)
        info = self._info
        try:
            if shape != self._shape:
                self._graph, self._shape = _graph(frame, self._pixels), shape
            self._graph.vpush(frame)
            out = self._graph.vpull()
        except av.FFmpegError as error:
            cause = f"a {shape[2]} frame cannot be converted to {self._pixels}: {error.strerror}"
            raise VideoError(info.path, cause, index) from error
        if (out.width, out.height) != (info.width, info.height):
            found, expected = f"{out.width}x{out.height}", f"{info.width}x{info.height}"
            raise VideoError(info.path, f"changes its size from {expected} to {found}", index)
        if self._pixels == "rgb24":
            return _rows(out.planes[0], 3 * out.width).reshape(out.height, out.width, 3)
        return np.concatenate([_rows(plane, plane.width).ravel() for plane in out.planes])


def _rows(plane: av.video.plane.VideoPlane, row_bytes: int) -> np.ndarray:
    """Return the rows (h, row_bytes) of a plane from the top, without their padding."""
    rows = np.frombuffer(plane, dtype=np.uint8).reshape(plane.height, abs(plane.line_size))
    # FFmpeg mirrors a frame by a negative line size.
    return (rows if plane.line_size > 0 else rows[::-1])[:, :row_bytes]


def _graph(frame: av.VideoFrame, pixels: str) -> Graph:
    """Build the filters that convert frames like this one to upright frames."""
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
        graph.add("format", pixels),
        graph.add("buffersink"),
    ]
    graph.link_nodes(*nodes).configure()
    return graph
