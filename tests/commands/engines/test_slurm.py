"""What SLURM is asked, by commands of its names that answer as it does; no task runs."""

import json
import os
import re
import sys

import pytest

from vqa.commands.configuration import UsageError
from vqa.commands.engines import slurm
from vqa.commands.engines.settings import EngineSettings
from vqa.commands.engines.slurm import Slurm
from vqa.commands.signals import Stopped
from vqa.files import write_json

SHARES = [["extract", f"shard={index}/3"] for index in (1, 2, 3)]
SETTINGS = {
    "array": 3, "partition": "gpu", "gpus": 1, "cpus": 4, "memory_gb": 16, "time_min": 90,
    "options": {"account": "vision"},
}  # fmt: skip


class Cluster:
    """`sbatch`, `squeue` and `srun` in a folder on the PATH."""

    def __init__(self, place):
        self.place = place
        self.answers("srun", "")
        self.answers("sbatch", "Submitted batch job 77", copies=True)
        self.answers("squeue", "")

    def answers(self, command, text, *, status=0, copies=False):
        """Let a command print a text."""
        lines = ["#!/bin/bash", f"printf '%s\\n' \"$*\" >> {self.place}/{command}.asked"]
        lines += [f'cp "$1" {self.place}/submitted.sh'] if copies else []
        lines += [f"echo '{text}'" if text else ":", f"exit {status}"]
        path = self.place / command
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        path.chmod(0o755)

    def asked(self, command):
        return (self.place / f"{command}.asked").read_text(encoding="utf-8")

    @property
    def script(self):
        return (self.place / "submitted.sh").read_text(encoding="utf-8")


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    place = tmp_path / "bin"
    place.mkdir()
    monkeypatch.setenv("PATH", f"{place}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(slurm, "LOOK_SLURM_S", 0.01)
    monkeypatch.setattr(slurm, "QUEUE_SLURM_S", 0)
    return Cluster(place)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "jobs" / "vqa-extract-0123abcd"


def engine(**changes):
    return Slurm(EngineSettings("slurm", **{**SETTINGS, **changes}))


def end(folder, index, status):
    """Let a task write the record of its end."""
    record = {"state": "ended", "host": "node1", "log": str(folder / f"77_{index}_0_log.out")}
    write_json(folder / f"task-{index + 1}.json", {**record, "status": status})


def ended_when_submitted(monkeypatch, folder, statuses):
    submit = Slurm._submit

    def submitted(self, shares, place):
        jobs = submit(self, shares, place)
        for index, status in statuses.items():
            end(folder, index, status)
        return jobs

    monkeypatch.setattr(Slurm, "_submit", submitted)


def test_the_shares_become_one_array(cluster, folder, monkeypatch):
    ended_when_submitted(monkeypatch, folder, {0: 0, 1: 0, 2: 1})
    outcomes = engine().run(SHARES, folder)
    assert [one.status for one in outcomes] == [0, 0, 1]
    assert outcomes[2].log == folder / "77_2_0_log.out"
    given = dict(re.findall(r"^#SBATCH --([\w-]+)=(.*)$", cluster.script, re.MULTILINE))
    assert given["array"] == "0-2%3"
    assert given["job-name"] == folder.name
    assert (given["partition"], given["account"]) == ("gpu", "vision")
    assert (given["gpus-per-node"], given["cpus-per-task"], given["mem"]) == ("1", "4", "16GB")
    assert (given["time"], given["signal"]) == ("90", "USR2@120")
    assert "#SBATCH --requeue\n" in cluster.script
    assert folder.stat().st_mode & 0o777 == 0o700
    assert f"--name={folder.name}" in cluster.asked("squeue")


def test_a_task_that_left_the_queue_without_a_word_is_lost(cluster, folder, monkeypatch):
    ended_when_submitted(monkeypatch, folder, {0: 0, 2: 0})
    first, lost, _ = engine().run(SHARES, folder)
    assert (first.status, lost.status, lost.cause) == (0, None, "never started; sacct says why")


def interrupted(*_):
    raise Stopped


def ended_when_followed(monkeypatch, folder):
    follow = Slurm._follow

    def followed(self, count, place):
        for index in range(count):
            end(folder, index, 0)
        return follow(self, count, place)

    monkeypatch.setattr(Slurm, "_follow", followed)


def test_the_tasks_stay_when_the_command_is_stopped(cluster, folder, monkeypatch, capsys):
    with monkeypatch.context() as stopped:
        stopped.setattr(Slurm, "_follow", interrupted)
        with pytest.raises(Stopped):
            engine().run(SHARES, folder)
    assert f"or scancel --me --name={folder.name}" in capsys.readouterr().out
    cluster.answers("squeue", "77_1")
    with pytest.raises(UsageError, match=r"engine.array=2: 1 tasks .* engine.array=3 are still in"):
        engine().run(SHARES[:2], folder)
    ended_when_followed(monkeypatch, folder)
    assert [one.status for one in engine().run(SHARES, folder)] == [0, 0, 0]
    assert "following 1 tasks of an earlier start" in capsys.readouterr().out
    assert len(cluster.asked("sbatch").splitlines()) == 1


def test_an_earlier_start_that_has_ended_is_replaced(cluster, folder, monkeypatch):
    folder.mkdir(parents=True)
    end(folder, 0, 1)
    cluster.answers("squeue", "70")  # it has not left the queue yet
    ended_when_submitted(monkeypatch, folder, {0: 0})
    assert [one.status for one in engine(array=1).run(SHARES[:1], folder)] == [0]
    assert json.loads((folder / "jobs.json").read_text(encoding="utf-8")) == ["77"]
    assert "array" not in cluster.script


def test_what_slurm_refuses_is_one_line(cluster, folder):
    cluster.answers("sbatch", "sbatch: error: invalid partition", status=1)
    with pytest.raises(UsageError, match=r"engine=slurm .*: sbatch refused the job \(") as error:
        engine().run(SHARES, folder)
    assert "\n" not in str(error.value)


def test_without_an_answer_nothing_is_submitted(cluster, folder):
    cluster.answers("squeue", "", status=1)
    with pytest.raises(UsageError, match="rerun the command when SLURM answers"):
        engine().run(SHARES, folder)
    assert not folder.exists()


def test_without_slurm_the_error_says_where_it_is(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match=r"expected the commands of SLURM .* engine.cluster=local"):
        engine().run(SHARES, folder)


def test_without_submitit_the_error_says_what_to_install(cluster, folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(UsageError, match=r"pip install 'vqa\[slurm\]'"):
        engine().run(SHARES, folder)
