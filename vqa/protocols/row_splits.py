"""The random splits of published feature studies, row by row."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

TEST_SHARE = 0.2


@dataclass(frozen=True, eq=False)
class RowSplit:
    """Row numbers of one split, in the order in which the published scripts feed them.

    Attributes:
        whole: The training part.
        train: What of it candidates are fitted on.
        val: What of it they are judged on.
        test: The test part.
    """

    whole: NDArray[np.intp]
    train: NDArray[np.intp]
    val: NDArray[np.intp]
    test: NDArray[np.intp]


def videval_splits(rows: int, count: int = 100) -> Iterator[RowSplit]:
    """The 80/20 splits of VIDEVAL, RAPIQUE and their successors, each with its inner 80/20 split.

    The seeds of the outer and the inner split are 8.8 and 6.6 times the number of the split
    (counted from 1), rounded up. They belong to rows: the table must have the order of the release.

    Raises:
        ValueError: Too few rows to cut twice, or no splits.
    """
    if rows < 3 or count < 1:
        raise ValueError(f"rows={rows}, count={count}: expected at least 3 and 1")
    for number in range(1, count + 1):
        outer, inner = math.ceil(8.8 * number), math.ceil(6.6 * number)
        whole, test = train_test_split(np.arange(rows), test_size=TEST_SHARE, random_state=outer)
        train, val = train_test_split(whole, test_size=TEST_SHARE, random_state=inner)
        yield RowSplit(whole, train, val, test)
