import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from vqa.models.svr import videval_splits


def test_videval_splits_are_those_of_the_scripts():
    """Seeds by their first values: ceil(8.8 i) and ceil(6.6 i)."""
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


def test_videval_parts_are_disjoint_and_complete():
    splits = list(videval_splits(1039))
    assert len(splits) == 100
    assert len({tuple(split.test) for split in splits}) == 100
    for split in splits:
        assert [len(part) for part in (split.train, split.val, split.test)] == [664, 167, 208]
        assert sorted([*split.train, *split.val]) == sorted(split.whole)
        assert sorted([*split.whole, *split.test]) == list(range(1039))


@pytest.mark.parametrize(("rows", "count"), [(2, 100), (10, 0)])
def test_too_few(rows, count):
    with pytest.raises(ValueError, match="expected at least 3 and 1"):
        list(videval_splits(rows, count))
