"""The published splits by rows."""

import math

import pytest
from sklearn.model_selection import train_test_split

from tests.protocols.databases import make_database
from vqa.protocols import videval


def test_rows_seeds_and_order_are_the_published_ones():
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


def test_too_little_is_refused():
    with pytest.raises(ValueError, match="expected at least 3 and 1"):
        videval(make_database([1] * 20), count=0)
