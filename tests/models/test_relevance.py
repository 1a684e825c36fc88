"""Relevance: the evidence is that of a Gaussian process, and gains find the blocks."""

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from vqa.models.relevance import JITTER, log_evidence, relevance


def test_the_evidence_is_that_of_a_gaussian_process():
    rng = np.random.default_rng(0)
    features, target = rng.normal(size=(30, 4)), rng.normal(size=30)
    features /= np.sqrt((features**2).sum(1).mean())
    a, b, c, d = 0.3, -0.4, -1.0, -0.9
    kernel = np.empty((30, 30))
    for i, one in enumerate(features):
        for k, other in enumerate(features):
            near = np.exp(-np.exp(b) * np.sum((one - other) ** 2))
            kernel[i, k] = np.exp(a) * (near + np.exp(c) * one @ other)
    kernel += (np.exp(d) + JITTER) * np.eye(30)
    expected = multivariate_normal(np.zeros(30), kernel).logpdf(target) + 15 * np.log(2 * np.pi)
    settings = torch.tensor([a, b, c, d], dtype=torch.float64)
    products, labels = torch.from_numpy(features @ features.T), torch.from_numpy(target)
    assert float(log_evidence(products, labels, settings)) == pytest.approx(expected, abs=1e-8)
    assert float(log_evidence(4 * products, labels, settings)) == pytest.approx(expected, abs=1e-8)


def planted(blocks=6, period=5, videos=150):
    """The second block decides, through its first statistic most of all."""
    features = torch.randn(videos, blocks * period, generator=torch.Generator().manual_seed(0))
    return features, 3 + features[:, 5] + 0.3 * features[:, 6]


def test_relevant_blocks_and_statistics_get_the_largest_gains():
    features, target = planted()
    gain = relevance(features, target, period=5)
    assert float(gain.square().mean()) == pytest.approx(1, abs=1e-5)
    table = gain.view(6, 5)
    assert table.mean(1).argmax() == 1
    assert table.mean(0).argmax() == 0
    # One term for the block and one for the statistic: the table of logarithms has rank two.
    assert torch.linalg.matrix_rank(table.log(), tol=1e-4) <= 2


def test_a_period_that_does_not_divide_is_refused():
    features, target = planted()
    with pytest.raises(ValueError, match=r"period=7: expected a divisor .* found 30 features"):
        relevance(features, target, period=7)


def test_equal_labels_give_finite_gains():
    features, _ = planted()
    assert relevance(features, torch.full((150,), 3.0), period=5).isfinite().all()
