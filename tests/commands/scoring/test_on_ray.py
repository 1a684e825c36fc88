"""Scoring on a small Ray cluster: equal rows; killed workers, drivers and files that kill."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas
import pytest

from tests.clips import write_clip
from tests.places import ROOT
from vqa.commands.engines.ray_pool import TRIES, Pool
from vqa.commands.engines.settings import EngineSettings
from vqa.commands.scoring.command import main

pytestmark = pytest.mark.slow  # Ray's processes, and workers that import torch
ON_RAY = EngineSettings(name="ray", workers=1)


@pytest.fixture(scope="module")
def ray():
    """A cluster of one node with two cores, which ends with these tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "1")
        import ray

        ray.init(
            address="local", num_cpus=2, include_dashboard=False, log_to_driver=False,
            logging_level="ERROR", object_store_memory=8 * 10**7,
        )  # fmt: skip
        yield ray
        ray.shutdown()


@pytest.fixture
def start(ray):
    """Starts an actor that squares numbers, and dies or fails as it is told."""

    class Actor:
        def __init__(self):
            self.names = []

        def load(self):
            pass

        def work(self, items):
            self.names += items
            name = self.names.pop(0)
            word, _, rest = name.partition(" ")
            first = word == "first" and not Path(rest).exists()
            if first:
                Path(rest).touch()
            if first or word == "kills":
                os.kill(os.getpid(), signal.SIGKILL)
            if word == "raises":
                raise ValueError("no such number")
            return int(rest) ** 2 if word == "number" else 0

    return ray.remote(num_cpus=0)(Actor).remote


def test_each_item_has_one_outcome_whatever_becomes_of_the_actors(ray, start, tmp_path, capsys):
    items = [f"number {number}" for number in range(40)]
    items[7:7] = ["kills", f"first {tmp_path / 'a'}"]
    items[30:30] = ["raises", f"first {tmp_path / 'b'}"]
    sizes = iter([1])  # the cluster grows
    pool = Pool(ray, start, lambda: next(sizes, 2))
    found = list(pool.outcomes(items))
    assert sorted(one.item for one in found) == sorted(items)
    for item, value, error in found:
        word, _, rest = item.partition(" ")
        assert bool(error) == (word in ("kills", "raises")), error
        if word == "number":
            assert value == int(rest) ** 2
        if word == "raises":
            assert error == f"{TRIES} workers ended on it: no such number"
    assert "its files are scored again" in capsys.readouterr().err


def test_errors_of_loading_and_of_the_items_arrive(ray, start):
    class Broken:
        def load(self):
            raise ValueError("no model")

    class Killed:
        def load(self):
            os.kill(os.getpid(), signal.SIGKILL)

    def items():
        yield "number 1"
        raise ValueError("no more names")

    for actor, error in ((Broken, "no model"), (Killed, "workers end while they load")):
        starts = ray.remote(num_cpus=0)(actor).remote
        with pytest.raises((ValueError, RuntimeError), match=error):
            list(Pool(ray, starts, lambda: 1).outcomes(["number 1"]))
    with pytest.raises(ValueError, match="no more names"):
        list(Pool(ray, start, lambda: 1).outcomes(items()))


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Twelve small clips, a broken file, and their scores by one process."""
    place = tmp_path_factory.mktemp("ray")
    (place / "clips").mkdir()
    for number in range(12):
        write_clip(place / "clips" / f"{number:02d}.mp4", 8 + number, size=(64, 48))
    (place / "clips" / "bad.mp4").write_bytes(b"no video")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        assert main("ugc", ["clips"], output="one/", cache=None, quiet=True) == 1
    return place


def rows(folder):
    table = pandas.read_parquet(folder)
    assert table["video"].is_unique
    return table.set_index("video").sort_index()


def test_rows_are_those_of_one_process_although_driver_and_worker_are_killed(
    ray, clips, monkeypatch, capsys
):
    monkeypatch.chdir(clips)
    known = set(workers())
    job = subprocess.Popen(
        [sys.executable, "-m", "vqa", "score", "clips", "-o", "two/", "--engine", "ray",
         "--workers", "1"],
        env=os.environ | {"RAY_ADDRESS": ray.get_runtime_context().gcs_address},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8",
    )  # fmt: skip
    journal = Path("two/_journal-main.jsonl")
    while not (journal.is_file() and journal.read_bytes().count(b"\n") >= 4):
        assert job.poll() is None, job.stdout.read()
        time.sleep(0.05)
    job.kill()
    job.communicate()
    before = journal.read_bytes().count(b"\n")
    scored = []

    def killing(*arguments, original=main.__globals__["score_on_ray"]):
        for score in original(*arguments):
            scored.append(score.video)
            if len(scored) == 2:
                for process in set(workers()) - known:
                    os.kill(process, signal.SIGKILL)
            yield score

    monkeypatch.setitem(main.__globals__, "score_on_ray", killing)
    assert main("ugc", ["clips"], output="two/", cache=None, quiet=True, engine=ON_RAY) == 1
    assert "a worker ended" in capsys.readouterr().err
    assert len(scored) == len(set(scored)) <= 13 - before + 1  # the broken file is tried again
    found, expected = rows("two"), rows("one")
    assert list(found.index) == list(expected.index)
    assert (found["score"] - expected["score"]).abs().max() <= 1e-6
    for column in ("source", "error"):
        assert list(found[column]) == list(expected[column])


def test_the_example_for_ray_data_runs(ray, clips):
    names = sorted(map(str, (clips / "clips").iterdir()))[-2:]
    subprocess.run(
        [sys.executable, ROOT / "docs" / "examples" / "ray_data.py", clips / "rows", *names],
        env=os.environ | {"RAY_ADDRESS": ray.get_runtime_context().gcs_address}, check=True,
        capture_output=True,
    )  # fmt: skip
    found = rows(clips / "rows")
    assert list(found["item"]) == names
    assert found["score"].equals(rows(clips / "one")["score"][names])
    assert [bool(error) for error in found["error"]] == [False, True]


def workers():
    """Ids of the processes that hold an actor of ours."""
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                name = (process / "cmdline").read_bytes()
            except OSError:
                continue
            if name.startswith(b"ray::_Actor"):
                yield int(process.name)
