import numpy as np
import pytest
from scipy.spatial.distance import cdist

from tests.models.svr.planted import planted
from vqa.models.svr.kernels import (
    distances_between,
    distances_within,
    gaussian,
    gram,
    scale_gamma,
    weighted_sum,
)
from vqa.models.svr.preprocessing import fit_preprocessing


@pytest.fixture(params=[2**24, 70], ids=["one block", "one column per block"])
def example(request, monkeypatch):
    """Raw features, the preprocessing fitted to them, and its output."""
    monkeypatch.setattr("vqa.models.svr.preprocessing.BLOCK_SIZE", request.param)
    features, _ = planted()
    preprocess = fit_preprocessing(features, np.arange(40))
    return features, preprocess, preprocess(features)


def test_gram_holds_the_inner_products(example):
    features, preprocess, plain = example
    literal = [[sum(x * y) for y in plain] for x in plain]
    np.testing.assert_allclose(gram(preprocess, features), literal, atol=1e-12)


def test_distances_match_scipy(example):
    features, preprocess, plain = example
    within = distances_within(gram(preprocess, features))
    np.testing.assert_allclose(within, cdist(plain, plain, "sqeuclidean"), atol=1e-12)
    assert (np.diagonal(within) == 0).all()
    between = distances_between(preprocess, features[:9], features[20:])
    expected = cdist(plain[:9], plain[20:], "sqeuclidean")
    np.testing.assert_allclose(between, expected, atol=1e-12)


def test_distances_of_equal_vectors_are_never_negative(example):
    features, preprocess, _ = example
    assert distances_between(preprocess, features, features).min() >= 0


def test_gaussian_kernel_underflows_to_zero():
    distances = np.array([[0.0, 1.5], [90.0, 1e300]])
    expected = [[1, np.exp(-0.75)], [np.exp(-45), 0]]
    np.testing.assert_allclose(gaussian(distances, 0.5), expected, rtol=1e-15)
    assert gaussian(np.array([174.0]), 0.5) > 0
    assert gaussian(np.array([175.0]), 0.5) == 0


def test_weighted_sum_of_preprocessed_features(example):
    features, preprocess, plain = example
    weights = np.random.default_rng(3).normal(size=len(features))
    np.testing.assert_allclose(
        weighted_sum(preprocess, features, weights), weights @ plain, atol=1e-12
    )


def test_scale_gamma_matches_scikit_learn(example):
    features, preprocess, plain = example
    rows = np.arange(10, 50)
    expected = 1 / (plain.shape[1] * plain[rows].var())
    assert scale_gamma(preprocess, features, rows) == pytest.approx(expected, rel=1e-12)


def test_scale_gamma_is_1_for_constant_features():
    features = np.full((9, 4), 3.0)
    rows = np.arange(9)
    assert scale_gamma(fit_preprocessing(features, rows), features, rows) == 1
