"""A task of a job array: its record, and what the signals of a cluster do to it."""

import signal

import pytest

from vqa.commands.engines import task
from vqa.commands.engines.task import Task
from vqa.files import read_json

ENVIRONMENT = {
    "SUBMITIT_EXECUTOR": "local", "SUBMITIT_LOCAL_JOB_ID": "77", "SUBMITIT_LOCAL_GLOBALID": "0",
}  # fmt: skip


class Child:
    """A command that ends when it is told to, or has ended with a status."""

    def __init__(self, status=None, *, deaf=False):
        self.status, self.deaf, self.asked = status, deaf, []

    def poll(self):
        return self.status

    def terminate(self):
        self.asked.append("terminate")
        if not self.deaf:
            self.status = 143

    def kill(self):
        self.asked.append("kill")
        self.status = -9


@pytest.fixture(autouse=True)
def quick(monkeypatch, tmp_path):
    for name, value in {**ENVIRONMENT, "SUBMITIT_FOLDER": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(task, "SAVING_S", 0.01)
    monkeypatch.setattr(task, "POLL_S", 0.001)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    yield
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


@pytest.fixture
def record(tmp_path):
    return tmp_path / "task-1.json"


def begun(record, child, requeues=2):
    made = Task(["train"], ".", str(record), requeues)
    made._child = child
    return made


def test_the_record_has_the_status_and_the_log(record, monkeypatch, tmp_path):
    monkeypatch.setattr(task, "started", lambda *_, **__: Child(1))
    assert Task(["extract"], ".", str(record), 2)() == 1
    found = read_json(record)
    assert (found["state"], found["status"]) == ("ended", 1)
    assert found["log"] == str(tmp_path / "77_0_log.out")


def test_a_command_inherits_that_the_announcement_is_blocked(record, monkeypatch):
    masks = []

    def started(*_, **__):
        masks.append(signal.pthread_sigmask(signal.SIG_BLOCK, ()))
        return Child(0)

    monkeypatch.setattr(task, "started", started)
    Task(["extract"], ".", str(record), 2)()
    assert {signal.SIGUSR1, signal.SIGUSR2} <= masks[0]
    assert signal.SIGTERM not in masks[0]


@pytest.mark.parametrize("status", [143, -15])
def test_a_task_whose_processes_the_cluster_stops_has_no_result_until_it_is_killed(
    record, monkeypatch, status
):
    seen = []
    monkeypatch.setattr(task, "started", lambda *_, **__: Child(status))
    monkeypatch.setattr(task, "_pause", lambda _: seen.append(read_json(record)["state"]))
    Task(["train"], ".", str(record), 2)()
    assert seen == ["running"]


@pytest.mark.parametrize(("deaf", "asked"), [(False, ["terminate"]), (True, ["terminate", "kill"])])
def test_an_announced_end_stops_the_command_and_requeues_the_task(record, deaf, asked):
    child = Child(deaf=deaf)
    again = begun(record, child).checkpoint()
    assert child.asked == asked
    assert again.function == Task(["train"], ".", str(record), 1)
    assert read_json(record)["state"] == "requeued"


def test_a_task_is_requeued_before_its_command_has_begun(record):
    assert begun(record, None).checkpoint().function.requeues == 1


def test_a_task_is_requeued_a_stated_number_of_times(record):
    assert begun(record, Child(), requeues=0).checkpoint() is None
    found = read_json(record)
    assert (found["state"], found.get("status")) == ("ended", None)
    assert "too often" in found["cause"]
