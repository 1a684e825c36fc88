from collections import Counter

import pytest

from tests.protocols.databases import CVD, KONVID, QUALCOMM, contents, make_database, sizes
from vqa.databases.records import Database, VideoRecord
from vqa.protocols import SplitError, kfold, leave_one_content_out


def by_round(splits, folds):
    return [splits[start : start + folds] for start in range(0, len(splits), folds)]


def largest_content(database):
    return max(Counter(video.content_id for video in database.videos).values())


@pytest.mark.parametrize("database", [CVD, QUALCOMM, KONVID])
@pytest.mark.parametrize(("folds", "val_fraction"), [(5, 0.0), (3, 0.2), (7, 0.1)])
def test_every_video_is_tested_once_a_round_in_folds_of_whole_contents(
    database, folds, val_fraction
):
    splits = kfold(database, folds=folds, rounds=3, val_fraction=val_fraction, seed=1)
    assert len(splits) == 3 * folds
    ids = Counter(video.id for video in database.videos)
    for dealt in by_round(splits, folds):
        assert Counter(name for split in dealt for name in split.test) == ids
        tested = [contents(database, split.test) for split in dealt]
        assert sum(map(len, tested)) == len(set().union(*tested))
        counts = [len(split.test) for split in dealt]
        assert max(counts) - min(counts) <= largest_content(database)
        for split in dealt:
            assert Counter((*split.train, *split.val, *split.test)) == ids
            assert contents(database, split.val).isdisjoint(contents(database, split.train))
            # Contents are whole, so the size is off by at most half a content.
            target = val_fraction * len(database)
            assert abs(len(split.val) - target) <= largest_content(database) / 2


def test_real_databases_are_dealt_evenly(real_cvd2014, real_livequalcomm):
    for database, groups, largest in ((real_cvd2014, 18, 16), (real_livequalcomm, 54, 4)):
        assert len({video.content for video in database.videos}) == groups
        assert largest_content(database) == largest
        for dealt in by_round(kfold(database), 5):
            counts = [len(split.test) for split in dealt]
            assert sum(counts) == len(database)
            assert max(counts) - min(counts) <= largest
            assert sum(len(contents(database, split.test)) for split in dealt) == groups


def test_contents_of_very_different_sizes_are_dealt_evenly():
    """The largest contents are dealt first, so every round has folds of 12."""
    splits = kfold(make_database([12, 4, 4, 4] + [1] * 12), folds=3)
    assert {len(split.test) for split in splits} == {12}


def test_default_is_a_hundred_splits_as_in_the_literature():
    splits = kfold(KONVID)
    assert len(splits) == 100
    assert {sizes(split) for split in splits} == {(960, 0, 240)}
    assert [split.name for split in splits[:6]] == [
        *(f"round0-fold{fold}" for fold in range(5)),
        "round1-fold0",
    ]
    assert len({split.test for split in splits}) == 100


def test_rounds_and_seeds_are_independent():
    assert kfold(QUALCOMM, rounds=2) == kfold(QUALCOMM, rounds=20)[:10]
    tests = {split.test for seed in range(3) for split in kfold(QUALCOMM, rounds=4, seed=seed)}
    assert len(tests) == 60


def test_the_folds_do_not_depend_on_the_validation_share():
    for plain, carved in zip(
        kfold(CVD, rounds=2), kfold(CVD, rounds=2, val_fraction=0.2), strict=True
    ):
        assert plain.test == carved.test
        assert set(plain.train) == {*carved.train, *carved.val}


def test_by_video_divides_contents(caplog):
    splits = kfold(CVD, rounds=1, group_by="video")
    assert sorted(len(split.test) for split in splits) == [46, 47, 47, 47, 47]
    assert {split.group_by for split in splits} == {"video"}
    assert "test videos share a content with the training part (5 splits by video)" in caplog.text


def test_two_contents_are_enough_for_two_folds():
    assert {sizes(split) for split in kfold(make_database([5, 7]), folds=2, rounds=3)} == {
        (5, 0, 7),
        (7, 0, 5),
    }


def test_each_content_is_left_out_once():
    for database in (CVD, QUALCOMM):
        splits = leave_one_content_out(database, val_fraction=0.1)
        tested = [contents(database, split.test) for split in splits]
        assert all(len(found) == 1 for found in tested)
        assert set().union(*tested) == contents(database, [v.id for v in database.videos])
        for split, (content,) in zip(splits, tested, strict=True):
            assert split.name == f"content-{content}"
            assert not contents(database, split.test) & contents(database, split.train + split.val)
            assert contents(database, split.val).isdisjoint(contents(database, split.train))
            assert sum(sizes(split)) == len(database)


def test_real_contents_give_folder_names(real_cvd2014):
    splits = leave_one_content_out(real_cvd2014)
    assert len(splits) == 18
    assert splits[0].name == "content-Test1-City"
    assert all(name.startswith("Test1/City/") for name in splits[0].test)


def test_unusual_contents_give_distinct_folder_names(tmp_path):
    awkward = ["a/b", "a b", "A-B", "..", "été", "x" * 300 + "1", "x" * 300 + "2", "c."]
    videos = tuple(
        VideoRecord(f"{number}.mp4", tmp_path, 3.0, content=content)
        for number, content in enumerate(awkward)
    )
    splits = leave_one_content_out(Database("toy", (1.0, 5.0), videos))
    names = {split.test[0]: split.name for split in splits}
    assert len({name.lower() for name in names.values()}) == len(awkward)
    assert all(len(name) < 120 and name.isascii() for name in names.values())
    for name in names.values():
        (tmp_path / "runs" / name).mkdir(parents=True)
    assert len(list((tmp_path / "runs").iterdir())) == len(awkward)
    assert names["7.mp4"] == "content-c"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: kfold(CVD, folds=1), "folds=1, rounds=20: expected at least two folds"),
        (
            lambda: kfold(CVD, rounds=0),
            "folds=5, rounds=0: expected at least two folds and one round",
        ),
        (lambda: kfold(CVD, val_fraction=0.8), r"val_fraction=0.8: expected .* below 0.8"),
        (lambda: kfold(CVD, seed=-1), "seed=-1: expected zero or more"),
        (lambda: kfold(CVD, group_by="scene"), "group_by='scene': expected content or video"),
        (lambda: kfold(CVD, folds=19), "too few contents: 18 groups .* fill 19 folds"),
        (lambda: kfold(make_database([4, 4]), folds=2, val_fraction=0.1), "1 groups .* 2 parts"),
        (lambda: leave_one_content_out(make_database([9])), "all 9 videos are of one content"),
        (lambda: leave_one_content_out(CVD, val_fraction=1), "val_fraction=1: expected"),
    ],
)
def test_invalid_options(call, message):
    with pytest.raises(SplitError, match=message):
        call()
