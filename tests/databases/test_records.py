import logging
import math
from pathlib import Path

import pytest

from vqa.databases.records import DatabaseError, VideoRecord, build_database, require_root


def make_videos(folder: Path, count: int = 3) -> list[VideoRecord]:
    videos = [VideoRecord(f"v{i:02}.mp4", folder / f"v{i:02}.mp4", 1.0 + i) for i in range(count)]
    for video in videos:
        video.path.touch()
    return videos


def build(videos, **options):
    return build_database("toy", videos, (0, 100), **options)


def test_a_complete_table_becomes_a_database(tmp_path):
    videos = make_videos(tmp_path)
    database = build(videos)
    assert database.name == "toy"
    assert database.videos == tuple(videos)
    assert database.skipped == ()
    assert len(database) == 3
    assert database.mos_range == (0.0, 100.0)
    assert all(isinstance(value, float) for value in database.mos_range)


def test_a_video_without_content_is_a_content_by_itself():
    assert VideoRecord("a.mp4", Path("a.mp4"), 1.0).content_id == "a.mp4"
    assert VideoRecord("a.mp4", Path("a.mp4"), 1.0, content="city").content_id == "city"


def test_select_keeps_the_order_of_the_ids(tmp_path):
    database = build(make_videos(tmp_path))
    assert [v.id for v in database.select(["v02.mp4", "v00.mp4"])] == ["v02.mp4", "v00.mp4"]
    with pytest.raises(DatabaseError, match=r"1 ids are not in the database \(x.mp4\)"):
        database.select(["v00.mp4", "x.mp4"])


def test_missing_videos_are_listed_at_most_ten_with_the_count(tmp_path):
    videos = make_videos(tmp_path, 30)
    for video in videos[:12]:
        video.path.unlink()
    with pytest.raises(DatabaseError) as raised:
        build(videos, hint="Get it from example.org.")
    text = str(raised.value)
    assert "12 of 30 labelled videos are not on disk" in text
    assert text.count(".mp4") == 10
    assert "and 2 more" in text
    assert "data.missing=skip" in text
    assert "Get it from example.org." in text


def test_missing_skip_leaves_videos_out_with_a_warning(tmp_path, caplog):
    videos = make_videos(tmp_path)
    videos[1].path.unlink()
    with caplog.at_level(logging.WARNING, "vqa.databases.records"):
        database = build(videos, missing="skip")
    assert [video.id for video in database.videos] == ["v00.mp4", "v02.mp4"]
    assert database.skipped == ("v01.mp4",)
    assert "skipped 1 of 3" in caplog.text


def test_missing_skip_refuses_a_root_without_any_video(tmp_path):
    videos = make_videos(tmp_path)
    for video in videos:
        video.path.unlink()
    with pytest.raises(DatabaseError, match=r"check data.root"):
        build(videos, missing="skip")


def test_unknown_missing_option(tmp_path):
    with pytest.raises(DatabaseError, match="missing='ignore'"):
        build(make_videos(tmp_path), missing="ignore")


def test_empty_table():
    with pytest.raises(DatabaseError, match="contains no videos"):
        build([])


def test_duplicate_names(tmp_path):
    videos = make_videos(tmp_path)
    with pytest.raises(DatabaseError, match=r"1 names appear more than once .*\(v00.mp4\)"):
        build([*videos, videos[0]])


@pytest.mark.parametrize("mos", [math.nan, math.inf, -0.1, 100.1])
def test_mos_must_be_a_number_in_range(tmp_path, mos):
    videos = [*make_videos(tmp_path), VideoRecord("bad.mp4", tmp_path / "v00.mp4", mos)]
    with pytest.raises(DatabaseError, match=r"1 MOS values .*\[0, 100\] \(bad.mp4: "):
        build(videos)


@pytest.mark.parametrize("mos_range", [(5, 1), (1, 1), (0, math.nan), (-math.inf, 5)])
def test_mos_range_must_be_a_range(tmp_path, mos_range):
    with pytest.raises(DatabaseError, match="the MOS range is"):
        build_database("toy", make_videos(tmp_path), mos_range)


@pytest.mark.parametrize("key", ["", "/a.mp4", "../a.mp4", "x/../../a.mp4", "x\\a.mp4"])
def test_ids_must_be_relative_paths(tmp_path, key):
    (tmp_path / "a.mp4").touch()
    with pytest.raises(DatabaseError, match="1 names are not relative paths"):
        build([VideoRecord(key, tmp_path / "a.mp4", 1.0)])


def test_dots_inside_a_name_are_allowed(tmp_path):
    (tmp_path / "a.mp4").touch()
    assert len(build([VideoRecord("..a..b.mp4", tmp_path / "a.mp4", 1.0)])) == 1


def test_unknown_official_part(tmp_path):
    (tmp_path / "a.mp4").touch()
    with pytest.raises(DatabaseError, match="parts validation; expected train, val, test"):
        build([VideoRecord("a.mp4", tmp_path / "a.mp4", 1.0, split="validation")])


def test_require_root(tmp_path):
    assert require_root("toy", str(tmp_path), "") == tmp_path
    with pytest.raises(DatabaseError, match=r"data.root=/path/to/toy. Get it there."):
        require_root("toy", None, "Get it there.")
    with pytest.raises(DatabaseError, match=r"nowhere is not a folder; .* Get it there."):
        require_root("toy", tmp_path / "nowhere", "Get it there.")


def test_missing_list_keeps_absent_files_and_invalid_mos(tmp_path):
    """The doctor gets every row of the label table, without any check."""
    videos = [*make_videos(tmp_path), VideoRecord("gone.mp4", tmp_path / "gone.mp4", 99.0)]
    listed = build_database("x", videos, (1.0, 5.0), missing="list")
    assert [video.id for video in listed.videos] == [video.id for video in videos]
    assert listed.skipped == ()
