"""Several processes train as one does: every model, odd counts, in both precisions."""

import os
import threading
from unittest import mock

import numpy as np
import pytest
import torch
from pytorch_lightning.callbacks import Callback

from tests.training.together import MODELS, toy, train
from vqa.training import processes
from vqa.training.errors import TrainingError

# In single precision, Adam makes a step of up to the learning rate out of the rounding of a
# gradient that is exactly zero. In double precision the rounding is far below Adam's epsilon.
SINGLE, DOUBLE = 1e-5, 1e-9
SEMANTIC = [
    "model.network.branches=semantic", "model.module.learning_rates=null",
    "model.module.frozen_epochs=null",
]  # fmt: skip


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
@pytest.mark.parametrize("processes", [2, pytest.param(3, marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize("model", [name for name in MODELS if name != "inception_iqa"])
def test_every_model_trains_in_processes_as_in_one(model, processes, tmp_path):
    double = differences(model, processes, tmp_path, "trainer.precision=64-true")
    assert max(double) < DOUBLE


@pytest.mark.exhaustive
@pytest.mark.parametrize("processes", [2, 3])
@pytest.mark.parametrize("model", [name for name in MODELS if name != "inception_iqa"])
def test_every_model_trains_so_in_single_precision_too(model, processes, tmp_path):
    assert max(differences(model, processes, tmp_path)) < SINGLE


@pytest.mark.exhaustive
@pytest.mark.parametrize(("processes", "epochs"), [(2, 1), (3, 3)])
def test_batch_normalisation_trains_in_processes_as_in_one(processes, epochs, tmp_path):
    """Only in double precision: with random weights it amplifies the rounding."""
    settings = ["trainer.precision=64-true", f"trainer.max_epochs={epochs}"]
    assert max(differences("inception_iqa", processes, tmp_path, *settings)) < DOUBLE


@pytest.mark.parametrize(
    ("model", "overrides"),
    [
        *((name, []) for name in MODELS if name != "inception_iqa"),
        pytest.param("inception_iqa", [], marks=pytest.mark.slow),
        ("gstvqa", ["model.module.frame_weight=0"]),
        ("gstvqa", ["model.module.adversarial_weight=0", "model.network.pyramid=false"]),
        ("gstvqa", ["model.network.attention=concat", "model.network.score=frame"]),
        ("vsfa-gru", ["model.network.rnn=none", "model.network.pooling=mean"]),
        ("clifvqa", SEMANTIC),
        ("clifvqa", ["model.network.regression=false"]),
    ],
)
def test_each_step_gives_every_parameter_that_trains_a_gradient(model, overrides, tmp_path):
    """DDP waits for all of them, and does not search for those without one."""
    learner, data = toy(model, *overrides, "trainer.max_epochs=1")
    plain, steps, without = learner.trainer, [], set()

    class Look(Callback):
        def on_train_batch_end(self, trainer, module, *_):
            steps.append(1)
            parameters = module.named_parameters()
            without.update(name for name, x in parameters if x.requires_grad and x.grad is None)

    learner.trainer = lambda callbacks, **options: plain(callbacks=[*callbacks, Look()], **options)
    learner.fit(data, tmp_path)
    assert steps
    assert not without


class Idle(torch.nn.Module):
    """A network with a layer that it never uses."""

    def __init__(self, input_dim):
        super().__init__()
        self.used, self.idle = torch.nn.Linear(input_dim, 1), torch.nn.Linear(input_dim, 1)

    def forward(self, features, lengths):
        return self.used(features.mean(1)).squeeze(-1)


def test_a_layer_that_is_never_used_is_an_error_with_a_remedy(tmp_path):
    learner, data = toy("vsfa-gru", "trainer.max_epochs=1")
    learner.network = Idle
    learner.fit(data, tmp_path / "one")  # in one process it does no harm
    error = RuntimeError("... by passing the keyword argument `find_unused_parameters=True` ...")
    learner, data = toy("vsfa-gru", "trainer.max_epochs=1")
    data.train_dataloader = mock.Mock(side_effect=error)
    with pytest.raises(TrainingError, match=r"trainer\.strategy=ddp_find_unused_parameters_true"):
        learner.fit(data, tmp_path / "two")


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
