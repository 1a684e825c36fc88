"""A real array of tasks, as processes of this machine: preempted, the same end state."""

import os
import signal
import threading
import time
from contextlib import suppress

import pytest

from tests.commands.calling import call
from tests.fakes import graded_clips
from vqa.files import read_json

pytestmark = pytest.mark.slow
SAME = ("model.safetensors", "history.csv", "fitted.csv")


class Preempter(threading.Thread):
    """Announces preemption to the task of a training some times, each after new progress."""

    def __init__(self, place, times):
        super().__init__(daemon=True)
        self.place, self.times, self.pids = place, times, []

    def run(self):
        while len(self.pids) < self.times:
            time.sleep(0.02)
            with suppress(OSError, ValueError, StopIteration, TypeError):
                checkpoints = [*(self.place / "shared").rglob("*.ckpt")]
                newest = max((one.stat().st_mtime_ns for one in checkpoints), default=0)
                record = next((self.place / "runs").rglob("vqa-train-*/task-1.json"))
                task, begun = read_json(record), record.stat().st_mtime_ns
                if newest > begun and task["state"] == "running" and task["pid"] not in self.pids:
                    os.kill(task["pid"], signal.SIGUSR2)
                    self.pids.append(task["pid"])


@pytest.mark.parametrize("times", [1, pytest.param(2, marks=pytest.mark.exhaustive)])
def test_a_training_that_is_preempted_ends_as_one_that_is_not(times, tmp_path):
    own = graded_clips(tmp_path / "own", count=9)
    words = [
        "data=csv", f"data.labels={own / 'labels.csv'}", "data.mos_range=[1,5]", "threads=1",
        "features=multiscale", "model=gstvqa", "protocol=full",
        "trainer.max_epochs=25", "model.checkpoint_every=1", "loader.batch_size=4",
    ]  # fmt: skip
    call("train", tmp_path, *words, f"folder={tmp_path / 'straight'}")
    preempter = Preempter(tmp_path, times)
    preempter.start()
    engine = ["engine=slurm", "engine.cluster=local"]
    call("train", tmp_path, *words, f"folder={tmp_path / 'shared'}", *engine)
    assert len(preempter.pids) == times
    for name in SAME:
        shared, straight = ((tmp_path / run).glob(f"*/{name}") for run in ("shared", "straight"))
        assert next(shared).read_bytes() == next(straight).read_bytes(), name
    (log,) = (tmp_path / "runs" / "jobs").glob("vqa-train-*/*_log.out")
    text = log.read_text(encoding="utf-8")
    assert text.count("stopped by SIGTERM; rerun the command to resume") == times
    assert text.count("Requeued job") == times
