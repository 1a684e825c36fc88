"""Finding video files without ratings, and making records of them."""

import pytest

from vqa.databases.unrated import as_records, find_videos


@pytest.fixture
def folder(tmp_path):
    for name in ("b.mp4", "a.MKV", "notes.txt", "picture.jpg", "deep/c.yuv"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    return tmp_path


def test_folder_glob_file_and_list(folder):
    assert [path.name for path in find_videos(str(folder))] == ["a.MKV", "b.mp4", "c.yuv"]
    assert [path.name for path in find_videos(f"{folder}/*.mp4")] == ["b.mp4"]
    assert [path.name for path in find_videos(f"{folder}/**/*.yuv")] == ["c.yuv"]
    assert find_videos(str(folder / "b.mp4")) == [folder / "b.mp4"]
    (folder / "list.txt").write_text("# chosen\nb.mp4\n\ndeep/c.yuv\n", encoding="utf-8")
    assert find_videos(str(folder / "list.txt")) == [folder / "b.mp4", folder / "deep/c.yuv"]


def test_several_places_in_the_order_given(folder):
    places = [f"{folder}/*.mp4", folder / "deep", str(folder / "a.MKV")]
    assert [path.name for path in find_videos(places)] == ["b.mp4", "c.yuv", "a.MKV"]
    assert find_videos(folder / "b.mp4") == find_videos([folder / "b.mp4"])


def test_nothing_found_says_where_it_looked(folder):
    with pytest.raises(FileNotFoundError, match=r"no files that match .*\*\.avi"):
        find_videos(f"{folder}/*.avi")
    (folder / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"files with a video suffix in .*empty"):
        find_videos(str(folder / "empty"))
    with pytest.raises(FileNotFoundError, match=r"no paths in .*notes\.txt"):
        find_videos(str(folder / "notes.txt"))
    with pytest.raises(FileNotFoundError, match="expected at least one file"):
        find_videos([])


def test_the_places_that_name_nothing_are_told_from_the_others(folder):
    (folder / "empty").mkdir()
    places = [str(folder / "b.mp4"), str(folder / "gone.mp4"), str(folder / "empty")]
    with pytest.raises(FileNotFoundError) as caught:
        find_videos(places)
    message = str(caught.value)
    assert "no files that match" in message
    assert "gone.mp4" in message
    assert f"no files with a video suffix in {folder / 'empty'}" in message
    assert "b.mp4" not in message


def test_records_are_unique_and_know_raw_sizes(folder):
    videos = as_records([folder / "b.mp4", folder / "deep/../b.mp4"], "1920x1080")
    assert len(videos) == 1
    assert (videos[0].width, videos[0].height) == (1920, 1080)
    assert as_records([folder / "b.mp4"])[0].width is None
    with pytest.raises(ValueError, match="WIDTHxHEIGHT"):
        as_records([folder / "b.mp4"], "1080p")
