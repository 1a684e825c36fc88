"""Shares as tasks of a small Ray cluster on this machine; one of them is killed."""

import os
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.commands.calling import call
from tests.fakes import graded_clips
from vqa.commands.engines import ray_tasks
from vqa.commands.engines.ray_tasks import LostShareError, RayTasks, _share
from vqa.commands.engines.settings import EngineSettings

ray_exceptions = pytest.importorskip("ray.exceptions")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks for processes"),
]


class Killer(threading.Thread):
    """Kills one process of a share, once, as a lost node would."""

    def __init__(self, word):
        super().__init__(daemon=True)
        self.word, self.killed = word.encode(), None

    def run(self):
        while self.killed is None:
            time.sleep(0.05)
            for place in Path("/proc").glob("[0-9]*"):
                with suppress(OSError):
                    words = (place / "cmdline").read_bytes().split(b"\0")
                    if b"shard=1/2" in words and self.word in words:
                        self.killed = int(place.name)
                        os.kill(self.killed, signal.SIGKILL)
                        return


def test_extraction_on_ray_survives_a_killed_share(tmp_path):
    own = graded_clips(tmp_path / "own", count=6)
    labels = f"data.labels={own / 'labels.csv'}"
    words = ["data=csv", labels, "data.mos_range=[1,5]", "features=multiscale", "threads=1"]
    engine = ["engine=ray", "engine.address=local", "engine.workers=2"]
    killer = Killer(labels)
    killer.start()
    call("extract", tmp_path, *words, *engine)
    assert killer.killed is not None
    assert len(list((tmp_path / "cache").rglob("*.safetensors"))) == 6
    (folder,) = (tmp_path / "cache" / "jobs").glob("vqa-extract-*")
    logs = [(folder / f"task-{index}.log").read_text(encoding="utf-8") for index in (1, 2)]
    assert ["3 made, 0 found, 0 failed" in text for text in logs] == [True, True]


def test_a_node_without_the_working_folder_says_so(tmp_path):
    with pytest.raises(FileNotFoundError, match="expected the folder in which the command was"):
        _share(["--version"], str(tmp_path / "elsewhere"), str(tmp_path / "log"))


def test_a_share_that_a_signal_ends_is_lost(tmp_path, monkeypatch):
    class Killed:
        def wait(self):
            return -9

    monkeypatch.setattr(ray_tasks, "started", lambda *_: Killed())
    with pytest.raises(LostShareError, match="signal 9"):
        _share(["--version"], str(tmp_path), str(tmp_path / "log"))


class Failing:
    """In place of the package: a share that ended so."""

    exceptions = ray_exceptions

    def __init__(self, error):
        self.error = error

    def get(self, done):
        raise self.error


def test_a_share_that_did_not_end_says_why(tmp_path):
    lost = Failing(ray_exceptions.WorkerCrashedError())
    engine = RayTasks(lost, EngineSettings("ray"), 1)
    assert engine._outcome(None, tmp_path / "log").cause.startswith("was lost 4 times (")
