"""What is wrong with a downloaded database, found before any GPU hour is spent on it.

The checks here are pure: label table, facts of the files (`vqa.commands.doctor.survey`) and what else
lies on disk (`vqa.commands.doctor.disk`) go in, findings come out. `python -m vqa.commands.doctor` runs them.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vqa.commands.doctor.disk import counterparts
from vqa.commands.doctor.survey import Facts
from vqa.databases.records import Database, VideoRecord

RATE_TOLERANCE = 0.01  # 29.97 and 30, 23.976 and 24 are one rate; 24 and 25 are not
# Tables count coded frames, some of them hidden at either end, or multiply duration and rate; a
# file that was cut or converted to another rate is off by more.
FRAMES_TOLERANCE, FRAMES_TOLERANCE_SHARE = 2, 0.01
RATES_HZ = (1.0, 1000.0)  # outside lies the time base of a container, 90000, and no camera


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of finding.

    Attributes:
        fault: Whether it stops or falsifies training; such a video is not usable.
        remedy: What to do about it, in plain words.
    """

    fault: bool
    remedy: str


_FETCH = "fetch these files again; extraction leaves them out and lists them"
_OTHER = "fetch the release's own files: viewers rated another version"

KINDS: Mapping[str, Kind] = {
    "missing": Kind(True, "fetch them, or check data.root; data.missing=skip goes on without them"),
    "renamed": Kind(
        True, "rename or link each file to what the label table expects; check the guess by eye"
    ),
    "mos": Kind(True, "correct the label table, or the rating scale (data.mos_range)"),
    "constant mos": Kind(True, "take the column of the label table that holds the opinions"),
    "unreadable": Kind(True, _FETCH),
    "undecodable": Kind(True, _FETCH),
    "single frame": Kind(True, "fetch these files again: one frame is no video"),
    "size": Kind(True, _OTHER),
    "rate": Kind(True, _OTHER),
    "frames": Kind(True, "fetch the release's own files: these were cut or converted"),
    "absurd rate": Kind(
        True, "fetch these files again; features at a fixed rate would take it at its word"
    ),
    "duplicate": Kind(
        True, "keep one label row for each, or splits put one video into training and test"
    ),
    "shared": Kind(
        False, "nothing: tests across databases leave out files that the model was trained on"
    ),
    "absurd label": Kind(False, "nothing: the rate of the file itself is used"),
    "extra": Kind(False, "nothing: files without a label are not used"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found.

    Attributes:
        kind: One of `KINDS`.
        video: Id of the labelled video; None where it is about none or about all of them.
        text: What was found and what was expected.
        file: The file on disk that it is about, where it is not the video's own.
    """

    kind: str
    video: str | None = None
    text: str = ""
    file: str | None = None


def diagnose(
    database: Database,
    facts: Mapping[str, Facts],
    extras: Sequence[Path],
    others: Mapping[str, Mapping[str, str]] | None = None,
) -> list[Finding]:
    """All findings, in the order of `KINDS`.

    Args:
        database: All labelled videos, those without a file among them.
        facts: What the files hold by id; a labelled video without facts has no file.
        extras: Files on disk that no label row names.
        others: Names of other databases and the id of each SHA-256 in them.
    """
    present = [(video, facts[video.id]) for video in database.videos if video.id in facts]
    whole = [(video, fact) for video, fact in present if fact.error is None]
    found = [
        *_absent(database.videos, facts, extras),
        *_opinions(database),
        *(_failed(video, fact) for video, fact in present if fact.error is not None),
        *(finding for video, fact in whole for finding in _mismatches(video, fact)),
        *_duplicates(whole),
        *_shared(whole, others or {}),
    ]
    order = list(KINDS)
    return sorted(found, key=lambda finding: order.index(finding.kind))


def usable(database: Database, findings: Sequence[Finding]) -> list[str]:
    """Ids of the videos that no fault names."""
    spoiled = {finding.video for finding in findings if KINDS[finding.kind].fault}
    return [video.id for video in database.videos if video.id not in spoiled]


def _absent(
    videos: Sequence[VideoRecord], facts: Mapping[str, Facts], extras: Sequence[Path]
) -> Iterator[Finding]:
    """Labelled videos without a file, files without a label, and pairs that look like one video."""
    expected = {video.id: video.path for video in videos}
    pairs = counterparts(expected, [key for key in expected if key not in facts], extras)
    for key, path in expected.items():
        if key in pairs:
            file, agreement = pairs[key]
            yield Finding("renamed", key, f"{file.name} {agreement}", str(file))
        elif key not in facts:
            yield Finding("missing", key, f"expected {path}")
    taken = {file for file, _ in pairs.values()}
    yield from (Finding("extra", None, "", str(file)) for file in extras if file not in taken)


def _opinions(database: Database) -> Iterator[Finding]:
    """MOS that are none, that leave the scale, or that do not differ."""
    low, high = database.mos_range
    for video in database.videos:
        if not (math.isfinite(video.mos) and low <= video.mos <= high):
            text = f"MOS {video.mos:g}, expected a number inside [{low:g}, {high:g}]"
            yield Finding("mos", video.id, text)
    values = {video.mos for video in database.videos}
    if len(database) > 1 and len(values) == 1:
        yield Finding("constant mos", None, f"all {len(database)} videos have MOS {values.pop():g}")


def _failed(video: VideoRecord, fact: Facts) -> Finding:
    if fact.frames is None:
        return Finding("unreadable", video.id, fact.error)
    text = f"{fact.error} (after {fact.frames_decoded} of {fact.frames} frames)"
    return Finding("undecodable", video.id, text)


def _mismatches(video: VideoRecord, fact: Facts) -> Iterator[Finding]:
    """Where a file is not what the label table says; what the table leaves open is not judged."""
    if fact.frames < 2 and video.frames != 1:
        yield Finding("single frame", video.id, "holds one frame")
    if video.width and video.height:
        # Tables give the size as stored or as displayed, before or after a turn by 90 degrees.
        shown = (fact.width, fact.height)
        stored = shown[::-1] if fact.rotation_deg in (90, 270) else shown
        if (video.width, video.height) not in (shown, stored):
            text = f"{fact.width}x{fact.height}, the label table says {video.width}x{video.height}"
            yield Finding("size", video.id, text)
    yield from _rate_mismatches(video, fact)
    if video.frames:
        allowed = max(FRAMES_TOLERANCE, FRAMES_TOLERANCE_SHARE * video.frames)
        if abs(fact.frames - video.frames) > allowed:
            text = f"{fact.frames} frames, the label table says {video.frames}"
            yield Finding("frames", video.id, text)


def _rate_mismatches(video: VideoRecord, fact: Facts) -> Iterator[Finding]:
    lowest, highest = RATES_HZ
    plausible = lowest <= fact.frame_rate_hz <= highest
    if not plausible:
        yield Finding("absurd rate", video.id, f"{fact.frame_rate_hz:.6g} frames per second")
    if not video.frame_rate_hz:
        return
    if not lowest <= video.frame_rate_hz <= highest:
        yield Finding("absurd label", video.id, f"the label table says {video.frame_rate_hz:g} Hz")
    # What is called the rate of a video with a variable one differs from tool to tool.
    elif (
        plausible
        and not fact.variable_rate
        and abs(fact.frame_rate_hz / video.frame_rate_hz - 1) > RATE_TOLERANCE
    ):
        text = f"{fact.frame_rate_hz:.6g} Hz, the label table says {video.frame_rate_hz:.6g} Hz"
        yield Finding("rate", video.id, text)


def _duplicates(whole: Sequence[tuple[VideoRecord, Facts]]) -> Iterator[Finding]:
    """Videos whose file equals that of an earlier one, byte for byte."""
    first: dict[str, str] = {}
    for video, fact in whole:
        earlier = first.setdefault(fact.sha256, video.id)
        if earlier != video.id:
            yield Finding("duplicate", video.id, f"the same file as {earlier}")


def _shared(
    whole: Sequence[tuple[VideoRecord, Facts]], others: Mapping[str, Mapping[str, str]]
) -> Iterator[Finding]:
    for name, ids in others.items():
        for video, fact in whole:
            if fact.sha256 in ids:
                yield Finding("shared", video.id, f"the same file as {name}: {ids[fact.sha256]}")
