from collections import Counter

import pytest

from tests.protocols.databases import CVD, KONVID, QUALCOMM, contents, make_database, sizes
from vqa.protocols import SplitError, full, holdout, kfold, repeated


@pytest.mark.parametrize("database", [CVD, QUALCOMM, KONVID])
@pytest.mark.parametrize("protocol", [repeated, holdout, full, kfold])
def test_parts_are_disjoint_in_videos_and_contents_and_cover_all(database, protocol):
    options = {"rounds": 2} if protocol is kfold else {}
    for split in protocol(database, val_fraction=0.2, seed=3, **options):
        parts = [split.train, split.val, split.test]
        assert Counter(sum(parts, ())) == Counter(video.id for video in database.videos)
        found = [contents(database, part) for part in parts]
        assert sum(map(len, found)) == len(set().union(*found))


@pytest.mark.parametrize(
    ("database", "slack"),
    # Contents are whole, so a size is off by at most half a content.
    [(CVD, 8), (QUALCOMM, 2), (KONVID, 0)],
)
def test_sizes_are_as_close_to_the_target_as_whole_contents_allow(database, slack):
    for split in repeated(database, count=20, test_fraction=0.2, val_fraction=0.15):
        _, val, test = sizes(split)
        assert abs(test - 0.2 * len(database)) <= slack
        assert abs(val - 0.15 * len(database)) <= slack


def test_konvid_sizes_are_those_of_the_literature():
    assert sizes(holdout(KONVID)[0]) == (960, 0, 240)
    assert sizes(holdout(KONVID, val_fraction=0.2)[0]) == (720, 240, 240)


def test_names_options_and_order():
    splits = repeated(KONVID, count=3, seed=5, group_by="video")
    assert [split.name for split in splits] == ["split0", "split1", "split2"]
    assert {(split.group_by, split.seed) for split in splits} == {("video", 5)}
    assert all(list(split.train) == sorted(split.train) for split in splits)
    assert all(list(split.test) == sorted(split.test) for split in splits)


def test_split_k_does_not_depend_on_the_count():
    assert repeated(CVD, count=3) == repeated(CVD, count=10)[:3]
    assert holdout(CVD, seed=4) == repeated(CVD, count=5, seed=4)[:1]


def test_splits_differ_and_seeds_differ():
    tests = {split.test for seed in range(3) for split in repeated(QUALCOMM, count=10, seed=seed)}
    assert len(tests) == 30


def test_all_videos_are_tested_about_equally_often():
    splits = repeated(CVD, count=200)
    counts = Counter(name for split in splits for name in split.test)
    assert len(counts) == len(CVD)
    # Binomial with p near 0.2, n = 200: standard deviation 5.7.
    assert 18 < min(counts.values()) < max(counts.values()) < 62


def test_the_test_part_does_not_depend_on_the_validation_share():
    for plain, carved in zip(repeated(CVD), repeated(CVD, val_fraction=0.2), strict=True):
        assert plain.test == carved.test
        assert set(plain.train) == {*carved.train, *carved.val}


def test_splits_do_not_change_between_releases():
    """The hash is a recorded value."""
    assert (
        holdout(CVD, val_fraction=0.2, seed=1)[0].sha256
        == "b3cc1126768b826a4e4972d9296e8d19dcbe47a5d21c5efb283c713f418d2f18"
    )


def test_smallest_databases():
    assert sizes(holdout(make_database([5, 7]), test_fraction=0.9)[0]) in [(5, 0, 7), (7, 0, 5)]
    assert sizes(holdout(make_database([1, 1, 1]), val_fraction=0.01)[0]) == (1, 1, 1)
    split = holdout(make_database([100, 1, 1]), test_fraction=0.01, val_fraction=0.01)[0]
    assert min(sizes(split)) >= 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: holdout(make_database([9])), "too few contents: 1 groups .* fill 2 parts"),
        (lambda: holdout(make_database([9, 9]), val_fraction=0.2), "2 groups .* fill 3 parts"),
        (lambda: holdout(CVD, test_fraction=0), "test_fraction=0: expected"),
        (lambda: holdout(CVD, test_fraction=1.0), r"test_fraction=1.0: expected"),
        (lambda: holdout(CVD, val_fraction=0.8), r"val_fraction=0.8: expected .* below 0.8"),
        (lambda: holdout(CVD, seed=-1), "seed=-1: expected zero or more"),
        (lambda: repeated(CVD, count=0), "count=0: expected at least one split"),
        (lambda: holdout(CVD, group_by="scene"), "group_by='scene': expected content or video"),
    ],
)
def test_invalid_options(call, message):
    with pytest.raises(SplitError, match=message):
        call()
