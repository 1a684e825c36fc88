"""Which videos figures show: spread over the MOS, of different contents, readable ones."""

from pathlib import Path

from vqa.commands.study.figures.choosing import spread, title_of
from vqa.databases.records import VideoRecord
from vqa.video import VideoError


def videos(mos, contents=None):
    contents = contents or [None] * len(mos)
    return [
        VideoRecord(f"v{i}", Path(f"v{i}"), value, content=content)
        for i, (value, content) in enumerate(zip(mos, contents, strict=True))
    ]


def chosen(records, count, read=lambda video: None):
    found, notes = spread(records, count, read)
    return [video.id for video, _ in found], notes


def test_choices_are_evenly_spread_from_lowest_to_highest():
    records = videos([3.0, 1.0, 5.0, 2.1, 4.2, 1.1])
    assert chosen(records, 5) == (["v1", "v3", "v0", "v4", "v2"], [])
    assert chosen(records[::-1], 5)[0] == chosen(records, 5)[0]
    assert chosen(records, 1)[0] == ["v0"]
    assert sorted(chosen(records, 20)[0]) == sorted(video.id for video in records)


def test_of_videos_about_as_near_a_new_content_is_preferred():
    records = videos([1.0, 3.0, 3.1, 5.0], ["a", "a", "b", "a"])
    assert chosen(records, 3)[0] == ["v0", "v2", "v3"]


def test_a_video_that_cannot_be_read_is_replaced_and_named():
    def read(video):
        if video.id in ("v0", "v1"):
            raise VideoError(video.path, "no keyframe")
        return video.mos

    ids, notes = chosen(videos([1.0, 1.2, 1.5, 5.0]), 2, read)
    assert ids == ["v2", "v3"]
    assert notes[0] == "v0 was left out: v0: no keyframe (after 0 frames)"
    assert len(notes) == 2


def test_databases_have_the_names_of_papers():
    assert title_of("konvid") == "KoNViD-1k"
    assert title_of("my_own") == "my_own"
