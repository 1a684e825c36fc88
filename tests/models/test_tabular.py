"""The network on vectors: the literal formula of a member, its scalings and its components."""

import pytest
import torch
from torch.nn import functional

from vqa.models.relevance import relevance
from vqa.models.scalings import MinMax, RankGauss
from vqa.models.tabular import Tabular, prepare


def network(**options):
    torch.manual_seed(0)
    return Tabular(12, **{"components": 4, "members": 3, "hidden_dim": 5} | options).eval()


def features(videos=40, seed=1):
    values = torch.randn(videos, 12, generator=torch.Generator().manual_seed(seed))
    return values * torch.arange(1, 13)


@torch.inference_mode()
def test_a_member_is_the_literal_network():
    model, x = network(), features()
    x[0, 0], x[1, 1], x[2, 2] = torch.nan, torch.inf, 5.8e26
    prepare(model, x, x[:, 5])
    scores = model.members(model.components(x))
    for number in range(6):
        layer = (RankGauss if number < 3 else MinMax)(12)
        layer.fit(x)
        scaled, place = layer(x), number // 3
        hidden = functional.gelu(
            (scaled - scaled.mean(0)) @ model.projection[place].float() @ model.hidden[number]
            + model.hidden_bias[number]
        )
        expected = hidden @ model.head[number, :, 0] + model.head_bias[number, 0, 0]
        torch.testing.assert_close(scores[:, number], expected)
    torch.testing.assert_close(model(x), scores.mean(1))
    torch.testing.assert_close(model.timeline(x), model(x)[:, None])


def test_members_drop_different_units():
    model, x = network(dropout=0.5, scalings=["minmax"]).train(), features()
    for weights in (model.hidden, model.head):
        weights.data[:] = weights.data[0]
    scores = model.members(model.components(x))
    assert not torch.allclose(scores[:, 0], scores[:, 1])


@pytest.mark.parametrize("period", [None, 3])
def test_components_are_the_principal_ones_of_the_weighted_features(period):
    model, x = network(scalings=["rank_gauss"]), features(200)
    target = x[:, 3]
    prepare(model, x, target, period)
    scaled = model.scalings[0](x)
    centred = scaled - scaled.mean(0)
    gain = torch.ones(12) if period is None else relevance(centred, target, period)
    components = model.components(x)[:, 0]
    _, sizes, _ = torch.linalg.svd(centred * gain)
    found = components.square().sum(0).sqrt()
    torch.testing.assert_close(found / found[0], sizes[:4] / sizes[0], rtol=1e-3, atol=0)
    assert float(components.square().mean()) == pytest.approx(1, abs=1e-3)
    covariance = components.T @ components / 200
    assert (covariance - covariance.diagonal().diag()).abs().max() < 1e-3


def test_components_depend_on_the_training_part_only():
    one, other = network(), network()
    for model in (one, other):
        prepare(model, features(), features()[:, 0], 3)
        torch.rand(1)
    torch.testing.assert_close(one.projection, other.projection, rtol=0, atol=0)


def test_fewer_videos_than_components():
    model, x = network(), features(3)
    prepare(model, x, x[:, 0])
    assert (model.projection[..., 3:] == 0).all()
    assert model(x).isfinite().all()


@pytest.mark.parametrize("scalings", [[], ["minmax", "minmax"], ["standard"]])
def test_unknown_or_repeated_scalings_are_refused(scalings):
    with pytest.raises(ValueError, match=r"scalings=.*: expected one or more of rank_gauss, min"):
        Tabular(12, scalings=scalings)
