"""Nothing that is not finite is recorded, and the error names epoch and cause."""

import functools
import os
import signal
from dataclasses import replace

import pytest
import pytorch_lightning as pl
import torch

from tests.training.learners.fakes import KeptSequence, data_module, learner
from vqa.models.losses import linearity_loss, plcc_rank_loss
from vqa.models.pooling import masked_std
from vqa.training.errors import TrainingError
from vqa.training.learners.base import Prediction
from vqa.training.learners.divergence import cause, finite
from vqa.training.views import Views

KINDS = ["gstvqa", "vsfa"]


def with_rate(kind, rate, epochs=3, **trainer):
    """A learner with another learning rate and settings of its trainer."""
    made = learner(kind, epochs)
    made.optimizer = functools.partial(torch.optim.Adam, lr=rate)
    made.trainer = functools.partial(made.trainer, **trainer)
    return made


def spoilt(data, index=3, value=float("nan"), column=0):
    """The data with one wrong number in the features of one training video."""
    video = data.train[index]
    view = data.views.views["features"]
    view.features[video.id] = view.features[video.id].clone()
    view.features[video.id][2, column] = value
    return data, video.id


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rate", [1e30, 1e6])
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_a_rate_that_is_too_high_ends_the_training(kind, rate, precision, tmp_path):
    messages = []
    for _ in range(2):  # a rerun says the same
        with pytest.raises(TrainingError, match="diverged in epoch 0: ") as error:
            with_rate(kind, rate, precision=precision).fit(data_module(), tmp_path)
        messages.append(str(error.value))
    assert messages[0] == messages[1]
    assert f"the learning rate ({rate:g}) is too high; lower model.optimizer.lr" in messages[0]
    assert "\n" not in messages[0]
    assert not list(tmp_path.rglob("*.ckpt"))
    assert not (tmp_path / "history.csv").exists()


def test_the_last_good_checkpoint_stays(tmp_path):
    learner("vsfa", 2).fit(data_module(), tmp_path)
    path = tmp_path / "checkpoints" / "last.ckpt"
    before = path.read_bytes()
    data, video = spoilt(data_module())
    for _ in range(2):
        with pytest.raises(TrainingError, match=f"in epoch 2: train_loss is nan; 1 of .*{video}"):
            learner("vsfa", 4).fit(data, tmp_path)
        assert path.read_bytes() == before


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("column", [0, 19])  # GSTVQA reads means and deviations in another way
def test_one_feature_that_is_not_finite_names_its_video(kind, value, column, tmp_path):
    data, video = spoilt(data_module(), value=value, column=column)
    with pytest.raises(TrainingError, match=rf"features of {video} are not finite"):
        learner(kind, 3).fit(data, tmp_path)


def test_features_of_the_other_parts_are_named_too(tmp_path):
    data = data_module()
    features = data.views.views["features"].features
    trained = learner("vsfa", 1)
    trained.fit(data, tmp_path / "good")
    features[data.val[1].id] = features[data.val[1].id] * torch.nan
    features[data.test[1].id] = features[data.test[1].id] * torch.nan
    data.views = Views({"features": KeptSequence(features)})  # nothing is kept of them
    with pytest.raises(TrainingError, match=rf"1 of 8 scores are not finite, {data.test[1].id}"):
        trained.predict(data, data.test)
    with pytest.raises(TrainingError, match="the score is nan"):
        trained.assess(data.views.alone(data.test[1]))
    with pytest.raises(TrainingError, match=f"validation scores.*of {data.val[1].id} are not fin"):
        learner("vsfa", 1).fit(data, tmp_path / "bad")


def test_labels_and_features_that_overflow_are_named(tmp_path):
    data, video = spoilt(data_module(), value=1e30)
    assert f"1 of 780 features of {video} are" in cause(
        data.train, data.views.views["features"], []
    )
    data.train = (replace(data.train[0], mos=1e39), *data.train[1:])
    with pytest.raises(TrainingError, match=rf"the MOS of {data.train[0].id} is 1e\+39"):
        learner("vsfa", 1).fit(data, tmp_path)


@pytest.mark.parametrize("mos", [0.0, 3.0])
@pytest.mark.parametrize("loss", [torch.nn.L1Loss(), plcc_rank_loss])
def test_equal_labels_train(mos, loss, tmp_path):
    data = data_module()
    data.train = tuple(replace(video, mos=mos) for video in data.train)
    trained = learner("vsfa", 2, calibrate=True)
    trained.loss = loss
    trained.fit(data, tmp_path)
    assert len(trained.predict(data, data.test)) == len(data.test)


def test_an_undefined_srocc_is_left_out_and_never_selects(tmp_path):
    data = data_module()
    data.val = tuple(replace(video, mos=3.0) for video in data.val)
    trained = learner("vsfa", 2)
    trained.fit(data, tmp_path)
    assert all("val_srocc" not in row and "val_mae" in row for row in trained.module.history)
    for selects in (learner("vsfa", 2, "val_srocc"), learner("vsfa", 2, patience=2)):
        with pytest.raises(ValueError, match="2 different MOS, found 8 and 1"):
            selects.fit(data, tmp_path / "select")
    data.val = data_module().val[:2]
    with pytest.raises(ValueError, match="at least 3 videos"):
        learner("vsfa", 2, "val_srocc").fit(data, tmp_path / "select")


def test_losses_and_pooling_do_not_hide_nan():
    score, target = torch.tensor([1.0, torch.nan, 2.0]), torch.tensor([1.0, 2.0, 3.0])
    assert linearity_loss(score, target).isnan()
    assert plcc_rank_loss(score, target, rank_weight=0.0).isnan()
    frames = torch.rand(2, 5, 1)
    frames[0, 1] = torch.nan
    assert masked_std(frames, torch.tensor([5, 5])).isnan().flatten().tolist() == [True, False]


def test_predictions_are_finite():
    rows = [Prediction("a", 1.0, 2.0), Prediction("b", 1.0, float("inf"))]
    assert finite(rows[:1]) == rows[:1]
    with pytest.raises(TrainingError, match="1 of 2 scores are not finite, b first"):
        finite(rows)


def test_a_trainer_that_clips_is_refused_where_two_networks_train_in_turn(tmp_path):
    for setting in ({"gradient_clip_val": 1.0}, {"accumulate_grad_batches": 2}):
        (name,) = setting
        with pytest.raises(ValueError, match=rf"trainer\.{name}: this model trains two"):
            with_rate("gstvqa", 1e-3, **setting).fit(data_module(), tmp_path)
        with_rate("vsfa", 1e-3, epochs=1, **setting).fit(data_module(), tmp_path / name)


class Killed(pl.Callback):
    """Kills a loading process."""

    def on_train_batch_start(self, trainer, *_):
        iterator = trainer.train_dataloader._iterator
        os.kill(iterator._workers[0].pid, signal.SIGKILL)


def test_a_killed_loading_process_is_one_line_and_costs_nothing(tmp_path, monkeypatch):
    straight = learner("vsfa", 3)
    straight.fit(data_module(), tmp_path / "straight")
    broken = learner("vsfa", 3)
    broken.fit(data_module(), tmp_path / "broken")
    data = data_module()
    data.num_workers = 1
    longer = with_rate("vsfa", 3e-3, 5)
    plain = longer.trainer
    longer.trainer = lambda callbacks, **options: plain(callbacks=[*callbacks, Killed()], **options)
    with pytest.raises(TrainingError, match=r"loading process was killed.*loader\.num_workers=0"):
        longer.fit(data, tmp_path / "broken")
    resumed = learner("vsfa", 3)
    resumed.fit(data_module(), tmp_path / "broken")
    assert resumed.predict(data, data.test) == straight.predict(data, data.test)
