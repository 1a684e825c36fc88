"""Finding video files without ratings, and making records of them."""

import os

import pytest

from vqa.databases.unrated import as_records, find_videos
from vqa.video import RawFormat


@pytest.fixture
def folder(tmp_path):
    for name in ("b.mp4", "a.MKV", "notes.txt", "picture.jpg", "deep/c.yuv"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    return tmp_path


def files(places):
    return find_videos(places).files


def names(places):
    return [path.name for path in files(places)]


def test_folder_glob_file_and_list(folder):
    assert names(str(folder)) == ["a.MKV", "b.mp4", "c.yuv"]
    assert names(f"{folder}/*.mp4") == ["b.mp4"]
    assert names(f"{folder}/**/*.yuv") == ["c.yuv"]
    assert names(f"{folder}/d*") == ["c.yuv"]
    assert files(str(folder / "b.mp4")) == [folder / "b.mp4"]
    (folder / "list.txt").write_text("# chosen\nb.mp4\n\ndeep/c.yuv\n", encoding="utf-8")
    found = find_videos(str(folder / "list.txt"))
    assert found.files == [folder / "b.mp4", folder / "deep/c.yuv"]
    assert list(found.remarks()) == ["took 1 lines of lists that start with # as comments"]


def test_several_places_in_the_order_given(folder):
    places = [f"{folder}/*.mp4", folder / "deep", str(folder / "a.MKV")]
    assert names(places) == ["b.mp4", "c.yuv", "a.MKV"]
    assert files(folder / "b.mp4") == files([folder / "b.mp4"])


def test_nothing_found_says_where_it_looked(folder):
    with pytest.raises(FileNotFoundError, match=r"no files that match .*\*\.avi"):
        find_videos(f"{folder}/*.avi")
    (folder / "empty").mkdir()
    (folder / "empty" / "a.jpg").touch()
    with pytest.raises(FileNotFoundError, match=r"video suffix in .*empty; passed over 1 files"):
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


def test_every_file_of_a_folder_is_taken_or_counted_with_a_reason(folder):
    for name in ("x.gif", "y.VOB", "z.mxf", "w.h264", "none", ".hidden.mp4"):
        (folder / name).touch()
    os.mkfifo(folder / "pipe.mp4")
    (folder / "broken.mp4").symlink_to("nowhere.mp4")
    found = find_videos(folder)
    assert sorted(path.name for path in found.files) == [
        "a.MKV", "b.mp4", "c.yuv", "w.h264", "x.gif", "y.VOB", "z.mxf",
    ]  # fmt: skip
    assert {reason: sorted(names) for reason, names in found.passed_over.items()} == {
        "no suffix of a video": ["none", "notes.txt", "picture.jpg"],
        "hidden": [".hidden.mp4"],
        "no regular files": ["pipe.mp4"],
        "links that lead nowhere": ["broken.mp4"],
    }
    assert any("3 files in folders: no suffix of a video (none," in one for one in found.remarks())
    assert files([folder / "none", folder / "pipe.mp4"]) == [folder / "none", folder / "pipe.mp4"]


def test_links_are_followed_once_and_keep_their_names(folder, tmp_path_factory):
    store = tmp_path_factory.mktemp("store")
    (store / "9f8e7d").touch()
    (store / "batch").mkdir()
    (store / "batch" / "v.mp4").touch()
    links = folder / "links"
    links.mkdir()
    for name, target in (
        ("good.mp4", store / "9f8e7d"), ("again.mp4", store / "9f8e7d"),
        ("batch1", store / "batch"), ("batch2", store / "batch"), ("loop", folder / "links"),
    ):  # fmt: skip
        (links / name).symlink_to(target)
    found = files(links)
    assert [path.relative_to(links).as_posix() for path in found] == [
        "again.mp4", "batch1/v.mp4", "good.mp4",
    ]  # fmt: skip
    assert [video.id for video in as_records(found)] == [path.as_posix() for path in found]


def test_lists_name_files_of_any_name(folder, monkeypatch):
    odd = os.fsdecode(b"caf\xe9.mp4")
    for name in ("#2 clip.mp4", "end .mp4 ", odd, "[1].mp4"):
        (folder / name).touch()
    monkeypatch.setenv("HOME", str(folder))
    lines = [
        b"\xef\xbb\xbf#2 clip.mp4", b"# a comment", b"end .mp4 ", b"  b.mp4\t", os.fsencode(odd),
        b"", b"[1].mp4", b"gone.mp4", b"deep", b"*.MKV", b"~/b.mp4", os.fsencode(folder / "b.mp4"),
    ]  # fmt: skip
    (folder / "list.txt").write_bytes(b"\r\n".join(lines))
    found = find_videos(folder / "list.txt")
    assert [os.path.relpath(path, folder) for path in found.files] == [
        "#2 clip.mp4", "end .mp4 ", "b.mp4", odd, "[1].mp4", "gone.mp4", "deep/c.yuv", "a.MKV",
        "b.mp4", "b.mp4",
    ]  # fmt: skip
    assert found.comments == 1


def test_records_are_unique_and_know_raw_formats(folder):
    raw = RawFormat(1920, 1080, "yuv420p10le", frame_rate_hz=25)
    videos = as_records([folder / "b.yuv", folder / "deep/../b.yuv"], raw)
    assert len(videos) == 1
    assert videos[0].raw_format == raw
    assert as_records([folder / "b.mp4"])[0].width is None
