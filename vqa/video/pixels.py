"""Conversion of decoded frames to upright arrays: RGB, or planes.

`rgb24` is (H,W,3). `yuv420p` is (P,): the luma plane, then both chroma planes of half its width and
height, rounded up. Samples that are stored as 8-bit 4:2:0 stay unchanged, in limited or full range
as in the file. FFmpeg's filters convert every other format, as the program does for `-pix_fmt`.

`coded` is (P + 1,): such planes as they are stored, and the number of their colour in
`vqa.video.colours.COLOURS`, from which RGB follows. Frames of which that is not so are refused with
a `ColourError`.
"""

import av
import numpy as np
from av.filter import Graph

from vqa.video.colours import FORMATS, colour_of, specimen
from vqa.video.orientation import orientation
from vqa.video.packets import VideoError, VideoInfo

PIXELS = ("rgb24", "yuv420p", "coded")


class ColourError(VideoError):
    """A frame whose RGB does not follow from planes and a colour: read the file as `rgb24`."""


def frame_shape(info: VideoInfo, pixels: str) -> tuple[int, ...]:
    """Return the shape of one frame in bytes: (H,W,3), (P,), or (P + 1,); see the module.

    Raises:
        ValueError: The pixels are unknown.
    """
    if pixels not in PIXELS:
        raise ValueError(f"pixels={pixels!r}: expected one of {', '.join(PIXELS)}")
    if pixels == "rgb24":
        return info.height, info.width, 3
    samples = info.height * info.width + 2 * -(-info.height // 2) * -(-info.width // 2)
    return (samples + (pixels == "coded"),)


def can_be_coded(info: VideoInfo) -> bool:
    """Return whether a file's frames may be read as `coded`, unless their colour is unknown."""
    return info.pixel_format in FORMATS and info.height % 2 == 0


def coded_specimen(colour: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return every kind of value in one frame: `coded` (P + 1,), and FFmpeg's RGB (H,W,3) of it.

    Raises:
        VideoError: FFmpeg does not convert this colour.
    """
    frame = specimen(colour, width)
    found = []
    try:
        for pixels in ("coded", "rgb24"):
            graph = _graph(frame, pixels)
            graph.vpush(frame)
            found.append(graph.vpull())
    except av.FFmpegError as error:
        raise VideoError("specimen", f"cannot be converted: {error.strerror}") from error
    coded, rgb = found
    samples = sum(plane.width * plane.height for plane in coded.planes)
    return _planar(coded, np.full(samples + 1, colour, np.uint8)), _packed(rgb)


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
        self._planar = np.empty(0 if pixels == "rgb24" else frame_shape(info, pixels), np.uint8)

    def __call__(self, frame: av.VideoFrame, index: int) -> np.ndarray:
        """Convert a frame to a picture of `frame_shape`, which is valid until the next call.

        Raises:
            VideoError: FFmpeg cannot convert it, or its size differs from the first frame's.
            ColourError: It cannot be `coded`.
        """
        shape = (frame.width, frame.height, frame.format.name)
        info = self._info
        colour = colour_of(frame) if self._pixels == "coded" else None
        if self._pixels == "coded" and (colour is None or info.height % 2):
            raise ColourError(info.path, f"a {shape[2]} frame has no known colour", index)
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
            return _packed(out)
        if self._pixels == "coded":
            self._planar[-1] = colour
        return _planar(out, self._planar)


def _packed(frame: av.VideoFrame) -> np.ndarray:
    """Return an RGB frame (H,W,3), as a view."""
    return _rows(frame.planes[0], 3 * frame.width).reshape(frame.height, frame.width, 3)


def _planar(frame: av.VideoFrame, out: np.ndarray) -> np.ndarray:
    """Copy the planes of a frame to the beginning of an array, and return that."""
    start = 0
    for plane in frame.planes:
        end = start + plane.height * plane.width
        out[start:end].reshape(plane.height, plane.width)[:] = _rows(plane, plane.width)
        start = end
    return out


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
        graph.add("format", pixels if pixels == "rgb24" else _planes_of(frame)),
        graph.add("buffersink"),
    ]
    graph.link_nodes(*nodes).configure()
    return graph


def _planes_of(frame: av.VideoFrame) -> str:
    """Return the planar formats that may be left: stored ones as they are, without a scaler."""
    return "|".join(FORMATS) if frame.format.name in FORMATS else FORMATS[0]
