"""Finding video files without ratings, and making records of them."""

import os

import pytest

from vqa.databases.file_records import as_records
from vqa.databases.unrated import Search, find_videos, is_stream
from vqa.video import RawFormat


@pytest.fixture
def folder(tmp_path):
    for name in ("b.mp4", "a.MKV", "notes.txt", "picture.jpg", "deep/c.yuv"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    return tmp_path


def found_names(places):
    return [path.name for path in find_videos(places).files]


def written(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_folder_glob_file_and_list(folder):
    assert found_names(str(folder)) == ["a.MKV", "b.mp4", "c.yuv"]
    assert found_names(f"{folder}/*.mp4") == ["b.mp4"]
    assert found_names(f"{folder}/**/*.yuv") == ["c.yuv"]
    assert find_videos(str(folder / "b.mp4")).files == (folder / "b.mp4",)
    (folder / "list.txt").write_text("# chosen\nb.mp4\n\ndeep/c.yuv\n", encoding="utf-8")
    found = find_videos(str(folder / "list.txt"))
    assert found.files == (folder / "b.mp4", folder / "deep/c.yuv")


def test_several_places_in_the_order_given(folder):
    places = [f"{folder}/*.mp4", folder / "deep", str(folder / "a.MKV")]
    assert found_names(places) == ["b.mp4", "c.yuv", "a.MKV"]
    assert find_videos(folder / "b.mp4") == find_videos([folder / "b.mp4"])


def test_what_a_folder_holds_besides_is_told(folder):
    found = find_videos(folder)
    assert found.remarks == (
        "passed over 2 files without a video suffix: notes.txt, picture.jpg; name a file itself to "
        "score it",
    )
    assert not found.absent
    assert found_names(folder / "picture.jpg") == ["picture.jpg"]  # a file itself is always taken


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
    with pytest.raises(FileNotFoundError, match=r"no such file: .*typo\.mp4"):
        find_videos(folder / "typo.mp4")
    with pytest.raises(FileNotFoundError, match="found ''"):
        find_videos([folder, ""])


def test_a_place_that_names_nothing_costs_only_itself(folder):
    (folder / "empty").mkdir()
    os.mkfifo(folder / "pipe")
    (folder / "broken.mp4").symlink_to("nothing")
    places = [folder / name for name in ("b.mp4", "gone.mp4", "empty", "pipe", "broken.mp4")]
    found = find_videos([*places, f"{folder}/*.avi"])
    assert found.files == (folder / "b.mp4",)
    assert found.absent == {
        str(folder / "gone.mp4"): f"no such file: {folder}/gone.mp4",
        str(folder / "empty"): f"no files with a video suffix in {folder}/empty",
        str(folder / "pipe"): f"not a regular file but a pipe, socket or device: {folder}/pipe",
        str(folder / "broken.mp4"): f"no such file, but a link to one: {folder}/broken.mp4",
        str(folder / "*.avi"): f"no files that match {folder}/*.avi",
    }


def test_names_stay_as_they_were_given(folder, monkeypatch):
    (folder / "links").mkdir()
    (folder / "links" / "good.mp4").symlink_to(folder / "b.mp4")
    (folder / "links" / "again.mp4").symlink_to(folder / "b.mp4")
    (folder / "links" / "out").symlink_to(folder / "deep")
    monkeypatch.chdir(folder)
    assert [str(path) for path in find_videos("links").files] == [
        f"{folder}/links/again.mp4", f"{folder}/links/good.mp4", f"{folder}/links/out/c.yuv",
    ]  # fmt: skip
    # `links/out/..` is the parent of `deep`, not `links`.
    assert find_videos("links/out/../b.mp4").files[0].samefile(folder / "b.mp4")
    assert find_videos("links/../b.mp4").files == (folder / "b.mp4",)


def test_the_same_path_counts_once(folder, monkeypatch):
    monkeypatch.chdir(folder)
    found = find_videos(["b.mp4", folder / "b.mp4", "./b.mp4", "deep/../b.mp4", "."])
    assert [path.name for path in found.files] == ["b.mp4", "a.MKV", "c.yuv"]
    assert "passed over 4 files that were named twice: b.mp4, b.mp4, b.mp4 and 1 more" in (
        found.remarks
    )


@pytest.mark.parametrize("name", ["a[1].mp4", "what?.mp4", "#1 take.mp4", " lead.mp4", "~x.mp4"])
def test_odd_names_are_files_if_they_exist(tmp_path, name, monkeypatch):
    (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    assert found_names(name) == [name]
    assert found_names(written(tmp_path / "list.txt", name + "\n")) == [name]


def test_home_and_unknown_homes(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder))
    assert find_videos("~/b.mp4").files == (folder / "b.mp4",)
    assert find_videos("~/*.mp4").files == (folder / "b.mp4",)
    assert find_videos(written(folder / "list.txt", "~/b.mp4")).files == (folder / "b.mp4",)
    with pytest.raises(FileNotFoundError, match=r"no such file: ~nosuchuser/b\.mp4"):
        find_videos("~nosuchuser/b.mp4")


def test_lists_of_any_encoding_and_line_ends(tmp_path):
    names = [b"clip.mp4", "视频.mp4".encode(), b"caf\xe9.mp4", b"end .mp4 ", b"#2 clip.mp4"]
    for name in names:
        (tmp_path / os.fsdecode(name)).touch()
    expected = [os.fsdecode(name) for name in names]
    lines = [b"# a comment", b"", *names, b"  ", b"#3 no file"]
    for start, end in ((b"", b"\n"), (b"\xef\xbb\xbf", b"\r\n"), (b"", b"\r")):
        found = find_videos(written(tmp_path / "list.txt", start + end.join(lines)))
        assert [path.name for path in found.files] == expected
        assert found.remarks == (
            "passed over 2 lines of lists that begin with # and name no file: # a comment, #3 no "
            "file",
        )
    utf16 = "clip.mp4\r\n视频.mp4\r\n".encode("utf-16")
    assert found_names(written(tmp_path / "list.txt", utf16)) == ["clip.mp4", "视频.mp4"]
    # A space at the end is part of a name only if there is such a file.
    assert found_names(written(tmp_path / "list.txt", "clip.mp4 \n\tclip.mp4")) == ["clip.mp4"]


def test_lists_name_folders_patterns_and_lists(folder):
    written(folder / "deep" / "inner.txt", "c.yuv\n")
    lines = [str(folder / "a.MKV"), "*.mp4", "deep/inner.txt", "deep", "gone.mp4", "no*"]
    found = find_videos(written(folder / "list.TXT", "\n".join(lines)))
    assert [path.name for path in found.files] == ["a.MKV", "b.mp4", "c.yuv"]
    assert list(found.absent) == [str(folder / "gone.mp4"), str(folder / "notes.txt")]


def test_a_list_that_names_itself_is_read_once(folder):
    written(folder / "one.txt", "b.mp4\ntwo.txt\n")
    written(folder / "two.txt", "one.txt\na.MKV\n")
    found = find_videos(folder / "one.txt")
    assert [path.name for path in found.files] == ["b.mp4", "a.MKV"]
    assert found.remarks == (f"passed over 1 list inside themselves: {folder}/one.txt",)


def test_an_empty_list_or_one_of_prose_is_one_failure(folder):
    written(folder / "prose.txt", "This folder holds videos.\nThey are good.\n")
    found = find_videos([folder / "b.mp4", folder / "notes.txt", folder / "prose.txt"])
    assert list(found.absent) == [str(folder / "notes.txt"), str(folder / "prose.txt")]


def test_records_are_unique_and_know_raw_formats(folder):
    raw = RawFormat(1920, 1080, "yuv420p10le", frame_rate_hz=25)
    videos = list(as_records([folder / "b.yuv", folder / "deep/../b.yuv"], raw))
    assert len(videos) == 1
    assert videos[0].raw_format == raw
    assert next(as_records([folder / "b.mp4"])).width is None


def test_two_links_to_one_file_are_two_records(folder):
    (folder / "good.mp4").symlink_to(folder / "b.mp4")
    records = as_records([folder / "good.mp4", folder / "b.mp4"])
    assert [record.id for record in records] == [f"{folder}/good.mp4", f"{folder}/b.mp4"]


def test_lists_by_name_hold_any_names(folder, monkeypatch):
    """`@name` is a list whatever its suffix; with zeros its names may hold line breaks."""
    monkeypatch.chdir(folder)
    names = ["line\nbreak.mp4", "#1.mp4", " a"]
    for name in names:
        (folder / name).touch()
    written(folder / "deep" / "listed", "c.yuv\nb.mp4\n# a comment\n")
    found = find_videos("@deep/listed")  # beside the list, or else in the current folder
    assert found.files == (folder / "deep/c.yuv", folder / "b.mp4")
    written(folder / "zeros", "\0".join(names))
    search = Search(zeros=True)
    assert [one.path.name for one in search.named(["@zeros"])] == names
    with pytest.raises(FileNotFoundError, match="no such list: nothing"):
        find_videos("@nothing")
    (folder / "@b.mp4").touch()
    assert found_names("@b.mp4") == ["@b.mp4"]  # a file of that name comes first


def test_a_pipe_is_read_as_it_is_written(folder):
    os.mkfifo(folder / "pipe")
    assert is_stream(f"@{folder}/pipe")
    assert is_stream("-")
    assert not any(map(is_stream, [f"@{folder}/notes.txt", str(folder / "b.mp4"), "@", "./-"]))
    reading, writing = os.pipe()
    named = Search(standard_input=reading).named(["-"])
    for name in ("b.mp4", "gone.mp4"):
        os.write(writing, f"{folder}/{name}\n".encode())
        assert next(named).path == folder / name  # before the stream ends
    os.write(writing, f"\n{folder}/a.MKV".encode())
    os.close(writing)
    assert [one.path.name for one in named] == ["a.MKV"]
    os.close(reading)


def test_what_is_absent_stands_in_its_place_and_once(folder):
    search = Search()
    places = [folder / "x.mp4", folder / "b.mp4", folder / "x.mp4", folder / "b.mp4"]
    assert [(one.path.name, bool(one.cause)) for one in search.named(places)] == [
        ("x.mp4", True), ("b.mp4", False),
    ]  # fmt: skip
    assert search.remarks() == ["passed over 1 file that were named twice: b.mp4"]
