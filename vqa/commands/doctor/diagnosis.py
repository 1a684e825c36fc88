"""Diagnosis of a downloaded database before any GPU hour is spent on it.

These checks are pure functions: they take the label table, the facts of the files (`survey`) and
the other files on disk (`disk`), and return findings. `vqa doctor DATABASE` runs them.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vqa.commands.doctor.disk import counterparts
from vqa.commands.doctor.likeness import alike
from vqa.commands.doctor.survey import Facts
from vqa.databases.records import Database, VideoRecord

RATE_TOLERANCE = 0.01  # 29.97 and 30, or 23.976 and 24, count as equal; 24 and 25 do not
# Label tables count coded frames, some of which are hidden at either end, or multiply duration by
# rate; a file that was cut or converted to another rate differs by more than this.
FRAMES_TOLERANCE, FRAMES_TOLERANCE_SHARE = 2, 0.01
RATES_HZ = (1.0, 1000.0)  # a rate outside is the time base of a container, such as 90000


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of finding.

    Attributes:
        fault: Whether it stops or falsifies training; such a video is not usable.
        remedy: How to fix it.
    """

    fault: bool
    remedy: str


_FETCH = "download these files again; extraction skips and lists them"
_OTHER = "download the release's own files: viewers rated another version"

KINDS: Mapping[str, Kind] = {
    "missing": Kind(
        True, "download them, or check data.root; data.missing=skip continues without them"
    ),
    "renamed": Kind(
        True, "rename or link each file to the name in the label table; check the guess by eye"
    ),
    "mos": Kind(True, "correct the label table, or the rating scale (data.mos_range)"),
    "constant mos": Kind(True, "use the column of the label table that holds the opinions"),
    "unreadable": Kind(True, _FETCH),
    "undecodable": Kind(True, _FETCH),
    "single frame": Kind(True, "download these files again: a video has more than one frame"),
    "size": Kind(True, _OTHER),
    "rate": Kind(True, _OTHER),
    "frames": Kind(True, "download the release's own files: these were cut or converted"),
    "absurd rate": Kind(
        True, "download these files again; features at a fixed rate would rely on it"
    ),
    "two labels": Kind(True, "keep one label row per file: which of its MOS is right?"),
    "duplicate": Kind(
        False, "nothing to do: equal files are one content, so splits keep them in one part"
    ),
    "alike": Kind(
        False, "look at the pairs; if they show one scene, give them one content in the label table"
    ),
    "shared": Kind(
        False, "nothing to do: cross-database tests skip files that the model was trained on"
    ),
    "absurd label": Kind(False, "nothing to do: the rate of the file itself is used"),
    "extra": Kind(False, "nothing to do: files without a label are not used"),
}


@dataclass(frozen=True, slots=True)
class Other:
    """The files of another database.

    Attributes:
        hashes: Id of each SHA-256.
        likeness: Perceptual hash by id, empty if there is none.
    """

    hashes: Mapping[str, str]
    likeness: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding.

    Attributes:
        kind: One of `KINDS`.
        video: Id of the labelled video; None if it concerns none or all of them.
        text: What was found and what was expected.
        file: The file on disk that it concerns, if it is not the video's own.
    """

    kind: str
    video: str | None = None
    text: str = ""
    file: str | None = None


def diagnose(
    database: Database,
    facts: Mapping[str, Facts],
    extras: Sequence[Path],
    others: Mapping[str, Other] | None = None,
) -> list[Finding]:
    """Return all findings, in the order of `KINDS`.

    Args:
        database: All labelled videos, including those without a file.
        facts: Facts of the files by id; a labelled video without facts has no file.
        extras: Files on disk that no label row names.
        others: Other databases by name.
    """
    present = [(video, facts[video.id]) for video in database.videos if video.id in facts]
    whole = [(video, fact) for video, fact in present if fact.error is None]
    found = [
        *_absent(database.videos, facts, extras),
        *_opinions(database),
        *(_failed(video, fact) for video, fact in present if fact.error is not None),
        *(finding for video, fact in whole for finding in _mismatches(video, fact)),
        *_duplicates(whole),
        *_alike(whole),
        *_shared(whole, others or {}),
    ]
    order = list(KINDS)
    return sorted(found, key=lambda finding: order.index(finding.kind))


def usable(database: Database, findings: Sequence[Finding]) -> list[str]:
    """Return the ids of the videos without a fault."""
    spoiled = {finding.video for finding in findings if KINDS[finding.kind].fault}
    return [video.id for video in database.videos if video.id not in spoiled]


def _absent(
    videos: Sequence[VideoRecord], facts: Mapping[str, Facts], extras: Sequence[Path]
) -> Iterator[Finding]:
    """Labelled videos without a file, files without a label, and pairs that seem to match."""
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
    """MOS that are not finite, outside the scale, or all equal."""
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
        return Finding("unreadable", video.id, fact.error or "")
    text = f"{fact.error} (after {fact.frames_decoded} of {fact.frames} frames)"
    return Finding("undecodable", video.id, text)


def _mismatches(video: VideoRecord, fact: Facts) -> Iterator[Finding]:
    """Differences between a file and its row in the label table; empty cells are not checked."""
    assert fact.frames is not None  # a readable file has all facts
    if fact.frames < 2 and video.frames != 1:
        yield Finding("single frame", video.id, "has one frame")
    if video.width and video.height:
        # Tables give the size as stored or as displayed, before or after a rotation by 90 degrees.
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
    assert fact.frame_rate_hz is not None
    lowest, highest = RATES_HZ
    plausible = lowest <= fact.frame_rate_hz <= highest
    if not plausible:
        yield Finding("absurd rate", video.id, f"{fact.frame_rate_hz:.6g} frames per second")
    if not video.frame_rate_hz:
        return
    if not lowest <= video.frame_rate_hz <= highest:
        yield Finding("absurd label", video.id, f"the label table says {video.frame_rate_hz:g} Hz")
    # Tools disagree on the rate of a video with a variable frame rate.
    elif (
        plausible
        and not fact.variable_rate
        and abs(fact.frame_rate_hz / video.frame_rate_hz - 1) > RATE_TOLERANCE
    ):
        text = f"{fact.frame_rate_hz:.6g} Hz, the label table says {video.frame_rate_hz:.6g} Hz"
        yield Finding("rate", video.id, text)


def _duplicates(whole: Sequence[tuple[VideoRecord, Facts]]) -> Iterator[Finding]:
    """Videos whose file is byte-identical to that of an earlier one, with the same MOS or not."""
    first: dict[str, VideoRecord] = {}
    for video, fact in whole:
        earlier = first.setdefault(fact.sha256, video)
        if earlier is video:
            continue
        if earlier.mos == video.mos:
            yield Finding("duplicate", video.id, f"the same file as {earlier.id}")
        else:
            text = f"MOS {video.mos:g}, the same file as {earlier.id} with MOS {earlier.mos:g}"
            yield Finding("two labels", video.id, text)


def _alike(whole: Sequence[tuple[VideoRecord, Facts]]) -> Iterator[Finding]:
    """Pairs of different files that begin with the same pictures and are of different contents."""
    contents = {video.id: video.content_id for video, _ in whole}
    hashes = {video.id: fact.sha256 for video, fact in whole}
    for one, other, bits in alike({video.id: fact.likeness for video, fact in whole}):
        if contents[one] != contents[other] and hashes[one] != hashes[other]:
            yield Finding("alike", one, f"begins like {other} ({bits} of 192 bits differ)")


def _shared(
    whole: Sequence[tuple[VideoRecord, Facts]], others: Mapping[str, Other]
) -> Iterator[Finding]:
    """Videos that other databases have too: the same file, or one that begins the same."""
    for name, other in others.items():
        same = {video.id for video, fact in whole if fact.sha256 in other.hashes}
        for video, fact in whole:
            if video.id in same:
                found = other.hashes[fact.sha256]
                yield Finding("shared", video.id, f"the same file as {name}: {found}")
        rest = {video.id: fact.likeness for video, fact in whole if video.id not in same}
        for one, theirs, bits in alike(rest, other.likeness):
            text = f"begins like {name}: {theirs} ({bits} of 192 bits differ)"
            yield Finding("alike", one, text)
