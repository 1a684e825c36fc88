"""Video files: their properties, and their frames as a stream or by index.

Frame i is frame i of `ffmpeg -fps_mode passthrough`: every shown frame once, upright, in RGB or as
the planes of 4:2:0. Reading a file yields exactly its frames or raises a `VideoError`; damage that
FFmpeg conceals is an error, too, see `vqa.video.damage`. A file that begins between two keyframes
is read from the first keyframe on.

PyAV, the default, reads through FFmpeg's own filter graph. decord is optional: it silently repeats
frames of damaged files, which no cheap check detects, and it is slower.
"""

import importlib.metadata
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from vqa.video.chunks import Allocator, checked_indices, fill_chunks, new_chunk
from vqa.video.packets import VideoError, VideoInfo, check_regular
from vqa.video.pixels import frame_shape, planes
from vqa.video.rawvideo import RawFormat, raw_info
from vqa.video.readers import (
    DecordError,
    SeekError,
    can_leap,
    decord_pictures,
    decord_suits,
    leaping_pictures,
    open_decord,
    pyav_pictures,
    raw_pictures,
)
from vqa.video.salvaging import salvage
from vqa.video.scanning import scan

__all__ = [
    "RawFormat",
    "VideoError",
    "VideoInfo",
    "choose_reader",
    "planes",
    "probe",
    "read_frames",
    "reader_version",
    "stream_frames",
]

READERS = ("auto", "pyav", "decord")
DAMAGED = ("refuse", "score")

logger = logging.getLogger(__name__)


def probe(path: str | Path, *, raw: RawFormat | None = None, damaged: str = "refuse") -> VideoInfo:
    """Read the properties of a file from its packets; only its beginning is decoded.

    Args:
        path: The video file.
        raw: Format of raw planar video, which has no header.
        damaged: `refuse`, or `score`: decode the whole file; if it is damaged, describe its good
            frames only, see `vqa.video.salvaging.salvage`. Raw video is refused in any case.

    Raises:
        VideoError: The file does not exist or has no video, or its container shows that it is
            cut short or damaged; with `score` only if no frame is good.
        ValueError: `damaged` has another value.
    """
    if damaged not in DAMAGED:
        raise ValueError(f"damaged={damaged!r}: expected one of {', '.join(DAMAGED)}")
    path = Path(path)
    check_regular(path)
    if raw is not None:
        return raw_info(path, raw)
    return scan(path) if damaged == "refuse" else salvage(path)


def choose_reader(info: VideoInfo, reader: str = "auto") -> str:
    """Choose the reader for RGB frames in sequence: `pyav`, `decord` or `raw`.

    Args:
        info: Properties of the file.
        reader: `auto` and `pyav` choose PyAV. `decord` chooses decord for the files that it reads
            exactly if they are intact (MP4, MOV, Matroska, WebM; progressive 8-bit 4:2:0 of even
            size; no edit list, no AV1; as many frames as packets), and PyAV for all others.

    Raises:
        ValueError: The reader is unknown.
    """
    check_reader(reader)
    if info.container == "rawvideo":
        return "raw"
    if reader == "decord" and decord_suits(info):
        try:
            open_decord(info)
        except DecordError as error:
            logger.info("%s: %s; reading with PyAV", info.path, error)
        else:
            return "decord"
    return "pyav"


def check_reader(reader: str) -> None:
    """Refuse unknown readers.

    Raises:
        ValueError: The reader is unknown.
    """
    if reader not in READERS:
        raise ValueError(f"reader={reader!r}: expected one of {', '.join(READERS)}")


def reader_version(name: str) -> str:
    """Return name and version of a reader, for example `pyav 18.1.0`.

    Raises:
        ValueError: The reader is unknown.
    """
    package = {"pyav": "av", "raw": "av", "decord": "decord"}.get(name)
    if package is None:
        raise ValueError(f"reader {name!r}: expected pyav, decord or raw")
    return f"{name} {importlib.metadata.version(package)}"


def stream_frames(
    path: str | Path,
    indices: Sequence[int] | np.ndarray | None = None,
    *,
    chunk_frames: int = 16,
    reader: str = "auto",
    raw: RawFormat | None = None,
    info: VideoInfo | None = None,
    pixels: str = "rgb24",
    leaping: bool = False,
    allocate: Allocator = new_chunk,
) -> Iterator[np.ndarray]:
    """Read frames in order and in bounded memory.

    In sequence, everything up to the last wanted frame is decoded; if that is the last frame of the
    video, the whole file has been checked. With leaps, only the frames from the keyframe before
    each run of wanted frames to the end of the run are decoded, none twice; damage elsewhere goes
    unnoticed. Both give the same frames.

    Args:
        path: The video file.
        indices: Ascending frame indices, repeats allowed; None for all frames.
        chunk_frames: Maximum number of frames in a chunk; chunks of large frames are smaller, see
            `vqa.video.chunks.chunk_limits`.
        reader: See `choose_reader`.
        raw: Format of a raw file.
        info: The result of `probe`, to avoid a second scan.
        pixels: `rgb24`, or `yuv420p`, which keeps stored samples if they are 8-bit 4:2:0; see
            `vqa.video.pixels`. For planes, PyAV reads all files that have a header.
        leaping: Leap with PyAV where seeking is reliable (MP4, MOV, Matroska, WebM; no edit list).
            All other files, and the rest of a file after a failed leap, are read in sequence.
        allocate: Returns memory for the next chunk.

    Yields:
        uint8 (n,H,W,3) RGB, or (n,P) planar, to be separated by `planes`; owned by the caller.

    Raises:
        VideoError: The file cannot be read completely; frames of an unfinished chunk are dropped.
        ValueError: Indices are out of order or range, or reader or pixels are unknown.
    """
    info = info or probe(path, raw=raw)
    chosen = choose_reader(info, reader)
    wanted = checked_indices(indices, info)
    return fill_chunks(
        pictures(info, wanted, chosen, raw, pixels=pixels, leaping=leaping),
        wanted,
        frame_shape(info, pixels),
        chunk_frames,
        allocate,
    )


def read_frames(
    path: str | Path,
    indices: Sequence[int] | np.ndarray,
    *,
    reader: str = "auto",
    raw: RawFormat | None = None,
    info: VideoInfo | None = None,
) -> np.ndarray:
    """Read frames by index, with leaps as in `stream_frames`.

    Args:
        path: The video file.
        indices: Frame indices in any order, repeats allowed.
        reader: See `choose_reader`; by index, PyAV reads all files that have a header.
        raw: Format of a raw file.
        info: The result of `probe`, to avoid a second scan.

    Returns:
        uint8 (N,H,W,3) RGB, in the order of `indices`.

    Raises:
        VideoError: The wanted frames cannot be read.
        ValueError: Indices are out of range, or the reader is unknown.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> from vqa.files import write_atomically
        >>> from vqa.video import RawFormat, read_frames
        >>> raw = RawFormat(width=64, height=48)
        >>> with TemporaryDirectory() as folder:
        ...     path = write_atomically(f"{folder}/black.yuv", bytes(5 * raw.coded_bytes))
        ...     read_frames(path, [4, 0, 2], raw=raw).shape
        (3, 48, 64, 3)
    """
    info = info or probe(path, raw=raw)
    chosen = choose_reader(info, "pyav" if reader == "decord" else reader)
    wanted, places = np.unique(np.asarray(indices), return_inverse=True)
    wanted = checked_indices(wanted, info)
    frames = np.empty((len(places), info.height, info.width, 3), dtype=np.uint8)
    for place, picture in enumerate(pictures(info, wanted, chosen, raw, leaping=True)):
        frames[places == place] = picture
    return frames


def pictures(
    info: VideoInfo,
    indices: Sequence[int] | np.ndarray,
    reader: str,
    raw: RawFormat | None = None,
    *,
    pixels: str = "rgb24",
    leaping: bool = False,
) -> Iterator[np.ndarray]:
    """Yield the pictures of the distinct indices, each valid until the next.

    Args:
        info: Properties of the video.
        indices: (n,) ascending.
        reader: A result of `choose_reader`.
        raw: Format of a raw file.
        pixels: As in `stream_frames`.
        leaping: As in `stream_frames`.
    """
    wanted = np.unique(indices).tolist()
    if reader == "raw":
        yield from raw_pictures(info, _required(info, raw), wanted, pixels)
        return
    done = 0  # pictures that the faster reader yielded, also if it then failed
    try:
        for picture in _faster_pictures(info, wanted, reader, pixels, leaping):
            yield picture
            done += 1
    except DecordError as error:
        logger.warning("%s: %s; continuing with PyAV", info.path, error)
    except (SeekError, VideoError) as error:
        logger.info("%s: leaping failed (%s); continuing in sequence", info.path, error)
    if done < len(wanted):
        yield from pyav_pictures(info, wanted[done:], pixels)


def _faster_pictures(
    info: VideoInfo, wanted: list[int], reader: str, pixels: str, leaping: bool
) -> Iterator[np.ndarray]:
    """Return the reader to try before PyAV in sequence; an empty one if none is suitable."""
    if leaping and can_leap(info):
        return leaping_pictures(info, wanted, pixels)
    if reader == "decord" and pixels == "rgb24":
        return decord_pictures(info, wanted)
    return iter(())


def _required(info: VideoInfo, raw: RawFormat | None) -> RawFormat:
    """Return the format of a raw file, or refuse its absence."""
    if raw is None:
        raise ValueError(f"{info.path} is raw video: pass its format as raw=RawFormat(...)")
    return raw
