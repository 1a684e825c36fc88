"""Finding the folders and label files of a release."""

import pytest

from vqa.databases.records import DatabaseError
from vqa.databases.release import find_folder, find_labels


def test_label_files_are_found_by_preference(tmp_path):
    root = tmp_path / "release"
    places = [root / "a.csv", root / "meta" / "b.csv", tmp_path / "labels" / "c.csv"]
    for place in places:
        place.parent.mkdir(exist_ok=True)
        place.touch()
    for place in places:
        assert find_labels("toy", root, None, ("a.csv", "b.csv", "c.csv"), "") == place
        place.unlink()
    with pytest.raises(DatabaseError, match=r"looked for a.csv, b.csv, c.csv in .*Get it there."):
        find_labels("toy", root, None, ("a.csv", "b.csv", "c.csv"), "Get it there.")


def test_a_given_label_file_is_the_only_candidate(tmp_path):
    (tmp_path / "a.csv").touch()
    (tmp_path / "mine.csv").touch()
    assert find_labels("toy", tmp_path, tmp_path / "mine.csv", ("a.csv",), "").name == "mine.csv"
    with pytest.raises(DatabaseError, match=r"absent.csv does not exist; set data.labels"):
        find_labels("toy", tmp_path, tmp_path / "absent.csv", ("a.csv",), "")


def test_the_video_folder_may_be_nested_or_absent(tmp_path):
    assert find_folder(tmp_path, "Video") == tmp_path
    (tmp_path / "release" / "Video").mkdir(parents=True)
    assert find_folder(tmp_path, "Video") == tmp_path / "release" / "Video"
    (tmp_path / "Video").mkdir()
    assert find_folder(tmp_path, "Video") == tmp_path / "Video"
