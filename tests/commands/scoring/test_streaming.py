"""Real scoring jobs in processes of their own: pipes, Ctrl-C, `kill -9`, exit statuses."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from tests.clips import write_clip
from tests.places import ROOT

pytestmark = pytest.mark.slow  # each job imports torch
OUTPUTS = ("s.jsonl", "s.csv", "s.timeline.csv")


def start(own, place, *words):
    """Start a scoring job in a folder."""
    return subprocess.Popen(
        [sys.executable, "-m", "vqa", "score", own / "run", *words],
        cwd=place, env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def write_clips(folder, count):
    folder.mkdir()
    for number in range(count):
        rng = np.random.default_rng(number)
        scene = rng.integers(0, 256, (56, 64, 3), dtype=np.uint8)
        write_clip(
            folder / f"{number:03d}.mp4", 8, size=(64, 48),
            picture=lambda index, width, height, scene=scene: scene[index : index + height],
        )  # fmt: skip


@pytest.mark.parametrize("workers", [1, 2])
def test_a_file_is_scored_before_the_names_end_and_ctrl_c_ends_the_wait(own, tmp_path, workers):
    job = start(own, tmp_path, "-", "--json", "--workers", str(workers))
    for name in ("clip0.mp4", "clip1.mp4"):
        job.stdin.write(f"{own / 'videos' / name}\n")
        job.stdin.flush()
        assert json.loads(job.stdout.readline())["video"].endswith(name)
    job.send_signal(signal.SIGINT)
    out, errors = job.communicate(timeout=60)
    assert (job.returncode, out) == (130, "")
    assert errors.splitlines()[-1] == "error: stopped by Ctrl-C; rerun the command to resume"


def test_a_job_that_was_killed_twice_ends_as_an_undisturbed_one(own, tmp_path):
    write_clips(tmp_path / "clips", 36)
    words = ("../clips", "../clips/absent.mp4", "-o", "s.jsonl", "--csv", "s.csv", "--quiet")
    places = tmp_path / "whole", tmp_path / "killed"
    for place in places:
        place.mkdir()
    job = start(own, places[0], *words)
    job.communicate(timeout=120)
    assert job.returncode == 1  # one file is absent
    partial = places[1] / "s.jsonl.partial"
    for rows in (8, 20):
        job = start(own, places[1], *words)
        while not (partial.is_file() and partial.read_bytes().count(b"\n") >= rows):
            assert job.poll() is None
            time.sleep(0.02)
        job.kill()
        job.communicate()
        assert [path.name for path in places[1].iterdir()] == [partial.name]
    job = start(own, places[1], *words)
    _, errors = job.communicate(timeout=120)
    assert (job.returncode, len(errors.splitlines())) == (1, 2)
    for name in OUTPUTS:
        assert (places[1] / name).read_bytes() == (places[0] / name).read_bytes(), name
    assert len((places[0] / "s.jsonl").read_text().splitlines()) == 37


def test_a_gate_in_a_shell_pipeline(own, tmp_path):
    """Names go in with NUL, JSON comes out, and the status decides what follows."""
    script = (
        f"find {own / 'videos'} -name 'clip[08].mp4' -print0"
        f" | {sys.executable} -m vqa score {own / 'run'} - -0 --json --quiet --fail-below 3"
        " > scores.jsonl; echo $?"
    )
    done = subprocess.run(
        ["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.stdout == "3\n"
    rows = [json.loads(line) for line in (tmp_path / "scores.jsonl").read_text().splitlines()]
    assert sorted(row["score"] > 3 for row in rows) == [False, True]
    assert [line.split("  ")[1].endswith("clip8.mp4") for line in done.stderr.splitlines()[:1]]
