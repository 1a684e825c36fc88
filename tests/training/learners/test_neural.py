"""Learners: resume, selection, honesty about the test part, one number wherever it is asked."""

import csv
import io
from functools import partial

import pytest
import torch

from tests.training.learners.fakes import corpus, data_module, learner
from vqa.evaluation.metrics import srocc
from vqa.training.learners.adversarial import AdversarialModule
from vqa.training.learners.callbacks import write_history
from vqa.training.learners.checkpoints import CheckpointIO
from vqa.training.learners.fitting import new_module
from vqa.training.views import Views

KINDS = ["gstvqa", "vsfa"]


class Image:
    """A view that no network of sequences takes."""

    def __call__(self, video, rng=None):
        return torch.zeros(3)

    def collate(self, name, samples):
        return {name: torch.stack(list(samples))}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("selection", ["last", "val_srocc"])
def test_train_save_load_gives_the_same_scores(kind, selection, tmp_path):
    data = data_module()
    trained = learner(kind, selection=selection)
    trained.fit(data, tmp_path)
    trained.save(tmp_path)
    loaded = learner(kind, selection=selection)
    loaded.load(tmp_path)
    predictions = trained.predict(data, data.test)
    assert loaded.predict(data, data.test) == predictions
    score, timeline = loaded.assess(data.views.alone(data.test[0]))
    assert score == pytest.approx(predictions[0].score, rel=1e-6)
    assert timeline.shape == (len(data.views(data.test[0])["features"]),)
    if kind == "vsfa":
        assert timeline.mean() == pytest.approx(score, rel=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("selection", ["last", "val_srocc"])
def test_resumed_training_repeats_an_undisturbed_one(kind, selection, tmp_path):
    data = data_module()
    straight = learner(kind, 7, selection)
    straight.fit(data, tmp_path / "straight")
    learner(kind, 3, selection).fit(data, tmp_path / "broken")
    resumed = learner(kind, 7, selection)
    resumed.fit(data, tmp_path / "broken")
    assert resumed.module.history == straight.module.history
    assert resumed.predict(data, data.test) == straight.predict(data, data.test)
    finished = learner(kind, 7, selection)
    finished.fit(data, tmp_path / "broken")
    assert finished.predict(data, data.test) == straight.predict(data, data.test)


@pytest.mark.parametrize("kind", KINDS)
def test_permuted_test_labels_change_no_prediction(kind, tmp_path):
    scores, histories = [], []
    for permute in (False, True):
        data = data_module(permute_test=permute)
        trained = learner(kind, selection="val_srocc")
        trained.fit(data, tmp_path / str(permute))
        scores.append([row.score for row in trained.predict(data, data.test)])
        histories.append(trained.module.history)
    assert scores[0] == scores[1]
    assert histories[0] == histories[1]
    assert [video.mos for video in data.test] != [video.mos for video in data_module().test]


@pytest.mark.parametrize("kind", KINDS)
def test_batch_size_order_and_workers_change_no_score(kind, tmp_path):
    data = data_module()
    trained = learner(kind)
    trained.fit(data, tmp_path)
    one_by_one = {row.id: row.score for row in trained.predict(data, data.test)}
    backwards = trained.predict(data, data.test[::-1])
    assert {row.id: row.score for row in backwards} == one_by_one
    assert [row.id for row in backwards] == [video.id for video in data.test[::-1]]
    together = trained.predict(data_module(eval_batch_size=5), data.test)
    assert {r.id: r.score for r in together} == pytest.approx(one_by_one, abs=1e-6, rel=1e-6)


def test_the_best_epoch_is_the_one_that_is_used(tmp_path):
    data = data_module()
    trained = learner("vsfa", 12, "val_srocc")
    trained.fit(data, tmp_path)
    best = max(row["val_srocc"] for row in trained.module.history)
    rows = trained.predict(data, data.val)
    assert srocc([r.mos for r in rows], [r.score for r in rows]) == pytest.approx(best)


def test_learning_happens_and_the_history_shows_it(tmp_path):
    data = data_module()
    trained = learner("gstvqa", 25)
    trained.fit(data, tmp_path)
    history = trained.module.history
    assert history[-1]["train_loss"] < 0.7 * history[0]["train_loss"]
    assert history[-1]["val_srocc"] > 0.5
    with (tmp_path / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == list(range(25))
    assert float(rows[-1]["critic_loss"]) == history[-1]["critic_loss"]


def test_prior_is_a_frozen_copy_every_n_epochs(tmp_path):
    data = data_module()
    trained = learner("gstvqa", 3)
    trained.fit(data, tmp_path)
    module = trained.module
    # Refreshed at the start of epoch 2, then trained on: near the learned Gaussian, not it.
    assert module.prior_mean.abs().sum() > 0
    assert not torch.equal(module.prior_mean, module.network.gaussian_mean)
    early = learner("gstvqa", 2)
    early.fit(data, tmp_path / "early")
    assert not early.module.prior_mean.any()
    assert torch.equal(early.module.prior_std, torch.ones(8))


def test_critic_step_moves_the_critic_alone(tmp_path):
    data = data_module()
    without = learner("gstvqa", 2, module=partial(AdversarialModule, adversarial_weight=0.0))
    without.fit(data, tmp_path)
    assert "critic_loss" not in without.module.history[-1]
    fresh = new_module(without, 20, 5.0).critic.state_dict()
    for key, value in without.module.critic.state_dict().items():
        assert torch.equal(value, fresh[key])


def test_selection_without_validation_part_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"protocol\.val_fraction=0\.2"):
        learner("vsfa", selection="val_srocc").fit(data_module(val_fraction=0.0), tmp_path)
    with pytest.raises(ValueError, match="last or val_srocc"):
        learner("vsfa", selection="test_srocc")


def test_patience_ends_training_early(tmp_path):
    trained = learner("vsfa", 60, "val_srocc", patience=2)
    trained.fit(data_module(), tmp_path)
    assert len(trained.module.history) < 60


def test_labels_are_scaled_by_the_training_part_alone(tmp_path):
    data = data_module()
    trained = learner("vsfa", 1)
    trained.fit(data, tmp_path)
    assert float(trained.module.mos_scale) == pytest.approx(max(v.mos for v in data.train))


def test_unfinished_folder_and_unfitted_learner_say_so(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"finish the training first"):
        learner("vsfa").load(tmp_path)
    database, _ = corpus()
    with pytest.raises(RuntimeError, match="neither fitted nor loaded"):
        learner("vsfa").predict(data_module(), database.videos)


def test_checkpoint_is_whole_or_absent(tmp_path, monkeypatch):
    plugin = CheckpointIO()
    plugin.save_checkpoint({"a": torch.ones(2)}, tmp_path / "x.ckpt")
    before = (tmp_path / "x.ckpt").read_bytes()

    def fail(checkpoint, target):
        target.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(torch, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        plugin.save_checkpoint({"a": torch.zeros(2)}, tmp_path / "x.ckpt")
    assert (tmp_path / "x.ckpt").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["x.ckpt"]


def test_history_leaves_unmeasured_cells_blank(tmp_path):
    write_history([{"epoch": 0, "a": 1.5}, {"epoch": 1, "a": 1.0, "b": 2}], tmp_path / "h.csv")
    assert list(csv.reader(io.StringIO((tmp_path / "h.csv").read_text()))) == [
        ["epoch", "a", "b"],
        ["0", "1.5", ""],
        ["1", "1.0", "2"],
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_views_that_do_not_fit_the_network_are_named(kind, tmp_path):
    data = data_module()
    trained = learner(kind)
    trained.fit(data, tmp_path)
    inputs = data.views.alone(data.test[0])
    with pytest.raises(ValueError, match=r"the views give nothing to \w+: missing .* 'features'"):
        trained.assess({})
    with pytest.raises(ValueError, match=r"give features, lengths, image to \w+: .*'image'"):
        trained.assess({**inputs, "image": inputs["features"]})
    data.views = Views({**data.views.views, "image": Image()})
    named = r"the views give features, lengths, .*image to \w+: .*'image'"
    with pytest.raises(ValueError, match=named):
        trained.predict(data, data.test)
    with pytest.raises(ValueError, match=named):
        learner(kind).fit(data, tmp_path / "other")
