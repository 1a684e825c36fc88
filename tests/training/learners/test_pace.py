"""The pace that a training tells: videos a second, the share that waits, and the remedy."""

import logging
from types import SimpleNamespace

import pytest
import torch

from vqa.training import datamodule
from vqa.training.learners.pace import Pace


class Clock:
    """Seconds that pass when told to."""

    now_s = 0.0

    def __call__(self):
        return self.now_s


def trained(steps, caplog, *, wait_s, step_s, workers=4, draws=0, view="fragments", first=True):
    """Tell the pace of an epoch of steps of 8 videos; the lines of the log."""
    clock = Clock()
    data = SimpleNamespace(
        num_workers=workers, draws=draws, processes=1, views=SimpleNamespace(views={view: None})
    )
    trainer = SimpleNamespace(
        strategy=SimpleNamespace(root_device=torch.device("cpu")),
        world_size=2, is_global_zero=first,
    )  # fmt: skip
    pace = Pace(data, clock)
    with caplog.at_level(logging.INFO):
        pace.on_train_start(trainer)
        clock.now_s += 1000  # what is between does not count
        pace.on_train_epoch_start(trainer)
        for index in range(steps):
            clock.now_s += wait_s
            pace.on_train_batch_start(trainer)
            clock.now_s += step_s
            pace.on_train_batch_end(trainer, None, None, {"ids": ["v"] * 8}, index)
        pace.on_train_epoch_end(trainer)
    return [record.getMessage() for record in caplog.records]


@pytest.fixture(autouse=True)
def four_cores(monkeypatch):
    monkeypatch.delenv("SLURM_CPUS_PER_TASK", raising=False)
    monkeypatch.setattr(datamodule.os, "sched_getaffinity", lambda pid: range(4), raising=False)


def test_a_training_that_is_fed_is_told_its_pace_alone(caplog):
    assert trained(10, caplog, wait_s=0.1, step_s=1.9) == [
        "pace: 8 videos/s, 5 % of the time waits for data"
    ]


@pytest.mark.parametrize(
    ("options", "remedy"),
    [
        ({"workers": 1}, "set loader.num_workers=auto, which is 4 here (1 now)"),
        ({}, "loader.store=4 cuts the fragments once instead of decoding in each epoch"),
        ({"draws": 2}, "use more cores, or a quicker disk"),
        ({"view": "image"}, "use more cores, or a quicker disk"),
    ],
)
def test_one_that_waits_is_told_what_helps(options, remedy, caplog):
    (line,) = trained(10, caplog, wait_s=1.5, step_s=0.5, **options)
    assert line == f"pace: 8 videos/s, 75 % of the time waits for data; {remedy}"


def test_it_is_told_after_a_minute_and_then_every_ten(caplog):
    assert len(trained(500, caplog, wait_s=0.0, step_s=4.0)) == 1 + (2000 - 60) // 600


def test_one_process_tells_it(caplog):
    assert trained(100, caplog, wait_s=1.0, step_s=1.0, first=False) == []


@pytest.mark.parametrize(
    ("given", "processes", "expected"),
    [("", 1, 4), ("", 2, 2), ("", 8, 1), ("3", 2, 3), ("9", 1, 4)],
)
def test_processes_share_the_cores_unless_slurm_gives_each_its_own(
    given, processes, expected, monkeypatch
):
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", given)
    assert datamodule.usable_cores(processes) == expected
