"""Finding videos to score, and writing what they scored."""

import csv
import json

import pytest

from vqa.commands.scoring import VideoScore, as_records, find_videos, write_scores


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
    (folder / "list.txt").write_text("# chosen\nb.mp4\n\ndeep/c.yuv\n")
    assert find_videos(str(folder / "list.txt")) == [folder / "b.mp4", folder / "deep/c.yuv"]


def test_nothing_to_score_says_where_it_looked(folder):
    with pytest.raises(FileNotFoundError, match=r"no files that match .*\*\.avi"):
        find_videos(f"{folder}/*.avi")
    (folder / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="video's suffix below"):
        find_videos(str(folder / "empty"))


def test_records_are_unique_and_know_raw_sizes(folder):
    videos = as_records([folder / "b.mp4", folder / "deep/../b.mp4"], "1920x1080")
    assert len(videos) == 1
    assert (videos[0].width, videos[0].height) == (1920, 1080)
    assert as_records([folder / "b.mp4"])[0].width is None
    with pytest.raises(ValueError, match="WIDTHxHEIGHT"):
        as_records([folder / "b.mp4"], "1080p")


SCORES = [
    VideoScore("a.mp4", 3.25, (1, 5), 2, "pyav 1", "none", "", [0.0, 0.04], [3.0, 3.5]),
    VideoScore("b.mp4", None, (1, 5), error="not a video"),
]


def test_tables_and_json_round_trip(tmp_path):
    files = write_scores(SCORES, tmp_path / "s.csv")
    assert [path.name for path in files] == ["s.csv", "s.timeline.csv"]
    with files[0].open() as file:
        rows = list(csv.DictReader(file))
    assert float(rows[0]["score"]) == 3.25
    assert rows[1]["score"] == ""
    assert rows[1]["error"] == "not a video"
    assert files[1].read_text().splitlines()[2] == "a.mp4,0.04,3.5"
    (path,) = write_scores(SCORES, tmp_path / "s.json", ["beware"])
    content = json.loads(path.read_text())
    assert content["notes"] == ["beware"]
    assert content["videos"][0]["frame_quality"] == [3.0, 3.5]
    assert content["videos"][1]["score"] is None


def test_another_suffix_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ValueError, match=r"\.csv or \.json"):
        write_scores(SCORES, tmp_path / "s.xlsx")
    assert not list(tmp_path.iterdir())
