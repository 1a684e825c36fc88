"""A training that is interrupted in mid-epoch: the same end state, bit for bit."""

import os
import random
import signal

import numpy as np
import pytest
import torch
from pytorch_lightning.callbacks import Callback

from tests.training.together import toy, train
from vqa.training.learners import saving
from vqa.training.learners.checkpoints import BEST, LAST, PREVIOUS, read_checkpoint


class Ended(BaseException):
    """What a handler of signals raises, as that of the commands does."""


@pytest.fixture(autouse=True)
def handlers():
    """Handlers that end the training, as the commands have them."""

    def end(number, frame):
        raise Ended(number)

    before = {number: signal.signal(number, end) for number in saving_signals()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def saving_signals():
    return (signal.SIGTERM, signal.SIGUSR1)


class At(Callback):
    """Does something at the beginning of a step."""

    def __init__(self, epoch, step, action):
        self.place, self.action = (epoch, step), action

    def on_train_batch_start(self, trainer, module, batch, index):
        if (trainer.current_epoch, index) == self.place:
            self.action()


class Steps(Callback):
    """Notes the steps that a training takes, and what the global generators give in them."""

    def __init__(self):
        self.taken = []

    def on_train_batch_end(self, trainer, module, output, batch, index):
        drawn = random.random(), np.random.random(), torch.rand(()).item()  # noqa: NPY002
        self.taken.append((trainer.current_epoch, index, *batch["ids"], drawn))


def fitted(model, folder, *overrides, callbacks=(), **counts):
    """Train a toy; the learner, its data and the steps that it took."""
    learner, data = toy(model, *overrides, **counts)
    plain, steps = learner.trainer, Steps()
    learner.trainer = lambda callbacks, **options: plain(
        callbacks=[*extra, steps, *callbacks], **options
    )
    extra = callbacks
    data.num_workers = int(model == "fastvqa")  # which reads ahead
    learner.fit(data, folder)
    return learner, data, steps.taken


def weights(learner, folder):
    learner.save(folder)
    return (folder / "model.safetensors").read_bytes()


STEPS = [(epoch, step) for epoch in range(3) for step in range(3)]
SELECTS = ["model.selection=val_srocc", "model.checkpoint_every=2"]
CASES = [
    ("fastvqa", [], (1, 1), signal.SIGTERM),  # rank loss, running average, schedule, random views
    ("gstvqa", ["model.module.refresh_every=1"], (2, 0), signal.SIGUSR1),  # a critic and its prior
    ("vsfa-gru", SELECTS, (1, 0), signal.SIGTERM),  # a best epoch that no checkpoint holds yet
]


@pytest.mark.parametrize(("model", "overrides", "place", "number"), CASES)
def test_an_interrupted_training_ends_as_an_uninterrupted_one(
    model, overrides, place, number, tmp_path
):
    straight, data, all_steps = fitted(model, tmp_path / "straight", *overrides)
    stop = At(*place, lambda: os.kill(os.getpid(), number))
    with pytest.raises(Ended, match=str(int(number))):
        fitted(model, tmp_path / "broken", *overrides, callbacks=[stop])
    resumed, _, steps = fitted(model, tmp_path / "broken", *overrides)
    assert steps == [step for step in all_steps if step[:2] > place]  # the step itself was saved
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    assert weights(resumed, tmp_path / "a") == weights(straight, tmp_path / "b")
    assert resumed.module.history == straight.module.history
    assert resumed.predict(data, data.test) == straight.predict(data, data.test)
    assert (
        (tmp_path / "broken/history.csv").read_bytes()
        == (tmp_path / "straight/history.csv").read_bytes()
    )  # fmt: skip


@pytest.mark.parametrize(
    ("overrides", "place", "left"),
    [
        (["trainer.accumulate_grad_batches=2"], (1, 0), STEPS[5:]),
        ([], (1, 2), STEPS[5:]),  # validation follows: saved before it
        (
            ["model.checkpoint_every=3", "model.selection=last"],
            (0, 2),
            STEPS[3:],
        ),
    ],
)
def test_a_state_is_saved_where_it_can_resume(overrides, place, left, tmp_path, monkeypatch):
    """Between two steps of the optimiser, before a validation, after an epoch without one."""
    monkeypatch.setattr(saving, "SHORT_INTERVAL_S", 0.0)
    counts = {"val": 0} if "model.checkpoint_every=3" in overrides else {}
    straight, data, _ = fitted("vsfa-gru", tmp_path / "straight", *overrides, **counts)
    stop = At(*place, lambda: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(Ended):
        fitted("vsfa-gru", tmp_path / "broken", *overrides, callbacks=[stop], **counts)
    resumed, _, steps = fitted("vsfa-gru", tmp_path / "broken", *overrides, **counts)
    assert [step[:2] for step in steps] == left
    assert resumed.module.history == straight.module.history
    assert resumed.predict(data, data.test) == straight.predict(data, data.test)


def test_a_killed_training_loses_what_is_newer_than_its_last_state(tmp_path, monkeypatch):
    """Saved at every step, killed in one: it resumes from the step before."""
    monkeypatch.setattr(saving, "INTERVAL_S", 0.0)
    monkeypatch.setattr(saving, "SHORT_INTERVAL_S", 0.0)

    def kill():
        raise KeyError("killed")

    with pytest.raises(KeyError):
        fitted("gstvqa", tmp_path / "broken", callbacks=[At(1, 1, kill)])
    folder = tmp_path / "broken" / "checkpoints"
    assert [read_checkpoint(folder / name)["loops"]["fit_loop"]["state_dict"]["combined_loader"]
            for name in (LAST, PREVIOUS)] == [[{"done": 1}], [{"done": 2}]]  # fmt: skip
    resumed, data, steps = fitted("gstvqa", tmp_path / "broken")
    assert [step[:2] for step in steps] == STEPS[4:]
    straight, *_ = fitted("gstvqa", tmp_path / "straight")
    assert resumed.module.history == straight.module.history
    assert resumed.predict(data, data.test) == straight.predict(data, data.test)
    assert not (folder / BEST).exists()


class InValidation(Callback):
    """Sends a signal in the validation of an epoch, and notes what comes after it."""

    def __init__(self, epoch):
        self.epoch, self.after = epoch, []

    def on_validation_batch_start(self, trainer, *_):
        if trainer.current_epoch == self.epoch:
            os.kill(os.getpid(), signal.SIGUSR1)
            self.after.append(trainer.current_epoch)


def test_a_signal_ends_a_validation_at_once(tmp_path, monkeypatch):
    """What was saved before it is enough to end as an uninterrupted training does."""
    monkeypatch.setattr(saving, "SHORT_INTERVAL_S", 0.0)
    straight, data, _ = fitted("vsfa-gru", tmp_path / "straight")
    stop = InValidation(1)
    with pytest.raises(Ended):
        fitted("vsfa-gru", tmp_path / "broken", callbacks=[stop])
    assert stop.after == []
    resumed, _, steps = fitted("vsfa-gru", tmp_path / "broken")
    assert [step[:2] for step in steps] == STEPS[5:]  # its last step again
    assert resumed.module.history == straight.module.history
    assert resumed.predict(data, data.test) == straight.predict(data, data.test)


def test_a_second_signal_ends_the_training_at_once(tmp_path):
    def twice():
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Ended):
        fitted("vsfa-gru", tmp_path, callbacks=[At(0, 1, twice)])
    assert not (tmp_path / "checkpoints" / LAST).exists()
    os.kill(os.getpid(), 0)
    with pytest.raises(Ended):  # the handlers are back in place
        os.kill(os.getpid(), signal.SIGUSR1)


def test_two_processes_stop_at_the_same_step_and_resume(tmp_path):
    """A signal that reaches one of them ends both, and the end state is the same."""
    whole, history = train("gstvqa", tmp_path / "whole", 2)
    with pytest.raises(AssertionError, match=r"\[143, 143\]"):
        train("gstvqa", tmp_path / "broken", 2, stop=(1, 0))
    assert not (tmp_path / "broken" / "0.pickle").exists()
    scores, resumed = train("gstvqa", tmp_path / "broken", 2)
    assert np.array_equal(scores, whole)
    assert resumed == history
