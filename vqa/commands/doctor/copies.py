"""Copies: equal files, and files that begin with the same pictures."""

import math
from collections.abc import Iterator, Sequence

from vqa.commands.doctor.earlier import Earlier
from vqa.commands.doctor.findings import Finding
from vqa.commands.doctor.likeness import BITS
from vqa.commands.doctor.nearest import Hashed, nearest_among, nearest_earlier
from vqa.commands.doctor.survey import Facts
from vqa.databases.records import Database, VideoRecord
from vqa.protocols.twins import joined_contents

Whole = Sequence[tuple[VideoRecord, Facts]]  # videos whose files can be read, with their facts


def duplicates(whole: Whole) -> Iterator[Finding]:
    """Yield the videos whose file is equal to that of an earlier one.

    If the MOS of equal files differ, nobody knows which is right, so each of them is a fault.
    """
    same: dict[str, list[VideoRecord]] = {}
    for video, fact in whole:
        same.setdefault(fact.sha256, []).append(video)
    for videos in same.values():
        rated = [video for video in videos if math.isfinite(video.mos)]
        if len({video.mos for video in rated}) > 1:
            for video in rated:
                other = next(one for one in rated if one.mos != video.mos)
                text = f"MOS {video.mos:g}, the same file as {other.id} with MOS {other.mos:g}"
                yield Finding("two labels", video.id, text)
        else:
            for video in videos[1:]:
                yield Finding("duplicate", video.id, f"the same file as {videos[0].id}")


def begin_alike(database: Database, whole: Whole) -> Iterator[Finding]:
    """Yield the videos that begin like an earlier one of another content."""
    content = {
        video.id: video.content_id
        for video in joined_contents(
            database, {video.id: fact.sha256 for video, fact in whole}
        ).videos
    }
    hashed = [Hashed(content[video.id], fact.likeness) for video, fact in whole]
    for place, match in sorted(nearest_earlier(hashed).items()):
        earlier, _ = whole[match.place]
        text = f"begins like {earlier.id} ({match.bits} of {BITS} bits differ)"
        yield Finding("alike", whole[place][0].id, text)


def shared(whole: Whole, others: Sequence[Earlier]) -> Iterator[Finding]:
    """Yield the videos that other databases have too: the same file, or one that begins alike."""
    hashed = [Hashed(fact.sha256, fact.likeness) for _, fact in whole]
    for other in others:
        for video, fact in whole:
            if fact.sha256 in other.ids:
                theirs = other.ids[fact.sha256]
                yield Finding("shared", video.id, f"the same file as {other.name}: {theirs}")
        for place, match in sorted(nearest_among(hashed, other.videos).items()):
            video, fact = whole[place]
            if fact.sha256 not in other.ids:
                theirs = other.ids[other.videos[match.place].group]
                text = f"begins like {other.name}: {theirs} ({match.bits} of {BITS} bits differ)"
                yield Finding("alike", video.id, text)
