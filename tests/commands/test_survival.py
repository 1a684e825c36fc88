"""`kill -9` at random moments, and several processes: the same cache, the same predictions."""

import json
import random
import subprocess
import sys
import time
from functools import partial

import pandas as pd
import pytest

from tests.commands.calling import run
from tests.commands.processes import Command
from tests.fakes import graded_clips
from tests.places import ROOT

pytestmark = pytest.mark.slow
KILLS = 2


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Own data of 25 clips, enough work to be killed in."""
    return graded_clips(tmp_path_factory.mktemp("own"), count=25)


def command(verb, place, *overrides):
    """The command line of a verb on the clips."""
    return [
        verb, "data=csv", f"data.labels={place / 'labels.csv'}", "data.mos_range=[1,5]",
        "features=multiscale", "threads=1", *overrides,
    ]  # fmt: skip


def finish(words, place):
    """Run a command to its end."""
    assert Command(words, place).wait() == 0, (place / "log.txt").read_text()[-3000:]


def kill_repeatedly(words, place, progress, rng, kills=KILLS):
    """Kill a command several times, at random moments after it has made progress.

    Args:
        words: The command line.
        place: Working folder.
        progress: Returns how far the work on disk is, a number that grows.
        rng: Draws the moments.
        kills: Number of times.

    Returns:
        The progress after each kill.
    """
    stages = []
    for _ in range(kills):
        before = progress()
        running = Command(words, place)
        deadline = time.monotonic() + 120
        while progress() <= before and not running.ended() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.15))
        ended = running.ended()
        if not ended:
            running.kill()
        stages.append(progress())
        if ended:
            break
    return stages


def test_extraction_survives_kill_9(place):
    whole, broken = place / "whole", place / "broken"
    finish(command("extract", place, f"paths.cache={whole}"), place)
    arguments = command("extract", place, f"paths.cache={broken}")
    stages = kill_repeatedly(
        arguments, place, lambda: len(list(broken.rglob("*.safetensors"))), random.Random(0)
    )
    assert stages[0] < 25
    assert len(stages) == KILLS  # really killed midway, several times
    finish(arguments, place)
    files = {path.relative_to(whole): path for path in whole.rglob("*.safetensors")}
    assert len(files) == 25
    for relative, path in files.items():
        assert (broken / relative).read_bytes() == path.read_bytes()


def test_training_survives_kill_9(place):
    shared = [
        "model=gstvqa", f"paths.cache={place / 'whole'}", "trainer.max_epochs=20",
        "loader.batch_size=4", "model.checkpoint_every=1", "protocol=repeated", "protocol.count=2",
        "protocol.val_fraction=0.2", "model.optimizer.lr=1e-3",
    ]  # fmt: skip
    straight, broken = place / "straight", place / "broken-run"
    finish(command("train", place, *shared, f"folder={straight}"), place)
    arguments = command("train", place, *shared, f"folder={broken}")
    stages = kill_repeatedly(arguments, place, lambda: _checkpoints(broken), random.Random(1))
    assert len(stages) == KILLS
    finish(arguments, place)
    for name in ("predictions.csv", "split0/history.csv", "split1/history.csv", "results.json"):
        assert (broken / name).read_bytes() == (straight / name).read_bytes(), name


def _checkpoints(folder):
    """When the newest checkpoint or result of a run was written."""
    files = [*folder.rglob("*.ckpt"), *folder.rglob("predictions.csv")]
    return max((path.stat().st_mtime_ns for path in files if path.exists()), default=0)


@pytest.mark.exhaustive
def test_a_cross_database_matrix_survives_kill_9(place):
    names = "[demo_coding,demo_camera,demo_timing]"
    tables = {}
    for name in ("straight", "broken"):
        folder = place / f"cross-{name}"
        arguments = [
            "cross", f"train={names}", f"test={names}",
            "+data.read.contents=4", "+data.read.versions=4", "+data.read.frames=8",
            "+data.read.size=[64,48]", "trainer.max_epochs=30", "protocol.test_fraction=0.5",
            "model.checkpoint_every=1", f"output={folder / 'matrix'}",
            *(f"paths.{path}={folder / path}" for path in ("data", "cache", "runs")),
        ]  # fmt: skip
        if name == "broken":
            stages = kill_repeatedly(
                arguments, place, partial(_checkpoints, folder), random.Random(2), kills=4
            )
            assert len(stages) == 4  # killed each time before its end
        finish(arguments, place)
        tables[name] = pd.read_csv(folder / "matrix" / "matrix.csv").drop(columns="run")
    assert len(tables["broken"]) == 9
    pd.testing.assert_frame_equal(tables["broken"], tables["straight"], check_exact=True)


@pytest.mark.parametrize(
    ("model", "program"),
    [
        ("gstvqa", ["train.py"]),
        pytest.param("vsfa", ["-m", "vqa", "train"], marks=pytest.mark.exhaustive),
    ],
)
def test_two_processes_give_the_numbers_of_one(place, model, program):
    """Lightning starts the second process with the command line as it was typed."""
    folder = place / f"{model}-ddp"
    _, *overrides = command(
        "train", place, f"model={model}", "trainer=ddp", "trainer.accelerator=cpu",
        "trainer.devices=2", "trainer.max_epochs=2", "loader.batch_size=3",
        "protocol=repeated", "protocol.count=2", "protocol.val_fraction=0.2",
        f"paths.cache={place / 'whole'}", f"folder={folder}",
    )  # fmt: skip
    done = subprocess.run(
        [sys.executable, *program, *overrides], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    together = pd.read_csv(folder / "predictions.csv")
    assert len(together) == 10  # five of 25 in each split: odd
    assert not together.duplicated(["split", "video"]).any()
    run("evaluate", f"run={folder}", f"paths.cache={place / 'whole'}")
    again = pd.read_csv(folder / "evaluations" / "csv" / "predictions.csv")
    pd.testing.assert_frame_equal(again, together, rtol=0, atol=1e-6)  # other thread counts
    results = [json.loads((folder / name / "results.json").read_text()) for name in
               (".", "evaluations/csv")]  # fmt: skip
    medians = [result["summary"]["median"] for result in results]
    assert medians[0] == pytest.approx(medians[1], abs=1e-5)
