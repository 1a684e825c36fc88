"""Encoded video files for the tests of decoding: every frame shows its own number.

The number is painted as eight black or white blocks along the top edge, large enough to survive
compression, so a test can read from the pixels which frame it got.
"""

import os
import struct
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.filter import Graph

BITS = 8
FRAMES = 50

# Settings of `write_clip`.
VP9 = {"codec": "libvpx-vp9", "options": {"cpu-used": "8", "deadline": "realtime"}}
OPEN_GROUPS = {"x264-params": "open-gop=1"}
X265 = {"preset": "ultrafast", "x265-params": "log-level=none:pools=1"}
FRAGMENTS = {"movflags": "frag_keyframe+empty_moov"}
UNEVEN_TICKS = [20 * i + 7 * (i % 3) for i in range(FRAMES)]


def paint(index: int, width: int = 128, height: int = 96) -> np.ndarray:
    """Paint frame `index` (H,W,3): its number in the top quarter, moving colour below."""
    y, x = np.mgrid[0:height, 0:width]
    frame = np.stack(
        [
            128 + 90 * np.sin((x + 3 * index) / 11),
            128 + 90 * np.cos((y - 2 * index) / 9),
            128 + 90 * np.sin((x + y + index) / 17),
        ],
        axis=-1,
    ).astype(np.uint8)
    for bit in range(BITS):
        left, right = bit * width // BITS, (bit + 1) * width // BITS
        frame[: height // 4, left:right] = 235 if index >> (BITS - 1 - bit) & 1 else 20
    return frame


def read_number(frame: np.ndarray) -> int:
    """Read the number in a frame (H,W,3)."""
    height, width = frame.shape[:2]
    number = 0
    for bit in range(BITS):
        centre = frame[height // 8 - 2 : height // 8 + 2, (2 * bit + 1) * width // (2 * BITS)]
        number = 2 * number + int(centre.mean() > 128)
    return number


def numbers(frames: np.ndarray) -> list[int]:
    """Read the numbers in frames (N,H,W,3)."""
    return [read_number(frame) for frame in frames]


def write_clip(
    path: Path,
    frames: int = FRAMES,
    *,
    size: tuple[int, int] = (128, 96),
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    rate: int = 30,
    keyframe_interval: int = 12,
    ticks: list[int] | None = None,
    ticks_per_s: int = 600,
    options: dict[str, str] | None = None,
    muxer_options: dict[str, str] | None = None,
    rotation: int = 0,
    mirrored: bool = False,
    full_range: bool = False,
    bt709: bool = False,
    picture: Callable[[int, int, int], np.ndarray] = paint,
) -> Path:
    """Encode painted frames; the suffix of the file name determines the container.

    Args:
        path: The file.
        frames: Number of frames.
        size: Width and height in pixels.
        codec: Encoder; x264 uses three B-frames.
        pixel_format: Encoded pixel format.
        rate: Frames per second.
        keyframe_interval: Number of frames from keyframe to keyframe.
        ticks: Presentation times in 1/`ticks_per_s` seconds, for a variable frame rate.
        ticks_per_s: See `ticks`.
        options: Options of the encoder.
        muxer_options: Options of the container.
        rotation: Rotation of the display matrix in degrees, counter-clockwise.
        mirrored: Whether the display matrix also mirrors.
        full_range: Encode and tag as full range.
        bt709: Encode and tag with the BT.709 matrix.
        picture: Paints frame `index` of `width` and `height`.
    """
    x264 = {"preset": "veryfast", "bf": "3", "b-adapt": "0", "threads": "1", "crf": "18"}
    encoder = {**(x264 if codec == "libx264" else {}), **(options or {})}
    with av.open(str(path), "w", options=muxer_options or {}) as container:
        stream = container.add_stream(codec, rate=rate, options=encoder)
        stream.width, stream.height = size
        stream.pix_fmt = pixel_format
        stream.gop_size = keyframe_interval
        time_base = Fraction(1, ticks_per_s) if ticks else Fraction(1, rate)
        stream.codec_context.time_base = time_base
        if full_range:
            stream.codec_context.color_range = 2
        if bt709:
            stream.codec_context.colorspace = 1
        if rotation or mirrored:
            stream.set_display_rotation(rotation, hflip=mirrored)
        for index in range(frames):
            frame = av.VideoFrame.from_ndarray(picture(index, *size), format="rgb24").reformat(
                format=pixel_format,
                dst_color_range=2 if full_range else None,
                dst_colorspace=1 if bt709 else None,
            )
            frame.pts = ticks[index] if ticks else index
            frame.time_base = time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    # As root, SVT-AV1 leaves the process with real-time priority. Encoders that busy-wait then hold
    # their core for ever: two such processes blocked a machine with two cores.
    if hasattr(os, "sched_getscheduler") and os.sched_getscheduler(0) != os.SCHED_OTHER:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    return path


def cached_clip(folder: Path, name: str, settings: dict) -> Path:
    """Return a clip in a folder, encoded on first use; skip the test if PyAV lacks the encoder."""
    path = folder / name
    if not path.exists():
        if settings.get("codec", "libx264") not in av.codecs_available:
            pytest.skip(f"this PyAV has no encoder {settings['codec']}")
        write_clip(path, **settings)
    return path


def write_sound(path: Path) -> Path:
    """Write a file with only an audio track."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        for number in range(20):
            silence = np.zeros((1, 1024), np.float32)
            frame = av.AudioFrame.from_ndarray(silence, format="fltp", layout="mono")
            frame.rate, frame.pts = 44100, 1024 * number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_raw(path: Path, frames: int, size: tuple[int, int], pixel_format: str) -> np.ndarray:
    """Write raw planar video; return its frames (n,H,W,3), converted to RGB by FFmpeg."""
    shown = []
    with path.open("wb") as file:
        for index in range(frames):
            frame = av.VideoFrame.from_ndarray(paint(index, *size), format="rgb24")
            planar = frame.reformat(format=pixel_format)
            file.write(samples(planar))
            shown.append(through_filters([planar])[0])
    return np.stack(shown)


def samples(frame: av.VideoFrame) -> bytes:
    """Return the samples of a planar frame as a raw file holds them."""
    found = []
    for plane, part in zip(frame.planes, frame.format.components, strict=True):
        row_bytes = part.width * -(-part.bits // 8)
        rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
        found.append(rows[: part.height, :row_bytes].tobytes())
    return b"".join(found)


def decode_all(path: Path, *filters: tuple[str, str]) -> np.ndarray:
    """Decode all frames (n,H,W,3) in sequence with FFmpeg's filters, as the reference."""
    with av.open(str(path)) as container:
        return through_filters(container.decode(video=0), *filters)


def through_filters(frames: Iterable[av.VideoFrame], *filters: tuple[str, str]) -> np.ndarray:
    """Convert frames to RGB with one filter graph."""
    graph, shown = None, []
    for frame in frames:
        if graph is None:
            graph = Graph()
            nodes = [
                graph.add_buffer(
                    width=frame.width,
                    height=frame.height,
                    format=frame.format,
                    time_base=Fraction(1, 1000),
                ),
                *(graph.add(name, arguments) for name, arguments in filters),
                graph.add("format", "rgb24"),
                graph.add("buffersink"),
            ]
            graph.link_nodes(*nodes).configure()
        graph.vpush(frame)
        shown.append(graph.vpull().to_ndarray())
    return np.stack(shown)


def hide_leading(path: Path, frames: int) -> Path:
    """Rewrite the edit list of a 30 Hz MP4 of `write_clip` to hide leading frames."""
    data = bytearray(path.read_bytes())
    start = data.index(b"elst") + 12
    duration_ms, media_time = struct.unpack(">Ii", data[start : start + 8])
    edit = (duration_ms - frames * 1000 // 30, media_time + frames * 512)
    data[start : start + 8] = struct.pack(">Ii", *edit)
    path.write_bytes(data)
    return path


def cut(path: Path, share: float = 0.6) -> Path:
    """Keep only the first part of a file."""
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    return path


def overwrite(path: Path, start: int, data: bytes) -> Path:
    """Replace bytes inside a file."""
    whole = bytearray(path.read_bytes())
    whole[start : start + len(data)] = data
    path.write_bytes(whole)
    return path


def noise(size: int, seed: int = 0) -> bytes:
    """Return random bytes, the same each time."""
    return np.random.default_rng(seed).bytes(size)


def damage(path: Path, size: int = 400) -> Path:
    """Overwrite bytes in the middle of a file with noise."""
    return overwrite(path, path.stat().st_size // 2, noise(size))
