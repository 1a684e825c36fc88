"""Scoring in processes: the same rows in the same order; a killed process costs one video."""

import os
import signal
from pathlib import Path

import pytest

import vqa
from tests.clips import write_clip
from vqa.commands.scoring.workers import score_in_processes

pytestmark = pytest.mark.slow  # each process imports torch


def test_two_processes_give_the_scores_of_one(own, tmp_path):
    (tmp_path / "bad.mp4").write_bytes(b"no video")
    videos = [*map(str, sorted((own / "videos").iterdir())), str(tmp_path / "bad.mp4")]
    expected = list(vqa.load(own / "run").score(videos))
    scorer, options = vqa.load(own / "run"), {"run": own / "run"}
    assert list(score_in_processes(scorer, options, iter(videos), 2)) == expected


def test_a_killed_process_costs_one_video_and_the_next_ones_are_scored(own, tmp_path):
    videos = [str(write_clip(tmp_path / f"{number}.mp4", 20 + number)) for number in range(6)]
    expected = list(vqa.load(own / "run").score(videos))
    scores = score_in_processes(vqa.load(own / "run"), {"run": own / "run"}, videos, 1)
    found = [next(scores)]
    for child in _children():
        if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
            os.kill(child, signal.SIGKILL)
    found += scores
    assert [score.video for score in found] == videos
    failed = [score for score in found if score.error]
    assert len(failed) <= 1  # it may just have been between two videos
    assert all("was killed (SIGKILL)" in score.error for score in failed)
    assert all(one == other for one, other in zip(found, expected, strict=True) if not one.error)


def test_errors_of_a_scorer_and_of_the_videos_arrive(own):
    def broken():
        yield str(own / "videos" / "clip0.mp4")
        raise ValueError("no more names")

    scorer = vqa.load(own / "run")
    with pytest.raises(ValueError, match="no more names"):
        list(score_in_processes(scorer, {"run": own / "run"}, broken(), 1))
    with pytest.raises(ValueError, match="level=2"):
        list(score_in_processes(scorer, {"run": own / "run", "level": 2}, ["a.mp4"], 1))


def test_closing_early_ends_the_processes(own):
    before = _children()
    videos = sorted((own / "videos").iterdir())
    scores = score_in_processes(vqa.load(own / "run"), {"run": own / "run"}, map(str, videos), 2)
    next(scores)
    scores.close()
    left = _children() - before
    assert not [one for one in left if b"spawn_main" in Path(f"/proc/{one}/cmdline").read_bytes()]


def _children():
    """Ids of the processes that this one has started."""
    path = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    return set(map(int, path.read_text(encoding="ascii").split()))
