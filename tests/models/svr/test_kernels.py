import numpy as np
import pytest
from scipy.spatial.distance import cdist

from tests.models.svr.planted import planted
from vqa.models.svr import preprocessing as conditioning
from vqa.models.svr.kernels import (
    distances_between,
    distances_within,
    gaussian,
    gram,
    scale_gamma,
    weighted_sum,
)
from vqa.models.svr.preprocessing import fit_conditioning


@pytest.fixture(params=[2**24, 70], ids=["one block", "blocks of a column"])
def example(request, monkeypatch):
    """Raw features, the conditioning, and what it makes of them."""
    monkeypatch.setattr(conditioning, "BLOCK_SIZE", request.param)
    features, _ = planted()
    condition = fit_conditioning(features, np.arange(40))
    return features, condition, condition(features)


def test_inner_products(example):
    features, condition, plain = example
    literal = [[sum(x * y) for y in plain] for x in plain]
    np.testing.assert_allclose(gram(condition, features), literal, atol=1e-12)


def test_distances(example):
    features, condition, plain = example
    within = distances_within(gram(condition, features))
    np.testing.assert_allclose(within, cdist(plain, plain, "sqeuclidean"), atol=1e-12)
    assert (np.diagonal(within) == 0).all()
    between = distances_between(condition, features[:9], features[20:])
    expected = cdist(plain[:9], plain[20:], "sqeuclidean")
    np.testing.assert_allclose(between, expected, atol=1e-12)


def test_distances_of_equal_vectors_are_never_negative(example):
    features, condition, _ = example
    assert distances_between(condition, features, features).min() >= 0


def test_gaussian():
    distances = np.array([[0.0, 1.5], [90.0, 1e300]])
    expected = [[1, np.exp(-0.75)], [np.exp(-45), 0]]
    np.testing.assert_allclose(gaussian(distances, 0.5), expected, rtol=1e-15)
    assert gaussian(np.array([174.0]), 0.5) > 0
    assert gaussian(np.array([175.0]), 0.5) == 0


def test_weighted_sum(example):
    features, condition, plain = example
    weights = np.random.default_rng(3).normal(size=len(features))
    np.testing.assert_allclose(
        weighted_sum(condition, features, weights), weights @ plain, atol=1e-12
    )


def test_scale_gamma_is_scikit_learns(example):
    features, condition, plain = example
    rows = np.arange(10, 50)
    expected = 1 / (plain.shape[1] * plain[rows].var())
    assert scale_gamma(condition, features, rows) == pytest.approx(expected, rel=1e-12)


def test_scale_gamma_of_features_without_any_spread():
    features = np.full((9, 4), 3.0)
    rows = np.arange(9)
    assert scale_gamma(fit_conditioning(features, rows), features, rows) == 1
