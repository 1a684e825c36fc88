"""Folders and patterns: links, loops, hidden and special files, and what is passed over."""

import os
import socket

import pytest

from vqa.databases.searching import VIDEO_SUFFIXES, PassedOver, kind, matches, walk


def names(paths, top):
    return [path.relative_to(top).as_posix() for path in paths]


def make(top, *files):
    for name in files:
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return top


@pytest.fixture
def passed_over():
    return PassedOver()


def test_every_usual_suffix_counts_in_either_case(tmp_path, passed_over):
    make(tmp_path, "a.gif", "b.VOB", "c.mxf", "d.h264", "e.hevc", "f.Ivf", "g.dv", "h.asf")
    assert len(list(walk(tmp_path, passed_over))) == 8
    assert not passed_over.counts
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in VIDEO_SUFFIXES)


def test_links_are_followed_and_a_folder_is_searched_once(tmp_path, passed_over):
    store = make(tmp_path / "store", "x.mp4", "deep/y.mp4")
    top = make(tmp_path / "top", "a.mp4")
    (top / "linked").symlink_to(store)
    (top / "linked_again").symlink_to(store)
    (store / "deep" / "up").symlink_to(store)
    (top / "round").symlink_to(top)
    (top / "one.mp4").symlink_to(store / "x.mp4")
    assert names(walk(top, passed_over), top) == [
        "a.mp4", "linked/deep/y.mp4", "linked/x.mp4", "one.mp4",
    ]  # fmt: skip
    assert passed_over.remarks() == [
        "passed over 3 folders that were searched under another name: linked/deep/up, "
        "linked_again, round"
    ]


def test_what_is_passed_over_is_counted_by_reason(tmp_path, passed_over):
    make(tmp_path, "a.mp4", "b.jpg", "c", "d.md", "e.srt", ".hidden.mp4", ".git/x.mp4", "._a.mp4")
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "broken.mp4").symlink_to(tmp_path / "nothing")
    with socket.socket(socket.AF_UNIX) as listening:
        os.chdir(tmp_path)  # the name of a socket is short
        listening.bind("s.mkv")
    assert names(walk(tmp_path, passed_over), tmp_path) == ["a.mp4"]
    assert passed_over.remarks() == [
        "passed over 3 hidden files or folders: ._a.mp4, .git, .hidden.mp4",
        "passed over 4 files without a video suffix: b.jpg, c, d.md and 1 more; name a file itself "
        "to score it",
        "passed over 1 link to nothing: broken.mp4",
        "passed over 2 named pipes, sockets or devices: pipe.mp4, s.mkv",
    ]


def test_a_folder_named_like_a_video_is_a_folder(tmp_path, passed_over):
    make(tmp_path, "take.mp4/a.mp4")
    assert names(walk(tmp_path, passed_over), tmp_path) == ["take.mp4/a.mp4"]


def test_folders_may_be_deep(tmp_path, passed_over):
    folder = tmp_path
    for _ in range(1100):  # deeper than Python calls
        folder = folder / "f"
        folder.mkdir()
    (folder / "a.mp4").touch()
    found = list(walk(tmp_path, passed_over))
    (folder / "a.mp4").unlink()
    while folder != tmp_path:  # what pytest and others that call themselves could not remove
        folder.rmdir()
        folder = folder.parent
    assert len(found) == 1


def test_patterns_do_not_run_in_circles(tmp_path, passed_over):
    make(tmp_path, "a/x.mp4", "a/b/x.mp4", "a/b/c/x.mp4", "a/b/y.mkv")
    (tmp_path / "a" / "round").symlink_to(tmp_path / "a")
    (tmp_path / "a" / "b" / "back").symlink_to(tmp_path)  # two circles: 2^40 ways for `glob`

    def found(pattern):
        return names(matches(tmp_path / pattern, passed_over), tmp_path)

    assert found("a/**/x.mp4") == ["a/x.mp4", "a/b/x.mp4", "a/b/c/x.mp4"]
    assert found("a/**/c/*.mp4") == ["a/b/c/x.mp4"]
    assert found("*/b/*.m??") == ["a/b/x.mp4", "a/b/y.mkv"]
    assert found("a/**") == ["a"]
    # Each `**` begins a search of its own, so `back` leads round once.
    assert found("a/**/b/**/x.mp4") == ["a/b/x.mp4", "a/b/back/a/x.mp4", "a/b/c/x.mp4"]
    assert found("**/nothing") == []


def test_a_folder_that_cannot_be_read_is_told(tmp_path, passed_over, monkeypatch):
    make(tmp_path, "a.mp4", "locked/b.mp4")
    listing = os.listdir

    def refusing(path):
        if path.name == "locked":
            raise PermissionError(13, "Permission denied")
        return listing(path)

    monkeypatch.setattr(os, "listdir", refusing)
    assert names(walk(tmp_path, passed_over), tmp_path) == ["a.mp4"]
    assert passed_over.remarks() == [f"passed over 1 folder that cannot be read: {tmp_path}/locked"]


def test_kinds(tmp_path):
    make(tmp_path, "a.mp4")
    (tmp_path / "broken").symlink_to("nothing")
    os.mkfifo(tmp_path / "pipe")
    found = [kind(tmp_path / name) for name in ("", "a.mp4", "pipe", "broken", "none", "a\0b")]
    assert found == ["folder", "file", "special", "link", "", ""]
    assert kind(tmp_path / ("n" * 300)) == ""
