"""Twins: equal files are one content and are counted."""

from dataclasses import replace

import pytest

from tests.protocols.databases import CVD, make_database
from vqa.protocols import kfold, leak_report, repeated
from vqa.protocols.twins import joined_contents, seen_twins, twin_report


def contents(database):
    return [video.content_id for video in database.videos]


def hashes(database, twins=()):
    """A hash per video; those in one set of `twins` share theirs."""
    found = {video.id: video.id * 2 for video in database.videos}
    for names in twins:
        found |= dict.fromkeys(names, "same " + min(names))
    return found


def test_a_database_without_twins_stays_as_it_is():
    assert joined_contents(CVD, hashes(CVD)) is CVD
    assert joined_contents(CVD, dict.fromkeys(hashes(CVD), "")) is CVD  # unknown, not equal


def test_contents_are_joined_through_any_number_of_equal_files():
    database = make_database([2, 2, 1, 1])
    a, b, c, d, e, _ = (video.id for video in database.videos)
    joined = joined_contents(database, hashes(database, [(a, c), (d, e)]))
    *old, last = contents(database)
    assert contents(joined) == [min(old)] * 5 + [last]
    again = joined_contents(database, hashes(database, [(b, c, e)]))
    assert contents(again) == contents(joined)


@pytest.mark.parametrize("protocol", [kfold, repeated])
def test_twins_stay_in_one_part(protocol):
    database = make_database([1] * 40)
    names = [video.id for video in database.videos]
    found = hashes(database, list(zip(names[::2], names[1::2], strict=True)))
    assert any(seen_twins(split, found) for split in protocol(database))
    splits = protocol(joined_contents(database, found))
    report = leak_report(joined_contents(database, found), splits, found)
    assert report["leaked"] == 0
    assert report["leaked_by_video"] > 0
    assert report["twins"] == {"files": 20, "videos": 40, "leaked": {}}


def test_twins_on_both_sides_are_counted_by_split():
    database = make_database([1] * 10)
    split, other = repeated(database, count=2, group_by="video")
    twins = [(split.train[0], split.test[0]), (split.train[1], split.train[2])]
    found = hashes(database, twins)
    assert seen_twins(split, found) == [split.test[0]]
    assert twin_report([split, replace(other, test=())], found) == {
        "files": 2, "videos": 4, "leaked": {"split0": 1},
    }  # fmt: skip
    assert leak_report(joined_contents(database, found), [split], found)["leaked"] == 1
