"""The scorer with a trained run: what a score says, options, bad files."""

import csv

import numpy as np
import pandas as pd
import pytest

import vqa
from tests.clips import cut, write_clip, write_raw, write_sound
from tests.commands.calling import Failed, run
from vqa.commands.scoring.remarks import outside_of
from vqa.files import content_hash
from vqa.identity import identity_of


@pytest.mark.parametrize(
    ("score", "timeline", "note"),
    [
        (1, [1, 5], ""),
        (0.99, [1, 5], "outside the scale [1, 5]"),
        (5.01, [5.5], "outside the scale [1, 5]"),
        (3, [0.5, 4], "the timeline leaves the scale [1, 5]"),
    ],
)
def test_scores_outside_the_scale_are_noted(score, timeline, note):
    assert outside_of((1.0, 5.0), score, np.array(timeline)) == note


def score_with(own, *words):
    run("score", own / "run", *words, "--cache", own / "cache", "-o", own / "s.csv")


def table(own):
    with (own / "s.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_one_bad_file_costs_its_row(own, tmp_path, capsys):
    (tmp_path / "bad.mp4").write_bytes(b"no video")
    (tmp_path / "list.txt").write_text("gone.mp4\nbad.mp4\n", encoding="utf-8")
    with pytest.raises(Failed) as failure:
        score_with(own, tmp_path / "list.txt", own / "videos" / "clip0.mp4")
    assert failure.value.status == 1
    gone, bad, good = table(own)
    assert "no such file" in gone["error"]
    assert bad["error"]
    assert float(good["score"])
    meaning = "score of each moment by itself; the score is that of their mean features"
    assert good["timeline"] == meaning
    assert f"timeline: {meaning}" in capsys.readouterr().out


def test_the_output_is_not_one_of_the_inputs(own):
    with pytest.raises(Failed, match="holds no scores"):
        run("score", own / "run", own / "videos", "-o", own / "labels.csv")
    score_with(own, own / "videos")
    with pytest.raises(Failed, match="one of the files to score"):
        score_with(own, own / "s.csv", own / "videos")


def test_raw_video_is_scored_by_its_format_and_says_what_was_assumed(own, tmp_path):
    path = tmp_path / "a.yuv"
    write_raw(path, 20, (128, 96), "yuv420p")
    score_with(own, path, "--raw-size", "128x96")
    (assumed,) = table(own)
    assert assumed["note"].startswith("raw video: 8-bit 4:2:0, limited range, 30 frames per second")
    score_with(own, path, "--raw-size", "96x128")
    (other,) = table(own)
    assert other["score"] != assumed["score"]
    given = ("--raw-size", "128x96", "--raw-format", "yuv420p", "--raw-rate", 30)
    score_with(own, path, *given, "--raw-range", "full")
    (full,) = table(own)
    assert full["score"] != assumed["score"]
    score_with(own, path, *given, "--raw-range", "limited")
    (limited,) = table(own)
    assert (limited["score"], full["note"], limited["note"]) == (assumed["score"], "", "")
    with pytest.raises(Failed, match="pixel format 'yuv9'"):
        score_with(own, path, "--raw-size", "128x96", "--raw-format", "yuv9")
    with pytest.raises(Failed, match="needs its size"):
        score_with(own, path, "--raw-rate", 25)


def test_damaged_files_are_scored_only_if_asked_for_and_say_so(own, tmp_path):
    path = tmp_path / "cut.mkv"
    cut(write_clip(path, 50))
    with pytest.raises(Failed):
        score_with(own, path)
    assert table(own)[0]["score"] == ""
    score_with(own, path, "--damaged", "score")
    (row,) = table(own)
    assert 0 < int(row["frames"]) < 50
    assert row["note"].startswith("damaged")
    with pytest.raises(Failed):
        score_with(own, path)


def test_a_score_says_how_sure_it_is_and_of_what_file(own):
    clip = own / "videos" / "clip3.mp4"
    score = vqa.load(own / "run", level=0.5)(clip)
    assert score.source == content_hash(clip)
    low, high = score.interval or (score.value, score.value)
    assert low <= score.value <= high
    assert score.level == (None if score.interval is None else 0.5)


def test_without_a_cache_nothing_is_stored_and_the_scores_are_the_same(own, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    clips = sorted((own / "videos").iterdir())[:3]
    clips.append(tmp_path / "copy.mp4")
    clips[-1].write_bytes(clips[2].read_bytes())  # the same content twice in a row
    cached = [score.value for score in vqa.load(own / "run", cache=own / "cache").score(clips)]
    scorer = vqa.load(own / "run")
    assert [score.value for score in scorer.score(clips)] == cached
    assert scorer.cache is None
    assert [path.name for path in tmp_path.iterdir()] == ["copy.mp4"]
    (source,) = scorer._experiment.sources.sources
    assert not source._keys
    assert not source._facts


def test_the_beginning_and_frames_per_second_are_said(own):
    clip = own / "videos" / "clip8.mp4"
    whole = vqa.load(own / "run")(clip)
    part = vqa.load(own / "run", max_seconds=0.5)(clip)
    assert (whole.frames, part.frames, part.note) == (41, 15, "only the first 0.5 of 1.37 s")
    assert vqa.load(own / "run", max_seconds=9)(clip).note == ""
    slow = vqa.load(own / "run", fps=5)(clip)
    assert slow.note == "scored at 5 frames per second"
    assert len({whole.value, part.value, slow.value}) == 3


def test_what_shapes_a_score_shapes_the_identity_of_a_scorer(own):
    same = [{}, {"cache": own / "cache"}]
    other = [{"level": 0.8}, {"fps": 5}, {"max_seconds": 1}, {"damaged": "score"}]
    found = [vqa.load(own / "run", **options).identity for options in [*same, *other]]
    assert found[0] == found[1]
    assert len(set(found)) == len(found) - 1


def test_odd_videos_get_a_note_or_an_error(own, tmp_path):
    def flat(value):
        return lambda index, width, height: np.full((height, width, 3), value, np.uint8)

    write_clip(tmp_path / "black.mp4", 20, picture=flat(0))
    write_clip(tmp_path / "one.mp4", 1)
    write_clip(tmp_path / "small.mp4", 20, size=(32, 24))
    write_sound(tmp_path / "sound.mp4")
    (tmp_path / "empty.mp4").touch()
    names = ("black", "one", "small", "sound", "empty")
    videos = [tmp_path / f"{name}.mp4" for name in names]
    scores = dict(zip(names, vqa.load(own / "run").score(videos), strict=True))
    assert "nothing changes over time, as in a still or black" in scores["black"].note
    assert "1 frame: hardly anything is known about motion" in scores["one"].note
    assert "outside training: 32x24 (96 p)" in scores["small"].note
    assert (scores["sound"].value, scores["empty"].value) == (None, None)
    assert "no video stream" in scores["sound"].error
    assert "the file is empty" in scores["empty"].error


def test_no_features_are_kept_and_rows_say_how_files_were_identified(own, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    clip = own / "videos" / "clip0.mp4"
    run("score", own / "run", clip, "-o", tmp_path / "content.csv")
    run("score", own / "run", clip, "-o", tmp_path / "sampled.csv", "--identity", "sampled")
    made = {path.name for path in tmp_path.iterdir()}
    assert made == {
        f"{name}{end}.csv" for name in ("content", "sampled") for end in ("", ".timeline")
    }
    content, sampled = (
        pd.read_csv(tmp_path / f"{name}.csv").loc[0] for name in ("content", "sampled")
    )
    assert content["source"] == content_hash(clip)
    assert sampled["source"] == identity_of(clip, "sampled")
    assert content["score"] == sampled["score"]
    run(
        "score", own / "run", clip, "-o", tmp_path / "s.csv", "--identity", "sampled",
        "--cache", tmp_path / "kept",
    )  # fmt: skip
    (kept,) = (tmp_path / "kept").rglob("*.safetensors")
    assert kept.stem not in (content["source"], sampled["source"])  # a key of its own kind
