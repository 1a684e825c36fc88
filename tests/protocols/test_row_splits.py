"""The published splits by rows of the label table."""

import math

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from tests.protocols.databases import make_database
from vqa.protocols import videval
from vqa.protocols.row_splits import inner_split, videval_splits


def test_rows_are_those_of_the_published_scripts():
    """The scripts use scikit-learn, with the seeds ceil(8.8 i) and ceil(6.6 i)."""
    table = np.arange(101) * 10
    outer, inner = [9, 18, 27, 36, 44], [7, 14, 20, 27, 33]
    splits = list(videval_splits(101, 5))
    assert len(splits) == 5
    for split, first, second in zip(splits, outer, inner, strict=True):
        whole, test = train_test_split(table, test_size=0.2, random_state=first)
        train, val = train_test_split(whole, test_size=0.2, random_state=second)
        expected = {"whole": whole, "train": train, "val": val, "test": test}
        for part, rows in expected.items():
            np.testing.assert_array_equal(table[getattr(split, part)], rows)


@pytest.mark.parametrize("rows", [2, 3, 4, 5, 6, 9, 10, 11, 234, 585, 1200])
def test_inner_splits_are_those_of_scikit_learn(rows):
    for number in (0, 1, 7, 100):
        seed = math.ceil(6.6 * number)
        expected = train_test_split(np.arange(rows), test_size=0.2, random_state=seed)
        for ours, theirs in zip(inner_split(np.arange(rows), number), expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(ValueError, match="1 training videos: expected at least 2"):
        inner_split(np.arange(1), 1)


def test_row_parts_are_disjoint_and_complete():
    splits = list(videval_splits(1039))
    assert len(splits) == 100
    assert len({tuple(split.test) for split in splits}) == 100
    for split in splits:
        assert [len(part) for part in (split.train, split.val, split.test)] == [664, 167, 208]
        assert sorted([*split.train, *split.val]) == sorted(split.whole)
        assert sorted([*split.whole, *split.test]) == list(range(1039))


@pytest.mark.parametrize(("rows", "count"), [(2, 100), (10, 0)])
def test_too_few_rows_or_splits(rows, count):
    with pytest.raises(ValueError, match="expected at least 3 and 1"):
        list(videval_splits(rows, count))


def test_the_protocol_has_the_published_rows_seeds_and_order():
    database = make_database([1] * 20)
    splits = videval(database, count=5)
    ids = [video.id for video in database.videos]
    for number, split in enumerate(splits, start=1):
        seed = math.ceil(8.8 * number)
        train, test = train_test_split(ids, test_size=0.2, random_state=seed)
        assert split.train == tuple(train)
        assert split.test == tuple(test)
        assert (split.val, split.group_by, split.seed) == ((), "video", number)
    assert [split.name for split in splits] == [f"split{place}" for place in range(5)]


def test_the_protocol_refuses_too_few_splits():
    with pytest.raises(ValueError, match="expected at least 3 and 1"):
        videval(make_database([1] * 20), count=0)
