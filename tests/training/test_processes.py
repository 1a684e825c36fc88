"""Several processes train as one does: every model, odd counts, in both precisions."""

import os
import threading

import numpy as np
import pytest

from tests.training.together import MODELS, train
from vqa.training import processes

# In single precision, Adam makes a step of up to the learning rate out of the rounding of a
# gradient that is exactly zero. In double precision the rounding is far below Adam's epsilon.
SINGLE, DOUBLE = 1e-5, 1e-9


def differences(model, processes, folder, *overrides):
    """The largest difference of the scores, and of the history, from one process."""
    one, alone = train(model, folder / "1", 1, *overrides)
    scores, history = train(model, folder / str(processes), processes, *overrides)
    # The rank correlation of almost equal scores is not compared.
    rows = [
        abs(a[key] - b[key])
        for a, b in zip(alone, history, strict=True)
        for key in a
        if key != "val_srocc"
    ]
    assert all(a.keys() == b.keys() for a, b in zip(alone, history, strict=True))
    return np.abs(scores - one).max(), max(rows)


@pytest.mark.parametrize("model", ["fastvqa", "gstvqa"])
def test_two_processes_train_as_one(model, tmp_path):
    """A rank loss with dropout and a running average; two networks in turn."""
    scores, history = differences(model, 2, tmp_path)
    assert scores < SINGLE
    assert history < SINGLE


@pytest.mark.slow
@pytest.mark.parametrize("processes", [2, 3])
@pytest.mark.parametrize("model", [name for name in MODELS if name != "inception_iqa"])
def test_every_model_trains_in_processes_as_in_one(model, processes, tmp_path):
    double = differences(model, processes, tmp_path / "double", "trainer.precision=64-true")
    assert max(double) < DOUBLE
    single = differences(model, processes, tmp_path / "single")
    assert max(single) < SINGLE


@pytest.mark.slow
@pytest.mark.parametrize(
    ("processes", "epochs"), [(2, 1), pytest.param(3, 3, marks=pytest.mark.exhaustive)]
)
def test_batch_normalisation_trains_in_processes_as_in_one(processes, epochs, tmp_path):
    """Only in double precision: with random weights it amplifies the rounding."""
    settings = ["trainer.precision=64-true", f"trainer.max_epochs={epochs}"]
    assert max(differences("inception_iqa", processes, tmp_path, *settings)) < DOUBLE


def test_clipping_and_accumulation_train_as_in_one(tmp_path):
    settings = ["trainer.gradient_clip_val=0.1", "trainer.accumulate_grad_batches=2"]
    scores, history = differences("vsfa-lstm", 2, tmp_path, *settings)
    assert max(scores, history) < SINGLE


def test_a_launched_process_ends_with_its_launcher(monkeypatch):
    """Its parent is another process once the launcher has died."""
    ended = []
    monkeypatch.setattr(os, "_exit", ended.append)
    monkeypatch.setenv(processes.LAUNCHER, str(os.getppid() + 1))
    monkeypatch.setattr(processes, "is_first_process", lambda: False)
    processes.end_with_launcher()
    for thread in threading.enumerate():
        if thread.name == "launcher-watch":
            thread.join(5)
    assert ended == [1]


def test_the_first_process_names_itself(monkeypatch):
    monkeypatch.setenv(processes.LAUNCHER, "none")
    processes.end_with_launcher()
    assert os.environ[processes.LAUNCHER] == str(os.getpid())
