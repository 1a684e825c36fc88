"""Files of scores: rows that survive, and what they say."""

import contextlib
import csv
import json

import pytest

from tests.clips import cut, write_clip, write_raw
from tests.commands.calling import Failed, run
from tests.fakes import graded_clips
from vqa.commands.score import Score
from vqa.commands.score_files import score_writer

SCORES = [
    Score("a.mp4", 3.25, (1, 5), 2, [0.0, 0.04], [3.0, 3.5], "pyav 1", "none", "each frame"),
    Score("b.mp4", None, (1, 5), error="not a video", note="odd"),
]


def write(scores, path, notes=()):
    writer = score_writer(path, notes)
    with writer:
        for score in scores:
            writer.write(score)
    return writer.files


class Killed(BaseException):
    """Stands for the end of the process."""


def interrupted(scores, path):
    """Write scores, then stop without the end of the file."""
    writer = score_writer(path)
    with contextlib.suppress(Killed), writer:
        for score in scores:
            writer.write(score)
        raise Killed


def test_tables_and_json_hold_every_fact(tmp_path):
    files = write(SCORES, tmp_path / "s.csv")
    assert [path.name for path in files] == ["s.csv", "s.timeline.csv"]
    with files[0].open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert float(rows[0]["score"]) == 3.25
    assert (rows[0]["timeline"], rows[1]["note"]) == ("each frame", "odd")
    assert rows[1]["score"] == ""
    assert rows[1]["error"] == "not a video"
    assert files[1].read_text(encoding="utf-8").splitlines()[2] == "a.mp4,0.04,3.5"
    (path,) = write(SCORES, tmp_path / "s.json", ["beware"])
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["notes"] == ["beware"]
    assert content["videos"][0]["frame_quality"] == [3.0, 3.5]
    assert content["videos"][1]["score"] is None
    (path,) = write(SCORES, tmp_path / "s.JSONL")
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert lines == content["videos"]
    assert json.loads(write([], tmp_path / "none.json")[0].read_text(encoding="utf-8")) == {
        "notes": [], "videos": [],
    }  # fmt: skip


@pytest.mark.parametrize("suffix", ["csv", "json", "jsonl"])
def test_rows_survive_a_kill_and_a_rerun_ends_the_same(tmp_path, suffix):
    path, undisturbed = tmp_path / f"s.{suffix}", tmp_path / f"whole.{suffix}"
    write(SCORES, undisturbed)
    interrupted(SCORES, path)
    assert "not a video" in path.read_text(encoding="utf-8")
    interrupted(SCORES[:1], path)  # a rerun that got less far loses nothing
    assert "not a video" in path.read_text(encoding="utf-8")
    write(SCORES, path)
    assert path.read_bytes() == undisturbed.read_bytes()


def test_rows_of_another_job_do_not_stay(tmp_path):
    path = tmp_path / "s.csv"
    write(SCORES, path)
    other = Score("c.mp4", 1.0, (1, 5))
    interrupted([other], path)
    assert "a.mp4" not in path.read_text(encoding="utf-8")
    write([other], path)
    assert len(path.read_text(encoding="utf-8").splitlines()) == 2


def test_files_that_hold_no_scores_are_not_overwritten(tmp_path):
    with pytest.raises(ValueError, match=r"\.csv or \.json or \.jsonl"):
        score_writer(tmp_path / "s.xlsx")
    assert not list(tmp_path.iterdir())
    for name, text in (("labels.csv", "video,mos\na,3\n"), ("a.json", "[1]"), ("b.jsonl", "x")):
        (tmp_path / name).write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match="holds no scores"):
            score_writer(tmp_path / name)
        assert (tmp_path / name).read_text(encoding="utf-8") == text
    (tmp_path / "d.csv").mkdir()
    with pytest.raises(ValueError, match="expected a file"):
        score_writer(tmp_path / "d.csv")


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """Clips, and a run that was trained on them."""
    place = graded_clips(tmp_path_factory.mktemp("own"))
    run(
        "train", "data=csv", f"data.labels={place / 'labels.csv'}", "data.mos_range=[1,5]",
        "model=svr", "features=multiscale", f"folder={place / 'run'}",
        f"paths.cache={place / 'cache'}", "threads=1",
    )  # fmt: skip
    return place


def score(own, *words):
    run("score", own / "run", *words, "--cache", own / "cache", "-o", own / "s.csv")


def table(own):
    with (own / "s.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_one_bad_file_costs_its_row(own, tmp_path, capsys):
    (tmp_path / "bad.mp4").write_bytes(b"no video")
    (tmp_path / "list.txt").write_text("gone.mp4\nbad.mp4\n", encoding="utf-8")
    with pytest.raises(Failed) as failure:
        score(own, tmp_path / "list.txt", own / "videos" / "clip0.mp4")
    assert failure.value.status == 1
    gone, bad, good = table(own)
    assert "No such file" in gone["error"]
    assert bad["error"]
    assert float(good["score"])
    assert good["timeline"] == "one value, the score"
    assert "timeline: one value, the score" in capsys.readouterr().out


def test_the_output_is_not_one_of_the_inputs(own):
    with pytest.raises(Failed, match="holds no scores"):
        run("score", own / "run", own / "videos", "-o", own / "labels.csv")
    score(own, own / "videos")
    with pytest.raises(Failed, match="one of the files to score"):
        score(own, own / "s.csv", own / "videos")


def test_raw_video_is_scored_by_its_format_and_says_what_was_assumed(own, tmp_path):
    path = tmp_path / "a.yuv"
    write_raw(path, 20, (128, 96), "yuv420p")
    score(own, path, "--raw-size", "128x96")
    (assumed,) = table(own)
    assert assumed["note"].startswith("raw video: 8-bit 4:2:0, limited range, 30 frames per second")
    score(own, path, "--raw-size", "96x128")
    (other,) = table(own)
    assert other["score"] != assumed["score"]
    given = ("--raw-size", "128x96", "--raw-format", "yuv420p", "--raw-rate", 30)
    score(own, path, *given, "--raw-range", "full")
    (full,) = table(own)
    assert full["score"] != assumed["score"]
    score(own, path, *given, "--raw-range", "limited")
    (limited,) = table(own)
    assert (limited["score"], full["note"], limited["note"]) == (assumed["score"], "", "")
    with pytest.raises(Failed, match="pixel format 'yuv9'"):
        score(own, path, "--raw-size", "128x96", "--raw-format", "yuv9")
    with pytest.raises(Failed, match="needs its size"):
        score(own, path, "--raw-rate", 25)


def test_damaged_files_are_scored_only_if_asked_for_and_say_so(own, tmp_path):
    path = tmp_path / "cut.mkv"
    cut(write_clip(path, 50))
    with pytest.raises(Failed):
        score(own, path)
    assert table(own)[0]["score"] == ""
    score(own, path, "--damaged", "score")
    (row,) = table(own)
    assert 0 < int(row["frames"]) < 50
    assert row["note"].startswith("damaged")
    with pytest.raises(Failed):
        score(own, path)
