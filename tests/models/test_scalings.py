"""Scalings: literal formulas, and values that are undefined or far away."""

import numpy as np
import pytest
import torch
from scipy.stats import norm

from vqa.models.scalings import MinMax, RankGauss, mapped, quantiles_of, rank_gauss
from vqa.models.svr.preprocessing import fit_preprocessing


def skewed(videos=200, features=5, seed=0):
    rng = np.random.default_rng(seed)
    return np.exp(rng.normal(size=(videos, features)) * np.arange(1, features + 1))


def literal(value, quantiles):
    """The map of one value, by its definition."""
    normal = norm.ppf((np.arange(len(quantiles)) + 0.5) / len(quantiles))
    if not np.isfinite(value) or quantiles[0] == quantiles[-1]:
        return 0.0
    equal = [z for z, quantile in zip(normal, quantiles, strict=True) if quantile == value]
    if equal:
        return (equal[0] + equal[-1]) / 2
    return float(np.interp(value, quantiles, normal))


def test_the_map_is_the_literal_one():
    train = skewed()
    train[:120, 1] = 2.0  # many equal quantiles
    train[:, 2] = 7.0  # all equal
    train[:20, 3] = np.nan
    quantiles = quantiles_of(train, count=9)
    values = np.concatenate([skewed(seed=1), train[:30], 1e9 * train[:2], -train[:2], quantiles])
    expected = [[literal(v, quantiles[:, k]) for k, v in enumerate(row)] for row in values]
    np.testing.assert_allclose(mapped(values, quantiles), expected, atol=1e-12)


def test_the_training_part_becomes_a_normal():
    train = skewed(2000)
    found = mapped(train, quantiles_of(train))
    assert np.abs(found.mean(0)).max() < 0.02
    np.testing.assert_allclose(found.std(0), 0.98, atol=0.01)  # 1, less what is clipped
    order = np.argsort(train[:, 4])
    assert (np.diff(found[order, 4]) >= 0).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 5.8e26, -2e6])
def test_a_layer_maps_undefined_values_to_the_median(value):
    train = torch.from_numpy(skewed()).float()
    train[:3, 0] = value
    layer = RankGauss(5)
    layer.fit(train)
    defined = torch.from_numpy(quantiles_of(train[3:].numpy())).float()
    torch.testing.assert_close(layer.quantiles[:, 0], defined[:, 0])
    assert (layer(train)[:3, 0] == 0).all()
    assert layer(train).isfinite().all()


def test_a_feature_without_any_value_maps_to_zero():
    train = skewed()
    train[:, 2] = np.nan
    quantiles = quantiles_of(train)
    assert (quantiles[:, 2] == 0).all()
    assert (mapped(skewed(seed=1), quantiles)[:, 2] == 0).all()


def test_a_layer_is_the_identity_until_it_is_fitted_except_for_the_tails():
    values = torch.linspace(-2, 2, 9)[:, None].repeat(1, 3)
    torch.testing.assert_close(RankGauss(3)(values), values, atol=1e-5, rtol=0)
    assert RankGauss(3)(torch.full((1, 3), 50.0)).max() < 3


def test_any_number_of_leading_axes():
    quantiles = torch.from_numpy(quantiles_of(skewed())).float()
    values = torch.from_numpy(skewed(12, seed=2)).float()
    flat = rank_gauss(values, quantiles)
    torch.testing.assert_close(rank_gauss(values.view(3, 4, 5), quantiles), flat.view(3, 4, 5))
    assert flat.dtype == torch.float32


def test_values_are_scaled_as_before_an_svr_and_clipped():
    train = torch.from_numpy(skewed()).float()
    train[0, 0], train[1, 1], train[2, 2] = torch.nan, -torch.inf, 5.8e26
    train[:, 3] = 7
    layer = MinMax(5)
    layer.fit(train)
    preprocess = fit_preprocessing(train.numpy(), np.arange(200))
    expected = torch.from_numpy(preprocess(train.numpy())).float()
    torch.testing.assert_close(layer(train), expected, atol=1e-6, rtol=0)
    beyond = layer(torch.full((1, 5), 9e5))
    torch.testing.assert_close(beyond, torch.tensor([[1.0, 1, 1, 0, 1]]))
    assert (layer(torch.full((1, 5), -5.0)) == 0).all()
