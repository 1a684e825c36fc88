import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

from vqa import protocols
from vqa.protocols import SplitError, full, holdout, official, repeated
from vqa.records import Database, VideoRecord

CONF = Path(__file__).parents[1] / "conf" / "protocol"


def make_database(sizes, split_of=None):
    """One content per size, with that many videos; a size of 1 is a video without content."""
    videos = []
    for index, size in enumerate(sizes):
        for version in range(size):
            name = f"c{index:03}_v{version}.mp4"
            content = f"scene{index}" if size > 1 else None
            part = split_of(index) if split_of else None
            videos.append(
                VideoRecord(name, Path(name), 1.0 + len(videos) % 4, content=content, split=part)
            )
    return Database("toy", (1.0, 5.0), tuple(videos))


CVD = make_database([9] * 3 + [10] * 3 + [13] * 3 + [14] * 3 + [16] * 6)
QUALCOMM = make_database([4] * 47 + [3] * 6 + [2])
KONVID = make_database([1] * 1200)
MANY = [repeated, holdout, full]


def sizes(split):
    return len(split.train), len(split.val), len(split.test)


def contents(database, ids):
    return {video.content_id for video in database.select(ids)}


@pytest.mark.parametrize("database", [CVD, QUALCOMM, KONVID])
@pytest.mark.parametrize("protocol", MANY)
def test_parts_are_disjoint_in_videos_and_contents_and_cover_all(database, protocol):
    for split in protocol(database, val_fraction=0.2, seed=3):
        parts = [split.train, split.val, split.test]
        assert Counter(sum(parts, ())) == Counter(video.id for video in database.videos)
        found = [contents(database, part) for part in parts]
        assert sum(map(len, found)) == len(set().union(*found))


@pytest.mark.parametrize(
    ("database", "slack"),
    # Whole contents: a part ends at most half a content from its target.
    [(CVD, 8), (QUALCOMM, 2), (KONVID, 0)],
)
def test_sizes_are_as_near_to_the_target_as_whole_contents_allow(database, slack):
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


def test_every_video_gets_tested_about_equally_often():
    splits = repeated(CVD, count=200)
    counts = Counter(name for split in splits for name in split.test)
    assert len(counts) == len(CVD)
    # Binomial with p near 0.2, n = 200: standard deviation 5.7.
    assert 18 < min(counts.values()) < max(counts.values()) < 62


def test_the_test_part_does_not_depend_on_the_validation_share():
    for plain, carved in zip(repeated(CVD), repeated(CVD, val_fraction=0.2), strict=True):
        assert plain.test == carved.test
        assert set(plain.train) == {*carved.train, *carved.val}


PROTOCOLS = [
    pytest.param(lambda db: repeated(db, val_fraction=0.1), id="repeated"),
    pytest.param(lambda db: repeated(db, group_by="video"), id="by video"),
    pytest.param(lambda db: holdout(db, val_fraction=0.2), id="holdout"),
    pytest.param(lambda db: official(db, val_fraction=0.1), id="official"),
    pytest.param(lambda db: full(db, val_fraction=0.1), id="full"),
]


@pytest.fixture(scope="module")
def released():
    return make_database([4] * 47 + [3] * 6 + [2], lambda i: "test" if i % 5 == 0 else "train")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_permuting_the_mos_changes_no_split(released, protocol):
    mos = [video.mos for video in released.videos]
    random.Random(0).shuffle(mos)
    videos = [replace(video, mos=value) for video, value in zip(released.videos, mos, strict=True)]
    assert videos != list(released.videos)
    assert protocol(replace(released, videos=tuple(videos))) == protocol(released)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_order_of_the_records_changes_no_split(released, protocol):
    videos = list(released.videos)
    random.Random(0).shuffle(videos)
    assert protocol(replace(released, videos=tuple(videos))) == protocol(released)


def test_a_split_is_the_same_next_year():
    """Recorded when written: splits must not move between releases of this package."""
    assert (
        holdout(CVD, val_fraction=0.2, seed=1)[0].sha256
        == "b3cc1126768b826a4e4972d9296e8d19dcbe47a5d21c5efb283c713f418d2f18"
    )


def test_by_video_says_how_many_test_videos_share_a_content(caplog):
    [split] = holdout(CVD, group_by="video")
    assert len(split.test) == 47
    trained = contents(CVD, split.train)
    shared = sum(video.content_id in trained for video in CVD.select(split.test))
    assert shared > 40
    assert f"toy: {shared} of 47 test videos share a content with the training part" in caplog.text


def test_nothing_is_said_where_no_content_is_shared(caplog):
    repeated(CVD)
    repeated(KONVID, group_by="video")
    assert not caplog.records


def test_smallest_databases():
    assert sizes(holdout(make_database([5, 7]), test_fraction=0.9)[0]) in [(5, 0, 7), (7, 0, 5)]
    assert sizes(holdout(make_database([1, 1, 1]), val_fraction=0.01)[0]) == (1, 1, 1)
    split = holdout(make_database([100, 1, 1]), test_fraction=0.01, val_fraction=0.01)[0]
    assert min(sizes(split)) >= 1
    assert sizes(full(make_database([6]))[0]) == (6, 0, 0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: holdout(make_database([9])), "too few contents: 1 groups .* fill 2 parts"),
        (lambda: holdout(make_database([9, 9]), val_fraction=0.2), "2 groups .* fill 3 parts"),
        (lambda: full(make_database([9]), val_fraction=0.2), "1 groups .* fill 2 parts"),
        (lambda: holdout(CVD, test_fraction=0), "test_fraction=0: expected"),
        (lambda: holdout(CVD, test_fraction=1.0), r"test_fraction=1.0: expected"),
        (lambda: holdout(CVD, val_fraction=0.8), r"val_fraction=0.8: expected .* below 0.8"),
        (lambda: full(CVD, val_fraction=-0.1), r"val_fraction=-0.1: expected"),
        (lambda: holdout(CVD, seed=-1), "seed=-1: expected zero or more"),
        (lambda: repeated(CVD, count=0), "count=0: expected one split or more"),
        (lambda: holdout(CVD, group_by="scene"), "group_by='scene': expected content or video"),
        (lambda: official(CVD), "found 0 train, 0 val, 0 test, 234 without one"),
    ],
)
def test_options_that_make_no_sense(call, message):
    with pytest.raises(SplitError, match=message):
        call()


def test_official_parts_are_taken_as_they_are(caplog):
    parts = ["train", "train", "val", "test"]
    database = make_database([3] * 8, lambda index: parts[index % 4])
    [split] = official(database)
    for part in ("train", "val", "test"):
        ids = {video.id for video in database.videos if video.split == part}
        assert set(getattr(split, part)) == ids
    assert (split.name, split.group_by) == ("split0", "official")
    assert official(database, val_fraction=0.3)[0] == split
    assert not caplog.records


def test_official_validation_part_is_carved_from_training_by_content():
    database = make_database([4] * 20, lambda index: "test" if index < 5 else "train")
    [split] = official(database, val_fraction=0.1, seed=2)
    assert sizes(split) == (52, 8, 20)
    assert contents(database, split.val).isdisjoint(contents(database, split.train))
    assert set(split.test) == {video.id for video in database.videos if video.split == "test"}
    assert official(database, val_fraction=0.1, seed=3)[0].val != split.val


def test_official_split_that_leaks_says_so(caplog):
    database = make_database([2, 2])
    parts = ["train", "test", "train", "train"]
    videos = [replace(v, split=part) for v, part in zip(database.videos, parts, strict=True)]
    official(replace(database, videos=tuple(videos)))
    assert "1 of 1 test videos share a content with the training part" in caplog.text


def test_full_trains_on_everything():
    [split] = full(CVD)
    assert set(split.train) == {video.id for video in CVD.videos}
    assert (split.val, split.test) == ((), ())
    [split] = full(KONVID, val_fraction=0.1)
    assert sizes(split) == (1080, 120, 0)


@pytest.mark.parametrize("name", ["holdout", "repeated", "official", "full"])
def test_protocol_configs(released, name):
    config = OmegaConf.create({"seed": 11, "protocol": OmegaConf.load(CONF / f"{name}.yaml")})
    splits = instantiate(config.protocol)(released)
    assert splits == getattr(protocols, name)(released, seed=11)
