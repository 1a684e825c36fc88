"""Random splits of published feature studies, by row of the label table.

Source: Z. Tu, Y. Wang, N. Birkbeck, B. Adsumilli, A. C. Bovik, "UGC-VQA: benchmarking blind video
quality assessment for user generated content" (VIDEVAL), IEEE Transactions on Image Processing 30,
2021, and the scripts of the studies that follow it.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vqa.databases.records import Database
from vqa.protocols.leaks import log_leaks
from vqa.protocols.splits import Split

TEST_SHARE = 0.2

Rows = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class RowSplit:
    """Row numbers of one split, in the order in which the published scripts use them.

    Attributes:
        whole: The training part.
        train: Rows of `whole` that candidates are fitted on.
        val: Rows of `whole` that candidates are evaluated on.
        test: The test part.
    """

    whole: Rows
    train: Rows
    val: Rows
    test: Rows


def videval(database: Database, *, count: int = 100) -> list[Split]:
    """Make 80/20 splits with the seeds of VIDEVAL, RAPIQUE and their successors.

    They depend on the order of the label table and ignore scenes. Use them only with the release's
    own table, and only to reproduce its numbers. `Split.seed` is the number of the split, counted
    from 1; `SVRLearner(inner="videval")` derives the published inner split from it.

    Args:
        database: The database to split.
        count: Number of splits; 100 as published.

    Raises:
        ValueError: There are fewer than three videos, or no splits.
    """
    ids = [video.id for video in database.videos]
    splits = [
        Split(
            f"split{number - 1}",
            train=tuple(ids[row] for row in rows.whole),
            val=(),
            test=tuple(ids[row] for row in rows.test),
            group_by="video",
            seed=number,
        )
        for number, rows in enumerate(videval_splits(len(ids), count), start=1)
    ]
    log_leaks(database, splits)
    return splits


def videval_splits(rows: int, count: int = 100) -> Iterator[RowSplit]:
    """Yield the 80/20 splits of VIDEVAL, each with its inner 80/20 split.

    The seed of an outer split is 8.8 times its number (counted from 1), rounded up. Rows must have
    the order of the release's table.

    Args:
        rows: Number of rows of the label table.
        count: Number of splits.

    Raises:
        ValueError: There are too few rows to divide twice, or no splits.
    """
    if rows < 3 or count < 1:
        raise ValueError(f"rows={rows}, count={count}: expected at least 3 and 1")
    for number in range(1, count + 1):
        whole, test = _divided(np.arange(rows), math.ceil(8.8 * number))
        train, val = inner_split(whole, number)
        yield RowSplit(whole, train, val, test)


def inner_split(rows: Rows, number: int) -> tuple[Rows, Rows]:
    """Divide a training part 80/20 as VIDEVAL does to choose the parameters of a regression.

    The seed is 6.6 times the number of the split, rounded up.

    Args:
        rows: Rows of the training part.
        number: Number of the split, counted from 1.

    Returns:
        Rows to fit candidates on, and rows to evaluate them on.

    Raises:
        ValueError: There are fewer than two rows.
    """
    if len(rows) < 2:
        raise ValueError(f"{len(rows)} training videos: expected at least 2 for an inner split")
    return _divided(rows, math.ceil(6.6 * number))


def _divided(rows: Rows, seed: int) -> tuple[Rows, Rows]:
    """Divide rows as scikit-learn's `train_test_split` with `test_size=0.2` and this seed."""
    order = np.random.RandomState(seed).permutation(len(rows))
    size = math.ceil(TEST_SHARE * len(rows))
    return rows[order[size:]], rows[order[:size]]
