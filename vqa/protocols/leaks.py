"""How many test videos show a scene that the model has met, and how many would by video.

A test video leaks where a video of its content is in the training or the validation part: the
model was fitted or chosen on its scene. Beside the actual count stands the count of a naive split
of the same sizes that deals the same videos one by one with the same seed.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from vqa.databases.records import Database
from vqa.protocols.grouping import shuffled
from vqa.protocols.splits import PARTS, Split

LOGGER = logging.getLogger(__name__)


def leak_report(database: Database, splits: Sequence[Split]) -> dict[str, Any]:
    """Actual leaks of some splits, and those of naive splits by video.

    Args:
        database: Where the contents stand.
        splits: Splits of it, in the order of their protocol.

    Returns:
        Plain values, ready for JSON: `contents`, `repeated_contents` (with several videos), the
        sums over the splits `test`, `leaked` and `leaked_by_video`, and `splits`, one row for each
        with `split`, `test`, `leaked` and `leaked_by_video` (numbers of test videos).
    """
    content_of = {video.id: video.content_id for video in database.videos}
    sizes = Counter(content_of.values())
    repeated = sum(size > 1 for size in sizes.values())
    rows = []
    for index, split in enumerate(splits):
        leaked = by_video = 0
        if repeated:
            seen, test = (*split.train, *split.val), split.test
            leaked = _leaked(content_of, seen, test)
            row = shuffled(sorted((*seen, *test)), (split.seed, index))
            by_video = _leaked(content_of, row[len(test) :], row[: len(test)])
        counts = {"test": len(split.test), "leaked": leaked, "leaked_by_video": by_video}
        rows.append({"split": split.name, **counts})
    sums = {key: sum(row[key] for row in rows) for key in ("test", "leaked", "leaked_by_video")}
    return {"contents": len(sizes), "repeated_contents": repeated, **sums, "splits": rows}


def log_leaks(database: Database, splits: Sequence[Split]) -> None:
    """One line, however many splits: a warning where test scenes leak, else what was avoided."""
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
    """Contents with videos in more than one part of a split."""
    content_of = {video.id: video.content_id for video in database.videos}
    sides = Counter(
        content for part in PARTS for content in {content_of[name] for name in getattr(split, part)}
    )
    return sorted(content for content, parts in sides.items() if parts > 1)


def _leaked(content_of: Mapping[str, str], seen: Iterable[str], test: Iterable[str]) -> int:
    contents = {content_of[name] for name in seen}
    return sum(content_of[name] in contents for name in test)
