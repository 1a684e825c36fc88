"""MDTVSFA's training: the loss of a batch by the formulas, what it begins with, what it selects."""

import functools
import math
from dataclasses import replace

import pytest
import pytorch_lightning as pl
import torch

from tests.training.learners.fakes import DIM, corpus
from vqa.databases.combined import combine
from vqa.databases.records import Database
from vqa.evaluation.metrics import srocc
from vqa.models.mdtvsfa import MDTVSFA
from vqa.protocols import holdout
from vqa.training.datamodule import VQADataModule
from vqa.training.learners.mixed import MixedDatabasesModule
from vqa.training.learners.neural import NeuralLearner
from vqa.training.learners.optimisation import step_decay

NAMES = ("first", "second")


def two_databases(**options):
    """Half of the corpus on a scale of 1 to 5, half on one of 0 to 100."""
    whole, views = corpus()
    parts = [
        Database("first", (1.0, 5.0), whole.videos[:27]),
        Database("second", (0.0, 100.0), tuple(
            replace(video, mos=25 * (video.mos - 1)) for video in whole.videos[27:])),
    ]  # fmt: skip
    database = combine(parts)
    views.views["features"].features |= {
        video.id: views.views["features"].features[video.id.rpartition("/")[2]]
        for video in database.videos
    }
    (split,) = holdout(database, val_fraction=0.3)
    return VQADataModule(database, split, views, batch_size=4, each_database=True, **options)


def learner(epochs=6, databases=NAMES, module=MixedDatabasesModule, lr=3e-3, **options):
    return NeuralLearner(
        functools.partial(MDTVSFA, reduced_dim=8, hidden_dim=8, databases=databases),
        functools.partial(torch.optim.Adam, lr=lr),
        torch.nn.L1Loss(),
        functools.partial(pl.Trainer, accelerator="cpu", devices=1, max_epochs=epochs),
        module=functools.partial(module, on_mos_scale=False, schedule=step_decay),
        **options,
    )


def literal_loss(output, target, places, ranges):
    """Compute the loss of a batch database by database and pair by pair."""
    losses = []
    for place in sorted(set(places)):
        rows = [row for row, own in enumerate(places) if own == place]
        relative, mapped, y = output.relative[rows], output.mapped[rows], target[rows]
        aligned, n = output.aligned[rows, place], len(rows)
        order = sum(
            torch.relu((relative[i] - relative[j]) * torch.sign(y[j] - y[i]))
            for i in range(n)
            for j in range(n)
        ) / (n * (n - 1))
        cosine = torch.cosine_similarity(mapped - mapped.mean(), y - y.mean(), dim=0)
        error = (aligned - y).abs().mean() / ranges[place]
        losses.append(order + (1 - cosine) / 2 + error)
    return sum(loss.exp() * loss for loss in losses) / sum(loss.exp() for loss in losses)


def test_the_loss_of_every_batch_follows_the_formulas_and_the_lines_start_at_the_labels(tmp_path):
    seen = []

    class Checked(MixedDatabasesModule):
        def training_step(self, batch, batch_index):
            if not seen:
                seen.append((self.network.slope.tolist(), self.network.intercept.tolist()))
            loss = super().training_step(batch, batch_index)
            output = self.network.assess(**batch["inputs"])
            places = [NAMES.index(video.partition("/")[0]) for video in batch["ids"]]
            assert places.count(0) == places.count(1)
            literal = literal_loss(output, batch["mos"], places, self.ranges.tolist())
            torch.testing.assert_close(loss, literal)
            return loss

    data = two_databases()
    trained = learner(2, module=Checked)
    trained.fit(data, tmp_path)
    labels = [[v.mos for v in data.train if v.group == name] for name in NAMES]
    slopes, intercepts = seen[0]
    assert slopes == pytest.approx([max(mos) - min(mos) for mos in labels])
    assert intercepts == pytest.approx([min(mos) for mos in labels])
    assert set(trained.module.history[0]) == {
        "epoch", "train_loss", "order_loss", "linearity_loss", "error_loss", "val_srocc",
    }  # fmt: skip


def test_scores_are_mapped_to_one_and_each_database_has_its_scale(tmp_path):
    data = two_databases()
    trained = learner(20, lr=0.02)
    trained.fit(data, tmp_path)
    trained.save(tmp_path)
    loaded = learner()
    loaded.load(tmp_path)
    videos = [*data.val, *data.test]
    rows = loaded.predict(data, videos)
    assert rows == trained.predict(data, videos)
    assert all(0 < row.score < 1 for row in rows)
    network = loaded.module.network
    for name in NAMES:
        part = [row for row in rows if row.id.startswith(name)]
        assert srocc([row.mos for row in part], [row.score for row in part]) > 0.7
        mapped = torch.tensor([row.score for row in part])
        error = network.aligned(mapped, name) - torch.tensor([row.mos for row in part])
        low, high = data.database.scales[name]
        assert error.abs().mean() < 0.25 * (high - low)


def test_resumed_training_repeats_an_undisturbed_one(tmp_path):
    """The lines go on from the checkpoint, not from the labels."""
    data = two_databases()
    straight, resumed = learner(5, selection="val_srocc"), learner(5, selection="val_srocc")
    straight.fit(data, tmp_path / "straight")
    learner(2, selection="val_srocc").fit(data, tmp_path / "broken")
    resumed.fit(data, tmp_path / "broken")
    assert resumed.module.history == straight.module.history
    assert resumed.predict(data, data.test) == straight.predict(data, data.test)


def test_validation_is_the_mean_over_databases_and_skips_those_that_are_too_small(tmp_path):
    data = two_databases()
    trained = learner(1)
    trained.fit(data, tmp_path)
    module = trained.module
    module.sources = {"a": "x", "b": "x", "c": "x", "d": "y", "e": "y", "f": "y", "g": "z"}
    # Each database is ranked without a fault; together they are not.
    rows = {"a": (1, 0.1), "b": (2, 0.2), "c": (3, 0.3), "d": (70, 0.1), "e": (80, 0.2)}
    rows |= {"f": (90, 0.15), "g": (5, 0.9)}
    assert module.validation_srocc(rows) == pytest.approx((1 + 0.5) / 2)
    flat = {"d": (70, 0.1), "e": (80, 0.1), "f": (90, 0.1)}
    assert module.validation_srocc(rows | flat) == pytest.approx(1)
    assert math.isnan(module.validation_srocc(flat))
    assert math.isnan(module.validation_srocc({"g": (5, 0.9)}))


@pytest.mark.parametrize("databases", [("first",), ("first", "second", "third"), ()])
def test_the_lines_must_be_those_of_the_databases_in_training(tmp_path, databases):
    with pytest.raises(ValueError, match=r"databases=\[.*\]: expected .* found .*second"):
        learner(1, databases=databases).fit(two_databases(), tmp_path)


def test_a_single_database_is_its_own_source(tmp_path):
    database, views = corpus()
    (split,) = holdout(database, val_fraction=0.2)
    data = VQADataModule(database, split, views, batch_size=8, each_database=True)
    trained = learner(2, databases=("fake",))
    trained.fit(data, tmp_path)
    assert views.views["features"](data.train[0]).shape[1] == DIM
    assert len(trained.module.history) == 2


def test_the_rate_falls_by_a_fifth_every_two_epochs():
    factors = [step_decay(step, epoch_steps=3, steps=30) for step in range(30)]
    assert factors == pytest.approx([0.8 ** (step // 6) for step in range(30)])
