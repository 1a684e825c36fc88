"""The facts of every file of a database, kept in a journal that survives `kill -9`.

The journal has one line of JSON per file, appended as soon as the file is examined. A file is
identified by path, size, inode, times and reader; the next check reuses what is still valid.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from vqa.commands.doctor.likeness import frame_indices, likeness
from vqa.databases.records import VideoRecord
from vqa.progress import progress_bar
from vqa.video import VideoError, VideoInfo, choose_reader, reader_version
from vqa.video.decoder import FrameDecoder

log = logging.getLogger(__name__)

# Rounding to milliseconds (Matroska) changes intervals by less than this up to about 120 Hz.
STEADY_TOLERANCE = 0.25


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
        likeness: Perceptual hash of early frames, see `vqa.commands.doctor.likeness`; empty if the
            frames have no structure.
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
    likeness: str = ""


def survey(
    videos: Sequence[VideoRecord],
    journal: str | Path,
    *,
    reader: str = "auto",
    decode: bool = False,
    time_limit_s: float = 600.0,
    progress: bool = True,
) -> dict[str, Facts]:
    """Examine all videos that are on disk; returns their facts by id.

    Args:
        videos: The labelled videos.
        journal: File of the results so far; created if absent.
        reader: See `vqa.video.choose_reader`.
        decode: Decode every frame, which is slow and finds all damage.
        time_limit_s: Longest wait for the decoder on one video.
        progress: Show a bar with the time left.
    """
    known = _read_journal(Path(journal))
    facts: dict[str, Facts] = {}
    wanted: list[tuple[VideoRecord, str, int]] = []
    for video in videos:
        if not video.path.is_file():
            continue
        key, size = _file_key(video, reader)
        entry = known.get(key)
        if entry is not None and _holds(entry, decode, time_limit_s):
            facts[video.id] = Facts(**entry["facts"])
        else:
            wanted.append((video, key, size))
    if known:
        log.info("%d files known from %s, %d to examine", len(facts), journal, len(wanted))
    if not wanted:
        return facts
    bar = progress_bar(
        sum(size for _, _, size in wanted), "examine", "B",
        unit_scale=True, unit_divisor=1024, disable=not progress,
    )  # fmt: skip
    decoder = FrameDecoder(reader=reader, time_limit_s=time_limit_s)
    with bar, decoder, _appending(Path(journal)) as append:
        for video, key, size in wanted:
            try:
                fact = examine(video, decoder, decode=decode)
            except OSError as error:  # a fault of the disk, not the file: tried again next time
                fact = Facts(size, "", f"cannot be read: {error.strerror or error}")
            else:
                append({"file": key, "time_limit_s": time_limit_s, "facts": asdict(fact)})
            facts[video.id] = fact
            bar.update(size)
    return facts


def examine(video: VideoRecord, decoder: FrameDecoder, *, decode: bool = False) -> Facts:
    """Examine one file; whatever is wrong with it is in `error`.

    Raises:
        OSError: The bytes of the file cannot be read.
    """
    with video.path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        facts = Facts(file.tell(), digest)
    raw = video.raw_format
    if raw is None and video.path.suffix.lower() == ".yuv":
        cause = "raw video without a size: give width and height in the label table"
        return replace(facts, error=cause)
    count = 0
    try:
        info = decoder.probe(video.path, raw)
        facts = replace(facts, **_described(info, decoder.reader))
        early = decoder.stream(video.path, frame_indices(info.times_s), raw, info)
        facts = replace(facts, likeness=likeness(np.concatenate(list(early))))
        if decode:
            for chunk in decoder.stream(video.path, raw=raw, info=info):
                count += len(chunk)
            facts = replace(facts, decoded=True, frames_decoded=count)
    except VideoError as error:
        came = max(count, error.frames) if facts.frames is not None else None
        return replace(facts, error=error.cause, decoded=decode, frames_decoded=came)
    return facts


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
    """Everything a file's facts depend on, as text, and its size."""
    stat = video.path.stat()
    raw = video.raw_format
    # A change leaves the time of the last change of the inode, whatever sets the file's own time.
    parts = [str(video.path.absolute()), stat.st_size, stat.st_mtime_ns, stat.st_ino]
    parts.append(stat.st_ctime_ns)
    return json.dumps([*parts, raw and str(raw), reader, reader_version("pyav")]), stat.st_size


def _holds(entry: dict[str, Any], decode: bool, time_limit_s: float) -> bool:
    """Return whether an entry of the journal is still valid; a longer wait may remove an error."""
    if entry["facts"]["error"] is not None and entry["time_limit_s"] < time_limit_s:
        return False
    return entry["facts"]["decoded"] or entry["facts"]["frames"] is None or not decode


def _read_journal(path: Path) -> dict[str, dict[str, Any]]:
    """The last entry of every file; torn lines, or those of an older version, are ignored."""
    known = {}
    if path.is_file():
        for line in path.read_bytes().splitlines():
            try:
                entry = json.loads(line)
                Facts(**entry["facts"])
                known[entry["file"]] = {**entry, "time_limit_s": float(entry["time_limit_s"])}
            except (ValueError, KeyError, TypeError):
                log.info("%s: ignored an incomplete line", path)
    return known


@contextmanager
def _appending(path: Path) -> Iterator[Callable[[dict[str, Any]], None]]:
    """A function that appends an entry to the journal in one write, after a torn line if any."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torn = path.is_file() and path.read_bytes()[-1:] not in (b"", b"\n")
    with path.open("ab", buffering=0) as file:
        if torn:
            file.write(b"\n")

        def append(entry: dict[str, Any]) -> None:
            file.write(json.dumps(entry).encode() + b"\n")

        yield append
