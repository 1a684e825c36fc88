"""Leaks: test videos whose scene the model has seen, compared with a split by video.

A test video leaks if a video of the same content is in the training or validation part, because the
model was fitted or selected on its scene. The count is compared with that of a naive split, which
deals the same videos one by one, in parts of the same sizes and with the same seed.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqa.databases.records import Database
from vqa.protocols.splits import Split
from vqa.protocols.twins import Hashes, twin_report

LOGGER = logging.getLogger(__name__)


def leak_report(
    database: Database, splits: Sequence[Split], hashes: Hashes | None = None
) -> dict[str, Any]:
    """Count the leaks of splits, and those of naive splits by video.

    Args:
        database: The database, which knows the contents.
        splits: Splits of it, in the order of their protocol.
        hashes: SHA-256 of each video's file, to find equal files.

    Returns:
        Plain values for JSON: `contents`, `repeated_contents` (contents with several videos), the
        sums `test`, `leaked` and `leaked_by_video` over all splits, `splits`, a row per split with
        `split`, `test`, `leaked` and `leaked_by_video` (numbers of test videos), and `twins` as
        `vqa.protocols.twins.twin_report` counts them.
    """
    content_of = {video.id: video.content_id for video in database.videos}
    sizes = Counter(content_of.values())
    repeated = sum(size > 1 for size in sizes.values())
    # Numbers for names, ascending with them, and for contents: sets of a million names are slow.
    place_of = {name: place for place, name in enumerate(sorted(content_of))}
    number_of = {content: number for number, content in enumerate(sizes)}
    contents = np.fromiter((number_of[content_of[name]] for name in place_of), np.intp)
    rows = []
    for index, split in enumerate(splits):
        leaked = by_video = 0
        if repeated:
            seen, test = (
                np.fromiter(map(place_of.__getitem__, names), np.intp)
                for names in ((*split.train, *split.val), split.test)
            )
            leaked = _leaked(contents[seen], contents[test])
            row = contents[_shuffled(np.sort(np.concatenate([seen, test])), split.seed, index)]
            by_video = _leaked(row[len(test) :], row[: len(test)])
        counts = {"test": len(split.test), "leaked": leaked, "leaked_by_video": by_video}
        rows.append({"split": split.name, **counts})
    sums = {key: sum(row[key] for row in rows) for key in ("test", "leaked", "leaked_by_video")}
    twins = twin_report(splits, hashes or {})
    return {
        "contents": len(sizes), "repeated_contents": repeated, **sums, "splits": rows,
        "twins": twins,
    }  # fmt: skip


def log_leaks(database: Database, splits: Sequence[Split]) -> None:
    """Log one line: a warning if test scenes leak, otherwise how many leaks were avoided."""
    report = leak_report(database, splits)
    leaked, by_video, test = (report[key] for key in ("leaked", "leaked_by_video", "test"))
    made = f"{len(splits)} splits by {splits[0].group_by}"
    if leaked:
        LOGGER.warning(
            "%s: %d of %d test videos share a content with the training part (%s)",
            database.name,
            leaked,
            test,
            made,
        )
    elif by_video:
        LOGGER.info(
            "%s: a split by video would have leaked %d of %d test videos (%s: none)",
            database.name,
            by_video,
            test,
            made,
        )


def straddling(database: Database, split: Split) -> list[str]:
    """Return the contents with videos in more than one part of a split, sorted."""
    content_of = {video.id: video.content_id for video in database.videos}
    counts = Counter(
        content for ids in split.parts.values() for content in {content_of[name] for name in ids}
    )
    return sorted(content for content, parts in counts.items() if parts > 1)


def _shuffled(places: NDArray[np.intp], seed: int, index: int) -> NDArray[np.intp]:
    """Do as `grouping.shuffled`, on an array."""
    return places[np.random.default_rng([seed, index]).permutation(len(places))]


def _leaked(seen: NDArray[np.intp], test: NDArray[np.intp]) -> int:
    """Count the test videos whose content, by its number, is among those that were seen."""
    return int(np.isin(test, seen).sum())
