"""Diagnosis of a downloaded database before any GPU hour is spent on it.

These checks are pure functions: they take the label table, the facts of the files (`survey`) and
the other files on disk (`disk`), and return findings. `vqa doctor DATABASE` runs them.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from vqa.commands.doctor.copies import begin_alike, duplicates, shared
from vqa.commands.doctor.disk import counterparts
from vqa.commands.doctor.earlier import Earlier
from vqa.commands.doctor.findings import KINDS, Finding
from vqa.commands.doctor.survey import Facts
from vqa.databases.records import Database, VideoRecord

RATE_TOLERANCE = 0.01  # 29.97 and 30, or 23.976 and 24, count as equal; 24 and 25 do not
# Label tables count coded frames, some of which are hidden at either end, or multiply duration by
# rate; a file that was cut or converted to another rate differs by more than this.
FRAMES_TOLERANCE, FRAMES_TOLERANCE_SHARE = 2, 0.01
RATES_HZ = (1.0, 1000.0)  # a rate outside is the time base of a container, such as 90000


def diagnose(
    database: Database,
    facts: Mapping[str, Facts],
    extras: Sequence[Path],
    others: Sequence[Earlier] = (),
) -> list[Finding]:
    """Return all findings, in the order of `KINDS`.

    Args:
        database: All labelled videos, including those without a file.
        facts: Facts of the files by id; a labelled video without facts has no file.
        extras: Files on disk that no label row names.
        others: Earlier checks of other databases.
    """
    present = [(video, facts[video.id]) for video in database.videos if video.id in facts]
    whole = [(video, fact) for video, fact in present if fact.error is None]
    found = [
        *_absent(database.videos, facts, extras),
        *_opinions(database),
        *(_failed(video, fact) for video, fact in present if fact.error is not None),
        *(finding for video, fact in whole for finding in _mismatches(video, fact)),
        *duplicates(whole),
        *begin_alike(database, whole),
        *shared(whole, others),
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
