"""`kill -9` at random moments, and several processes: the same cache, the same predictions."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from functools import partial

import pandas as pd
import pytest

from tests.fakes import graded_clips
from tests.places import ROOT

pytestmark = pytest.mark.slow
KILLS = 10


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Own data of 25 clips, enough work to be killed in."""
    return graded_clips(tmp_path_factory.mktemp("own"), count=25)


def command(script, place, *overrides):
    """A command line of an entry script on the clips."""
    return [
        sys.executable, str(ROOT / f"{script}.py"), "data=csv",
        f"data.labels={place / 'labels.csv'}", "data.mos_range=[1,5]", "features=multiscale",
        "threads=1",
        *overrides,
    ]  # fmt: skip


def start(arguments, place):
    """Begin a command in a process group of its own."""
    with (place / "log.txt").open("ab") as log:
        return subprocess.Popen(
            arguments, cwd=place, stdout=log, stderr=log, start_new_session=True
        )


def finish(arguments, place):
    """Run a command to its end."""
    process = start(arguments, place)
    assert process.wait(timeout=900) == 0, (place / "log.txt").read_text()[-3000:]


def kill_repeatedly(arguments, place, progress, rng, kills=KILLS):
    """Kill a command several times, at random moments after it got further; return the stages.

    Args:
        arguments: The command line.
        place: Working folder.
        progress: How far the work on disk is, a number that grows.
        rng: Draws the moments.
        kills: How often.
    """
    stages = []
    for _ in range(kills):
        before = progress()
        process = start(arguments, place)
        deadline = time.monotonic() + 120
        while progress() <= before and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.15))
        ended = process.poll() is not None
        if not ended:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
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
    assert len(stages) >= 5  # really killed midway, several times
    finish(arguments, place)
    files = {path.relative_to(whole): path for path in whole.rglob("*.safetensors")}
    assert len(files) == 25
    for relative, path in files.items():
        assert (broken / relative).read_bytes() == path.read_bytes()


def test_training_survives_kill_9(place):
    shared = [
        "model=gstvqa", f"paths.cache={place / 'whole'}", "trainer.max_epochs=150",
        "loader.batch_size=4", "model.checkpoint_every=1", "protocol=repeated", "protocol.count=2",
        "protocol.val_fraction=0.2", "model.optimizer.lr=1e-3",
    ]  # fmt: skip
    straight, broken = place / "straight", place / "broken-run"
    finish(command("train", place, *shared, f"folder={straight}"), place)
    arguments = command("train", place, *shared, f"folder={broken}")
    stages = kill_repeatedly(arguments, place, lambda: _checkpoints(broken), random.Random(1))
    assert len(stages) >= 5
    finish(arguments, place)
    for name in ("predictions.csv", "split0/history.csv", "split1/history.csv", "results.json"):
        assert (broken / name).read_bytes() == (straight / name).read_bytes(), name


def _checkpoints(folder):
    """When the newest checkpoint or result of a run was written."""
    files = [*folder.rglob("*.ckpt"), *folder.rglob("predictions.csv")]
    return max((path.stat().st_mtime_ns for path in files if path.exists()), default=0)


def test_a_cross_database_matrix_survives_kill_9(place):
    names = "[demo_coding,demo_camera,demo_timing]"
    tables = {}
    for name in ("straight", "broken"):
        folder = place / f"cross-{name}"
        arguments = [
            sys.executable, str(ROOT / "cross.py"), f"train={names}", f"test={names}",
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


@pytest.mark.parametrize("model", ["gstvqa", "vsfa"])
def test_two_processes_give_the_numbers_of_one(place, model):
    folder = place / f"{model}-ddp"
    finish(
        command(
            "train", place, f"model={model}", "trainer=ddp", "trainer.accelerator=cpu",
            "trainer.devices=2", "trainer.max_epochs=4", "loader.batch_size=3",
            "protocol=repeated", "protocol.count=2", "protocol.val_fraction=0.2",
            f"paths.cache={place / 'whole'}", f"folder={folder}",
        ),
        place,
    )  # fmt: skip
    together = pd.read_csv(folder / "predictions.csv")
    assert len(together) == 10  # five of 25 in each split: odd
    assert not together.duplicated(["split", "video"]).any()
    alone = [sys.executable, str(ROOT / "evaluate.py"), f"run={folder}"]
    finish([*alone, f"paths.cache={place / 'whole'}"], place)
    again = pd.read_csv(folder / "evaluations" / "csv" / "predictions.csv")
    pd.testing.assert_frame_equal(again, together, rtol=0, atol=1e-6)  # other thread counts
    results = [json.loads((folder / name / "results.json").read_text()) for name in
               (".", "evaluations/csv")]  # fmt: skip
    medians = [result["summary"]["median"] for result in results]
    assert medians[0] == pytest.approx(medians[1], abs=1e-5)
