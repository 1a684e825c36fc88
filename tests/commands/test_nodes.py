"""Trainings over nodes: processes that torchrun and srun start, and the one that goes first."""

import socket
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from tests.commands.processes import SERVER, Command
from vqa.training import processes
from vqa.training.processes import in_turn

SMALL = [
    "data=demo", "+data.read.contents=6", "+data.read.versions=3", "+data.read.frames=12",
    "+data.read.size=[96,64]", "features=multiscale", "model=gstvqa", "trainer.accelerator=cpu",
    "trainer.max_epochs=3", "threads=1",
]  # fmt: skip


@pytest.mark.slow
def test_two_nodes_train_as_one_process_and_start_over_when_asked(tmp_path):
    """14 videos in batches of 4; the folder holds a run that both replace."""
    words = [*SMALL, *(f"paths.{name}={tmp_path / name}" for name in ("data", "cache", "runs"))]
    folder = tmp_path / "run"
    command = Command(["train", *words, f"folder={folder}", "loader.batch_size=4"], tmp_path)
    assert command.wait() == 0, (tmp_path / "log.txt").read_text()
    one = pd.read_csv(folder / "predictions.csv")
    words = [
        "train", *words, f"folder={folder}", "loader.batch_size=2", "trainer=ddp", "fresh=true",
        "trainer.devices=1", "trainer.num_nodes=2",
    ]  # fmt: skip
    words = list({word.partition("=")[0]: word for word in words}.values())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    nodes = [
        SERVER.Process(target=_node, args=(rank, port, words, tmp_path / f"node{rank}.txt"))
        for rank in range(2)
    ]
    for node in nodes:
        node.start()
    for node in nodes:
        node.join(300)
    logs = [(tmp_path / f"node{rank}.txt").read_text() for rank in range(2)]
    assert [node.exitcode for node in nodes] == [0, 0], logs
    two = pd.read_csv(folder / "predictions.csv")
    assert list(two["video"]) == list(one["video"])
    assert np.abs(two["score"] - one["score"]).max() < 2e-6
    assert "report:" in logs[0]
    assert "report:" not in logs[1]
    assert (folder / "inputs.json").is_file()  # what the first has written was not removed


def _node(rank, port, words, log):
    """What `torchrun --nnodes 2 --nproc-per-node 1` does on one of two nodes."""
    config = LaunchConfig(
        min_nodes=2, max_nodes=2, nproc_per_node=1, run_id="test", rdzv_backend="static",
        rdzv_endpoint=f"127.0.0.1:{port}", rdzv_configs={"rank": rank, "timeout": 60},
        max_restarts=0, start_method="fork",
    )  # fmt: skip
    elastic_launch(config, _worker)(words, str(log))


def _worker(words, log):
    with open(log, "w", encoding="utf-8") as stream:  # noqa: PTH123
        sys.stdout = sys.stderr = stream
        from vqa.cli import main

        if status := main(words):
            raise SystemExit(status)


@pytest.fixture
def meeting(monkeypatch):
    """Say which process this is, of two that meet in one store."""
    store = torch.distributed.HashStore()

    def of(rank):
        monkeypatch.setattr(processes, "_meeting", lambda: (store, rank))
        monkeypatch.setattr(processes, "_turns", iter(range(9)))

    return of


def test_the_first_process_goes_ahead_of_the_others(meeting):
    meeting(0)
    for _ in range(2):
        with in_turn():
            pass
    meeting(1)
    went = []
    for turn in range(2):
        with in_turn():
            went.append(turn)
    assert went == [0, 1]


def test_the_others_end_silently_with_a_first_process_that_failed(meeting):
    meeting(0)
    with pytest.raises(KeyError), in_turn():
        raise KeyError("no videos")
    meeting(1)
    with pytest.raises(SystemExit) as ended, in_turn():
        raise AssertionError("the others went ahead")
    assert ended.value.code == 0


@pytest.fixture
def launched(monkeypatch):
    """Set the environment of a launch, and forget the last meeting."""
    ours = ("TORCHELASTIC_RUN_ID", "SLURM_NTASKS", "WORLD_SIZE", "RANK")
    for name in (*ours, "MASTER_ADDR", "MASTER_PORT"):  # Lightning sets the last two
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)

    def with_environment(**settings):
        for name, value in settings.items():
            monkeypatch.setenv(name, str(value))
        processes._meeting.cache_clear()
        return processes._meeting()

    yield with_environment
    processes._meeting.cache_clear()


def test_one_process_alone_meets_nobody(launched):
    assert launched() == (None, 0)
    assert launched(SLURM_NTASKS=1, SLURM_PROCID=0, SLURM_JOB_ID=7) == (None, 0)
    alone = {"TORCHELASTIC_RUN_ID": "x", "WORLD_SIZE": 1, "RANK": 0}
    assert launched(**alone) == (None, 0)


def test_the_tasks_of_srun_meet_at_the_first_node(launched):
    """The first task serves the store; the port is beside that of Lightning."""
    slurm = {
        "SLURM_NTASKS": 2, "SLURM_NTASKS_PER_NODE": 1, "SLURM_LOCALID": 0, "SLURM_JOB_ID": 4711,
        "SLURM_NODELIST": "127.0.0.1", "SLURM_JOB_NAME": "train",
    }  # fmt: skip
    first, rank = launched(**slurm, SLURM_PROCID=0, SLURM_NODEID=0)
    assert (first.host, first.port, rank) == ("127.0.0.1", 19712, 0)
    second, rank = launched(**slurm, SLURM_PROCID=1, SLURM_NODEID=1)
    assert rank == 1
    first.set("a", "b")
    assert second.get("a") == b"b"
