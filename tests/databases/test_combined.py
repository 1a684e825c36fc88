from dataclasses import replace
from pathlib import Path

import pytest

from vqa.databases import combined
from vqa.databases.records import Database, DatabaseError, VideoRecord


def database(name, mos_range, *, origin=None, contents=(None, None), split=None):
    videos = [
        VideoRecord(f"{index}.mp4", Path(f"/{name}/{index}.mp4"), 3.0 + index, 0.5, 20, content)
        for index, content in enumerate(contents)
    ]
    videos = [replace(video, group="blur", split=split) for video in videos]
    return Database(name, mos_range, tuple(videos), ("gone.mp4",), origin)


KONVID = database("konvid", (1.0, 5.0), origin="YFCC100M")
CVD = database("cvd2014", (-10.0, 100.0), contents=("city", "city"), split="test")


def test_two_databases_as_one():
    whole = combined.combine([KONVID, CVD])
    assert (whole.name, len(whole)) == ("combined", 4)
    assert whole.mos_range == (-10.0, 100.0)
    assert whole.scales == {"konvid": (1.0, 5.0), "cvd2014": (-10.0, 100.0)}
    assert [whole.source(video) for video in whole.videos] == ["konvid"] * 2 + ["cvd2014"] * 2
    assert KONVID.source(KONVID.videos[0]) == "konvid"  # its group is a kind of distortion
    assert whole.skipped == ("konvid/gone.mp4", "cvd2014/gone.mp4")
    assert [video.id for video in whole.videos] == [
        "konvid/0.mp4",
        "konvid/1.mp4",
        "cvd2014/0.mp4",
        "cvd2014/1.mp4",
    ]
    assert [video.content_id for video in whole.videos] == [
        "konvid/0.mp4",
        "konvid/1.mp4",
        "cvd2014/city",
        "cvd2014/city",
    ]
    assert [video.group for video in whole.videos] == ["konvid"] * 2 + ["cvd2014"] * 2
    for before, after in zip((*KONVID.videos, *CVD.videos), whole.videos, strict=True):
        assert replace(after, id=before.id, content=before.content, group=before.group) == before


def test_a_common_origin_is_kept():
    assert combined.combine([KONVID, CVD]).origin == "YFCC100M"
    assert combined.combine([CVD]).origin is None
    other = database("other", (0, 1), origin="Vimeo")
    assert combined.combine([KONVID, other]).origin is None


def test_a_subset_keeps_the_scales():
    whole = combined.combine([KONVID, CVD])
    assert replace(whole, videos=whole.videos[:1]).scales == whole.scales


def test_equal_contents_of_two_databases_stay_apart():
    twins = [database(name, (1, 5), contents="abcdefgh") for name in ("left", "right")]
    assert len({video.content_id for video in combined.combine(twins).videos}) == 16


def test_only_the_chosen_parts_are_read():
    def absent():
        raise DatabaseError("absent")

    readers = {"konvid": lambda: KONVID, "cvd2014": lambda: CVD, "lsvq": absent}
    whole = combined.read(["cvd2014", "konvid"], readers, name="both")
    assert (whole.name, list(whole.scales)) == ("both", ["cvd2014", "konvid"])
    with pytest.raises(DatabaseError, match=r"absent.*data\.roots .*data\.read\.readers\.lsvq"):
        combined.read(["lsvq"], readers)
    with pytest.raises(DatabaseError, match=r"no reader for live; data.parts takes konvid, cvd"):
        combined.read(["konvid", "live"], readers)


def test_databases_that_cannot_be_combined():
    with pytest.raises(DatabaseError, match="with different names, found none"):
        combined.combine([])
    with pytest.raises(DatabaseError, match="with different names, found 2 x konvid"):
        combined.combine([KONVID, KONVID])
