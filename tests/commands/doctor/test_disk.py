"""Files without a label, and which of them look like a missing video."""

import os
from pathlib import Path

import pytest

from vqa.commands.doctor.disk import counterparts, unlabelled
from vqa.databases import searching


def touch(*paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return list(paths)


def extras(*arguments):
    return unlabelled(*arguments)[0]


def test_videos_without_label(tmp_path):
    known, extra, _, _, _ = touch(
        tmp_path / "v/a.mp4", tmp_path / "w/b.MKV", tmp_path / "v/._a.mp4", tmp_path / "v/a.txt",
        tmp_path / ".cache/c.mp4",
    )  # fmt: skip
    assert extras(tmp_path, [known, tmp_path / "gone.mp4"]) == [extra]
    (picture,) = touch(tmp_path / "p.bmp")
    assert extras(tmp_path, [known, tmp_path / "q.bmp"]) == sorted([extra, picture])


def test_links_are_followed_and_loops_end(tmp_path):
    (extra,) = touch(tmp_path / "far/b.mp4")
    root = tmp_path / "root"
    (target,) = touch(root / "real.mp4")
    (root / "linked").symlink_to(tmp_path / "far")
    (root / "loop").symlink_to(root)
    (root / "label.mp4").symlink_to(target)  # the remedy for a renamed file
    assert extras(root, [root / "label.mp4"]) == [root / "linked" / extra.name]
    assert os.path.realpath(root / "linked" / "b.mp4") == os.path.realpath(extra)


def test_every_other_file_is_counted(tmp_path):
    touch(tmp_path / "a.mp4", tmp_path / "labels.csv", tmp_path / "notes.txt", tmp_path / ".x.mp4")
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "nowhere.mp4").symlink_to("gone.mp4")
    _, passed_over = unlabelled(tmp_path, [tmp_path / "a.mp4"])
    assert passed_over.counts == {
        searching.NO_SUFFIX: 2, searching.HIDDEN: 1, searching.SPECIAL: 1, searching.NOTHING: 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("expected", "found", "words"),
    [
        ("v/A001.mp4", "A001.mp4", "has its name, in another folder"),
        ("v/A001.mp4", "v/A001.avi", "has its stem, with another suffix"),
        ("v/A001.mp4", "v/A001.MP4", "has its stem, with another suffix"),
        ("v/Test01_Talking_head_D01.avi", "v/test01_talking_Head_d01.avi", "upper and lower case"),
        ("v/Vlog_720P-7b30.mkv", "v/Vlog 720p 7b30.mkv", "differs in punctuation"),
        ("v/A001.mp4", "v/A001 (1).mp4", "is a second copy"),
        ("v/A001.mp4", "v/clip-001.mp4", "has the same digits"),
        ("v/3339962845.mp4", "v/3339962845_540p_8s.mp4", "has the same long number"),
        ("v/A001.mp4", "v/A002.mp4", None),
        ("v/D1.mp4", "v/E1.mp4", None),  # one digit tells nothing
        ("v/city.mp4", "v/town.mp4", None),
    ],
)
def test_signs(expected, found, words):
    pairs = counterparts({"id": Path(expected)}, ["id"], [Path(found)])
    if words is None:
        assert pairs == {}
    else:
        assert pairs["id"][0] == Path(found)
        assert words in pairs["id"][1]


def test_an_ambiguous_sign_makes_no_pair():
    expected = {"x": Path("one/clip.mp4"), "y": Path("two/clip.mp4")}
    assert counterparts(expected, ["x", "y"], [Path("clip.mp4")]) == {}
    assert counterparts(expected, ["x"], [Path("clip.mp4")]) == {}  # y is there and shares the name
    two = [Path("a/clip.mp4"), Path("b/clip.mp4")]
    assert counterparts({"x": expected["x"]}, ["x"], two) == {}


def test_the_surest_sign_comes_first_and_each_file_serves_once():
    expected = {"a": Path("v/A001.mp4"), "b": Path("v/B001.mp4")}
    extras = [Path("w/A001.mp4"), Path("w/b001.mp4")]
    assert counterparts(expected, ["a", "b"], extras) == {
        "a": (extras[0], "has its name, in another folder"),
        "b": (extras[1], "differs in upper and lower case"),
    }
    assert counterparts(expected, ["b"], extras[:1]) == {}
