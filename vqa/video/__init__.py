"""Video files as frames: what a file holds, its frames in a stream or by index.

Frame i is frame i of `ffmpeg -fps_mode passthrough`: all shown frames, once each, upright, in RGB
or as the planes of 4:2:0.
A file gives all its frames exactly or a `VideoError`; nothing is silently short, shifted, repeated
or concealed. PyAV reads through FFmpeg's own filter graph. decord is a choice, not the default: on
damaged files it repeats frames without a word, which no cheap check finds, and it is slower.
"""

import importlib.metadata
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from vqa.video.chunks import checked_indices, fill_chunks
from vqa.video.packets import VideoError, VideoInfo, scan
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

logger = logging.getLogger(__name__)


def probe(path: str | Path, *, raw: RawFormat | None = None) -> VideoInfo:
    """Find out what a file holds from its packets; only the first frame is decoded.

    Args:
        path: The video file.
        raw: Its format, where it is raw planar video without a header.

    Raises:
        VideoError: No such file, no video in it, or the file is cut short or damaged where its
            container tells.
    """
    path = Path(path)
    if not path.is_file():
        raise VideoError(path, "is not a regular file" if path.exists() else "no such file")
    if path.stat().st_size == 0:
        raise VideoError(path, "the file is empty")
    return scan(path) if raw is None else raw_info(path, raw)


def choose_reader(info: VideoInfo, reader: str = "auto") -> str:
    """Which reader `stream_frames` uses for RGB in sequence: `pyav`, `decord` or `raw`.

    Args:
        info: The file.
        reader: `auto` and `pyav` mean PyAV. `decord` means decord for the intact files that it
            reads exactly (MP4, MOV, Matroska, WebM; 8-bit 4:2:0 of even size, progressive; no edit
            list, no AV1; its count that of the packets) and PyAV for all others.

    Raises:
        ValueError: The reader is not known.
    """
    if reader not in READERS:
        raise ValueError(f"reader={reader!r} is not known; use one of {', '.join(READERS)}")
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


def reader_version(name: str) -> str:
    """Name and version of a reader for the record, for instance `pyav 18.1.0`.

    Raises:
        ValueError: The reader is not known.
    """
    package = {"pyav": "av", "raw": "av", "decord": "decord"}.get(name)
    if package is None:
        raise ValueError(f"reader {name!r} is not known; use pyav, decord or raw")
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
) -> Iterator[np.ndarray]:
    """Read frames in order and in bounded memory.

    A pass in sequence decodes everything up to the last wanted frame; where that is the video's
    last, the pass proves the file whole. Leaps decode only from the keyframe before each run of
    wanted frames to the run's end, nothing twice; damage elsewhere goes unseen. Both give the same
    frames.

    Args:
        path: The video file.
        indices: Ascending frame indices, repeats allowed; None for all frames.
        chunk_frames: Most frames in a chunk. Large frames make smaller chunks; see
            `vqa.video.chunks.chunk_limits`.
        reader: See `choose_reader`.
        raw: The format of a raw file.
        info: What `probe` said, to spare a second scan.
        pixels: `rgb24`; or `yuv420p`, samples as stored if they are 8-bit 4:2:0, see
            `vqa.video.pixels`. For planes, PyAV reads all files with a header.
        leaping: Leap where seeking is dependable (MP4, MOV, Matroska, WebM; no edit list), with
            PyAV; in every other file, and after a leap that lands wrong, read in sequence.

    Yields:
        uint8 (n,H,W,3) RGB, or (n,P) planar to be taken apart by `planes`; owned by the caller.

    Raises:
        VideoError: The file cannot be read whole; frames of a chunk begun before are dropped.
        ValueError: Indices out of order or range, an unknown reader, or other pixels.
    """
    info = info or probe(path, raw=raw)
    chosen = choose_reader(info, reader)
    wanted = checked_indices(indices, info)
    return fill_chunks(
        pictures(info, wanted, chosen, raw, pixels=pixels, leaping=leaping),
        wanted,
        frame_shape(info, pixels),
        chunk_frames,
        lambda shape: np.empty(shape, dtype=np.uint8),
    )


def read_frames(
    path: str | Path,
    indices: Sequence[int] | np.ndarray,
    *,
    reader: str = "auto",
    raw: RawFormat | None = None,
    info: VideoInfo | None = None,
) -> np.ndarray:
    """Read frames by index, leaping as `stream_frames` can.

    Args:
        path: The video file.
        indices: Frame indices in any order, repeats allowed.
        reader: Checked as in `choose_reader`; by index, PyAV reads all files with a header.
        raw: The format of a raw file.
        info: What `probe` said, to spare a second scan.

    Returns:
        uint8 (N,H,W,3) RGB, in the order asked for.

    Raises:
        VideoError: The wanted frames cannot be read.
        ValueError: Indices out of range, or an unknown reader.
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
    """The pictures of the distinct indices, each valid until the next; see `stream_frames`.

    Args:
        info: The video.
        indices: (n,) ascending.
        reader: As `choose_reader` returned it.
        raw: The format of a raw file.
        pixels: As for `stream_frames`.
        leaping: Likewise.
    """
    wanted = np.unique(indices).tolist()
    if reader == "raw":
        yield from raw_pictures(info, _required(info, raw), wanted, pixels)
        return
    done = 0  # what a faster way has given, up to its failure if it fails
    try:
        for picture in _faster_pictures(info, wanted, reader, pixels, leaping):
            yield picture
            done += 1
    except DecordError as error:
        logger.warning("%s: %s; going on with PyAV", info.path, error)
    except (SeekError, VideoError) as error:
        logger.info("%s: leaping failed (%s); going on in sequence", info.path, error)
    if done < len(wanted):
        yield from pyav_pictures(info, wanted[done:], pixels)


def _faster_pictures(
    info: VideoInfo, wanted: list[int], reader: str, pixels: str, leaping: bool
) -> Iterator[np.ndarray]:
    """What is tried before decoding in sequence with PyAV; empty where nothing suits."""
    if leaping and can_leap(info):
        return leaping_pictures(info, wanted, pixels)
    if reader == "decord" and pixels == "rgb24":
        return decord_pictures(info, wanted)
    return iter(())


def _required(info: VideoInfo, raw: RawFormat | None) -> RawFormat:
    """The raw format, which a raw file cannot do without."""
    if raw is None:
        raise ValueError(f"{info.path} is raw video: give its format as raw=RawFormat(...)")
    return raw
