"""The random splits of published feature studies, by rows of the label table."""

from vqa.databases.records import Database
from vqa.protocols.leaks import log_leaks
from vqa.protocols.row_splits import videval_splits
from vqa.protocols.splits import Split


def videval(database: Database, *, count: int = 100) -> list[Split]:
    """80/20 splits with the seeds of VIDEVAL, RAPIQUE and their successors.

    They belong to the order of the label table and know no scenes: only with the release's own
    table, and only to reproduce its numbers. `Split.seed` is the number of the split from 1, from
    which `SVRLearner(inner="videval")` has the published inner split.

    Source: Tu et al., VIDEVAL, 2021, and the scripts of the studies that follow it.

    Args:
        database: What to split.
        count: Number of splits; 100 as published.

    Raises:
        ValueError: Fewer than three videos, or no splits.
    """
    ids = [video.id for video in database.videos]
    splits = [
        Split(
            f"split{place}",
            tuple(ids[row] for row in rows.whole),
            (),
            tuple(ids[row] for row in rows.test),
            "video",
            place + 1,
        )
        for place, rows in enumerate(videval_splits(len(ids), count))
    ]
    log_leaks(database, splits)
    return splits
