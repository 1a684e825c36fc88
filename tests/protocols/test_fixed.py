from dataclasses import replace

import pytest

from tests.protocols.databases import CVD, KONVID, contents, make_database, sizes
from vqa.protocols import SplitError, full, official


def test_official_parts_are_those_of_the_release(caplog):
    parts = ["train", "train", "val", "test"]
    database = make_database([3] * 8, lambda index: parts[index % 4])
    [split] = official(database)
    for part in ("train", "val", "test"):
        ids = {video.id for video in database.videos if video.split == part}
        assert set(getattr(split, part)) == ids
    assert (split.name, split.group_by) == ("split0", "official")
    assert official(database, val_fraction=0.3)[0] == split
    assert not caplog.records


def test_official_validation_part_is_taken_from_training_by_content():
    database = make_database([4] * 20, lambda index: "test" if index < 5 else "train")
    [split] = official(database, val_fraction=0.1, seed=2)
    assert sizes(split) == (52, 8, 20)
    assert contents(database, split.val).isdisjoint(contents(database, split.train))
    assert set(split.test) == {video.id for video in database.videos if video.split == "test"}
    assert official(database, val_fraction=0.1, seed=3)[0].val != split.val


@pytest.mark.parametrize("other", ["train", "val"])
def test_a_leaking_official_split_is_reported(caplog, other):
    database = make_database([2, 2])
    parts = [other, "test", "train", "train"]
    videos = [replace(v, split=part) for v, part in zip(database.videos, parts, strict=True)]
    official(replace(database, videos=tuple(videos)))
    assert "1 of 1 test videos share a content with the training part" in caplog.text


def test_full_trains_on_everything():
    [split] = full(CVD)
    assert set(split.train) == {video.id for video in CVD.videos}
    assert (split.val, split.test) == ((), ())
    [split] = full(KONVID, val_fraction=0.1)
    assert sizes(split) == (1080, 120, 0)
    assert sizes(full(make_database([6]))[0]) == (6, 0, 0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: full(make_database([9]), val_fraction=0.2), "1 groups .* fill 2 parts"),
        (lambda: full(CVD, val_fraction=-0.1), r"val_fraction=-0.1: expected"),
        (lambda: official(CVD, seed=-1), "seed=-1: expected zero or more"),
        (lambda: official(CVD), "found 0 train, 0 val, 0 test, 234 without part"),
    ],
)
def test_invalid_options(call, message):
    with pytest.raises(SplitError, match=message):
        call()
