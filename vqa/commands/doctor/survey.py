"""The facts of every file of a database, kept in a journal that survives `kill -9`.

A line is appended as soon as a file is examined. The next check reuses what is still valid: a file
is identified by path, size, inode, and the times of its last changes. The last of them, that of the
inode, moves with every change of the content and cannot be set, so a file that was changed is
examined again even if somebody gave it its old size and modification time.
"""

import json
import logging
import stat
from collections.abc import Generator, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np

from vqa import __version__
from vqa.commands.doctor.journal import Journal
from vqa.commands.doctor.likeness import frame_hash, frame_indices
from vqa.cores import own_cores
from vqa.databases.records import VideoRecord
from vqa.files import content_hash
from vqa.identity import ahead
from vqa.progress import progress_bar
from vqa.video import RawFormat, VideoError, VideoInfo, choose_reader, planes, reader_version
from vqa.video.decoder import FrameDecoder

log = logging.getLogger(__name__)

# Rounding to milliseconds (Matroska) changes intervals by less than this up to about 120 Hz.
STEADY_TOLERANCE = 0.25
MOST_LANES = 15

Wanted = tuple[VideoRecord, str, int]  # a file to examine, its key in the journal, its size


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of one file.

    Attributes:
        bytes: Its size.
        sha256: Hash of all its bytes, in hexadecimal; empty if they cannot be read.
        error: Why it cannot be read completely; None if nothing is wrong as far as checked.
        decoded: Whether every frame was decoded; otherwise only packets were counted.
        frames_decoded: Number of decoded frames, if they were decoded.
        width: Displayed width in pixels; this and all below are None for an unreadable file.
        height: Displayed height in pixels.
        rotation_deg: Clockwise rotation from stored to displayed frames.
        frame_rate_hz: Frames per second.
        variable_rate: Whether intervals between frames differ by more than rounding.
        frames: Number of shown frames.
        duration_s: Length in seconds.
        codec: FFmpeg's name of the codec.
        container: FFmpeg's name of the container.
        pixel_format: FFmpeg's name of the stored format.
        reader: Reader and version that extraction would use.
        likeness: Perceptual hashes of early frames, see `vqa.commands.doctor.likeness`; empty for a
            frame without structure.
    """

    bytes: int
    sha256: str
    error: str | None = None
    decoded: bool = False
    frames_decoded: int | None = None
    width: int | None = None
    height: int | None = None
    rotation_deg: int | None = None
    frame_rate_hz: float | None = None
    variable_rate: bool | None = None
    frames: int | None = None
    duration_s: float | None = None
    codec: str | None = None
    container: str | None = None
    pixel_format: str | None = None
    reader: str | None = None
    likeness: tuple[str, ...] = ()


def survey(
    videos: Sequence[VideoRecord],
    journal: str | Path,
    *,
    reader: str = "auto",
    decode: bool = False,
    time_limit_s: float = 600.0,
    fresh: bool = False,
    progress: bool = True,
) -> dict[str, Facts]:
    """Examine all videos that are on disk, one per core at a time; returns their facts by id.

    Args:
        videos: The labelled videos.
        journal: File of the results so far; created if absent.
        reader: See `vqa.video.choose_reader`.
        decode: Decode every frame, which is slow and finds all damage.
        time_limit_s: Longest wait for the decoder on one video.
        fresh: Examine every file again, whatever the journal knows.
        progress: Show a bar with the time left.

    Raises:
        UsageError: The journal cannot be read and written.
        OSError: It cannot be written any more.
    """
    facts: dict[str, Facts] = {}
    wanted: list[Wanted] = []
    with Journal(journal, fresh=fresh) as entries:
        for video in videos:
            try:
                key, size = _file_key(video, reader)
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                continue
            except OSError as error:
                facts[video.id] = Facts(0, "", _cause(error))
                continue
            known = _reusable(entries.known.get(key), decode, time_limit_s)
            if known is None:
                wanted.append((video, key, size))
            else:
                facts[video.id] = known
        if entries.known:
            log.info("%d files known from %s, %d to examine", len(facts), journal, len(wanted))
        bar = progress_bar(
            sum(size for _, _, size in wanted), "examine", "B",
            unit_scale=True, unit_divisor=1024, disable=not (progress and wanted),
        )  # fmt: skip
        decoders = [FrameDecoder(reader, time_limit_s) for _ in range(_lanes(len(wanted)))]
        with bar, closing(_all_examined(wanted, decoders, decode)) as results:
            for (video, key, size), (fact, final) in results:
                facts[video.id] = fact
                if final:
                    entries.append(key, {"time_limit_s": time_limit_s, "facts": asdict(fact)})
                bar.update(size)
    return facts


def _lanes(files: int) -> int:
    """Return the number of files to examine at the same time."""
    return max(1, min(files, MOST_LANES, own_cores()))


def _all_examined(
    wanted: Sequence[Wanted], decoders: Sequence[FrameDecoder], decode: bool
) -> Generator[tuple[Wanted, tuple[Facts, bool]], None, None]:
    """Examine files in order, as many at a time as there are decoders; these end with it."""
    free: SimpleQueue[FrameDecoder] = SimpleQueue()
    for decoder in decoders:
        free.put(decoder)

    def examined(one: Wanted) -> tuple[Facts, bool]:
        video, key, _ = one
        decoder = free.get()
        try:
            return _examined(video, decoder, decode, key)
        finally:
            free.put(decoder)

    with ExitStack() as stack:
        for decoder in decoders:
            stack.enter_context(decoder)
        yield from ahead(wanted, examined, len(decoders))


def _examined(
    video: VideoRecord, decoder: FrameDecoder, decode: bool, key: str
) -> tuple[Facts, bool]:
    """Return the facts of a file, and whether they may be reused."""
    try:
        fact = examine(video, decoder, decode=decode)
        if _file_key(video, decoder.reader)[0] == key:
            return fact, True
        return replace(fact, error="changed while it was read; rerun the check"), False
    except OSError as error:  # a fault of the disk or its permissions: tried again next time
        return Facts(0, "", _cause(error)), False


def examine(video: VideoRecord, decoder: FrameDecoder, *, decode: bool = False) -> Facts:
    """Examine one file; whatever is wrong with it is in `error`.

    Raises:
        OSError: The bytes of the file cannot be read.
    """
    facts = Facts(video.path.stat().st_size, content_hash(video.path))
    raw = video.raw_format
    if raw is None and video.path.suffix.lower() == ".yuv":
        cause = "raw video without a size: give width and height in the label table"
        return replace(facts, error=cause)
    count = 0
    try:
        info = decoder.probe(video.path, raw)
        facts = replace(facts, **_described(info, decoder.reader))
        facts = replace(facts, likeness=_likeness(decoder, info, raw))
        if decode:
            for chunk in decoder.stream(video.path, raw=raw, info=info):
                count += len(chunk)
            facts = replace(facts, decoded=True, frames_decoded=count)
    except VideoError as error:
        came = max(count, error.frames) if facts.frames is not None else None
        return replace(facts, error=error.cause, decoded=decode, frames_decoded=came)
    return facts


def _likeness(decoder: FrameDecoder, info: VideoInfo, raw: RawFormat | None) -> tuple[str, ...]:
    """The hashes of early frames."""
    chosen = frame_indices(info.times_s)
    chunks = decoder.stream(info.path, chosen, raw, info, pixels="yuv420p")
    return tuple(
        frame_hash(luma) for chunk in chunks for luma in planes(chunk, info.height, info.width)[0]
    )


def _described(info: VideoInfo, reader: str) -> dict[str, Any]:
    """The facts that a probe gives."""
    intervals = np.diff(info.times_s)
    usual = np.median(intervals) if len(intervals) else 0.0
    return {
        "width": info.width,
        "height": info.height,
        "rotation_deg": info.rotation_deg,
        "frame_rate_hz": info.frame_rate_hz,
        "variable_rate": bool((np.abs(intervals - usual) > STEADY_TOLERANCE * usual).any()),
        "frames": info.frames,
        "duration_s": info.duration_s,
        "codec": info.codec,
        "container": info.container,
        "pixel_format": info.pixel_format,
        "reader": reader_version(choose_reader(info, reader)),
    }


def _file_key(video: VideoRecord, reader: str) -> tuple[str, int]:
    """Everything a file's facts depend on, as text, and its size.

    Raises:
        OSError: There is no such file, or it is not a regular file.
    """
    found = video.path.stat()
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError
    if not stat.S_ISREG(found.st_mode):
        raise OSError("not a regular file")
    state = (found.st_size, found.st_ino, found.st_mtime_ns, found.st_ctime_ns)
    raw = video.raw_format
    ways = (raw and str(raw), reader, reader_version("pyav"), __version__)
    return json.dumps([str(video.path.absolute()), *state, *ways]), found.st_size


def _cause(error: OSError) -> str:
    return f"cannot be read: {error.strerror or error}"


def _reusable(entry: dict[str, Any] | None, decode: bool, time_limit_s: float) -> Facts | None:
    """Return the facts of an entry if they are still valid; a longer wait may remove an error."""
    if entry is None:
        return None
    try:
        given, waited_s = entry["facts"], entry["time_limit_s"]
        facts = Facts(**{**given, "likeness": tuple(given["likeness"])})
    except (LookupError, TypeError):  # of another version
        return None
    if facts.error is not None and waited_s < time_limit_s:
        return None
    return facts if facts.decoded or facts.frames is None or not decode else None
