"""The training of an ensemble: mixtures, each member's own loss, and what is fitted before."""

from functools import partial

import pytest
import torch
from torch import nn

from tests.training.together import toy
from vqa.models.tabular import Tabular
from vqa.training.learners.ensemble import EnsembleModule, mixtures


def test_a_mixture_has_one_share_for_its_video_and_its_label():
    torch.manual_seed(0)
    inputs = torch.randn(50, 2, 3)
    target = inputs[:, 0, 0].clone()
    mixed, labels = mixtures(inputs, target, 0.4)
    torch.testing.assert_close(mixed[:, 0, 0], labels)
    assert not torch.allclose(mixed, inputs)
    assert mixed.abs().max() <= inputs.abs().max()
    halved, _ = mixtures(inputs, target, 1e4)
    midpoints = (inputs[:, None] + inputs) / 2
    distances = (halved[:, None] - midpoints).abs().amax((2, 3))
    assert distances.amin(1).max() < 0.05


def module(loss, **options):
    torch.manual_seed(0)
    return EnsembleModule(
        Tabular(6, components=4, members=2, hidden_dim=3),
        partial(torch.optim.Adam, lr=1e-2),
        loss,
        input_dim=6,
        mos_scale=2.0,
        mos_offset=3.0,
        seed=0,
        **options,
    )


@pytest.mark.parametrize("loss", [nn.L1Loss(), lambda score, target: (score - target).amax()])
def test_the_loss_is_the_mean_of_the_members_losses(loss):
    ours = module(loss, mixing=0).eval()
    features, mos = torch.rand(5, 6), torch.tensor([1.0, 2, 3, 4, 5])
    batch = {"inputs": {"features": features}, "mos": mos, "ids": list("abcde")}
    scores = ours.network.members(ours.network.components(features))
    expected = torch.stack([loss(scores[:, k], (mos - 3) / 2) for k in range(4)]).mean()
    torch.testing.assert_close(ours.training_step(batch, 0), expected)
    torch.testing.assert_close(ours(features=features), scores.mean(1) * 2 + 3)


def test_fit_prepares_the_network_on_the_training_part_alone(tmp_path):
    learner, data = toy("tabular")
    learner.fit(data, tmp_path)
    vectors = torch.stack([data.views(video)["features"] for video in data.train])
    network = learner.module.network
    torch.testing.assert_close(network.scalings[1].high, vectors.amax(0))
    mos = torch.tensor([video.mos for video in data.train])
    assert learner.module.mos_offset == pytest.approx(float(mos.mean()), rel=1e-6)
    assert float(learner.module.mos_scale) == pytest.approx(float(mos.std(correction=0)), rel=1e-6)
    learner.save(tmp_path)
    loaded, _ = toy("tabular")
    loaded.load(tmp_path)
    assert loaded.predict(data, data.test) == learner.predict(data, data.test)


def test_an_undefined_feature_trains_and_scores(tmp_path):
    learner, data = toy("tabular")
    views, values = data.views.views["features"], {}
    for place, video in enumerate((*data.train, *data.val, *data.test)):
        values[video.id] = views(video)
        values[video.id][place % 5] = (torch.nan, torch.inf, -torch.inf, 5.8e26)[place % 4]
    data.views.views["features"] = type("Kept", (type(views),), {
        "read": lambda self, video: values[video.id],
    })()  # fmt: skip
    learner.fit(data, tmp_path)
    assert len(learner.predict(data, data.test)) == len(data.test)


def test_an_interrupted_training_resumes_with_its_components(tmp_path):
    def trained(folder, epochs):
        settings = ["model.module.schedule=null", "model.checkpoint_every=1"]
        learner, data = toy("tabular", *settings, f"trainer.max_epochs={epochs}")
        learner.fit(data, tmp_path / folder)
        return learner, learner.predict(data, data.test)

    _, straight = trained("straight", 3)
    begun, _ = trained("broken", 1)
    resumed, scores = trained("broken", 3)
    assert scores == straight
    own = resumed.module.network.projection
    assert torch.equal(own, begun.module.network.projection)
