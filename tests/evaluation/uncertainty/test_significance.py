"""Tests in closed form against their literal formulas, SciPy and published values."""

import math

import numpy as np
import pytest
from scipy import stats

from vqa.evaluation.uncertainty import corrected_resampled_t, f_test, fisher_z, holm


def test_corrected_t_is_its_literal_formula():
    differences = [0.02, -0.01, 0.03, 0.015, 0.0]
    found = corrected_resampled_t(differences, train=80, test=20)
    mean = sum(differences) / 5
    variance = sum((d - mean) ** 2 for d in differences) / 4
    error = math.sqrt((1 / 5 + 20 / 80) * variance)
    assert found.difference == pytest.approx(mean)
    assert found.p == pytest.approx(2 * stats.t.sf(mean / error, 4))
    assert found.interval == pytest.approx(stats.t.interval(0.95, 4, mean, error))


def test_without_overlap_it_is_the_ordinary_t_test():
    differences = np.random.default_rng(0).normal(0.3, 1, 12)
    # A test part of one video in very many adds nothing to 1 / J.
    found = corrected_resampled_t(differences, train=10**12, test=1)
    assert found.p == pytest.approx(stats.ttest_1samp(differences, 0).pvalue, rel=1e-6)
    assert corrected_resampled_t(differences, 80, 20).p > found.p


def test_differences_that_never_vary():
    assert corrected_resampled_t([0, 0, 0], 80, 20).p == 1
    assert corrected_resampled_t([1, 1, 1], 80, 20).p == 0


@pytest.mark.parametrize(
    ("differences", "options", "message"),
    [
        ([0.1], {}, "at least two splits"),
        ([0.1, np.nan], {}, "with 1 not finite; remove the splits"),
        ([0.1, 0.2], {"train": 0}, "train=0, test=20"),
        ([0.1, 0.2], {"level": 2}, "level=2"),
    ],
)
def test_corrected_t_refuses(differences, options, message):
    with pytest.raises(ValueError, match=message):
        corrected_resampled_t(differences, **({"train": 80, "test": 20} | options))


def test_fisher_z_by_hand():
    found = fisher_z(0.9, 103, 0.8, 53)
    z = (math.atanh(0.9) - math.atanh(0.8)) / math.sqrt(1 / 100 + 1 / 50)
    assert found.statistic == pytest.approx(z)
    assert found.p == pytest.approx(2 * (1 - stats.norm.cdf(z)))
    ranked = fisher_z(0.9, 103, 0.8, 53, kind="spearman")
    spread = math.sqrt((1 + 0.405) / 100 + (1 + 0.32) / 50)
    assert ranked.statistic == pytest.approx((math.atanh(0.9) - math.atanh(0.8)) / spread)
    assert fisher_z(0.8, 53, 0.9, 103).statistic == pytest.approx(-z)
    assert fisher_z(0.5, 20, 0.5, 80).p == 1


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((1.0, 20, 0.5, 20), {}, "correlations 1.0 and 0.5"),
        ((math.nan, 20, 0.5, 20), {}, "correlations nan and 0.5"),
        ((0.6, 3, 0.5, 20), {}, "3 and 20 videos: expected at least 4"),
        ((0.6, 30, 0.5, 20), {"kind": "kendall"}, "kind='kendall'"),
    ],
)
def test_fisher_z_refuses(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        fisher_z(*arguments, **options)


def test_f_test_by_hand():
    found = f_test(0.5, 104, 0.4, 54)
    ratio = (104 * 0.25 / 100) / (54 * 0.16 / 50)
    assert found.statistic == pytest.approx(ratio)
    assert found.p == pytest.approx(2 * stats.f.sf(ratio, 100, 50))
    turned = f_test(0.4, 54, 0.5, 104)
    assert (turned.statistic, turned.p) == pytest.approx((1 / ratio, found.p))
    assert f_test(0.5, 60, 0.5, 60).p == pytest.approx(1)
    # F(0.975; 60, 60) is 1.667 (any table).
    assert f_test(math.sqrt(1.667), 60, 1, 60, parameters=0).p == pytest.approx(0.05, abs=2e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 20, 1, 20), "rmse 0 and 1"),
        ((1, 4, 1, 20), "4 and 20 videos: expected more than the 4"),
    ],
)
def test_f_test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        f_test(*arguments)


def test_holm_by_hand():
    # Sorted 0.01, 0.02, 0.03, 0.04 times 4, 3, 2, 1, never falling.
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.5, 0.9]) == pytest.approx([1, 1])
    assert holm([[0.01, math.nan], [0.04, 0.02]]) == pytest.approx(
        np.array([[0.03, math.nan], [0.04, 0.04]]), nan_ok=True
    )
    assert len(holm([])) == 0
    with pytest.raises(ValueError, match=r"outside 0\.\.1"):
        holm([0.5, 1.5])


def test_holm_is_no_stricter_than_bonferroni_and_no_laxer_than_nothing():
    p = np.random.default_rng(0).uniform(0, 0.1, 20)
    assert (holm(p) <= np.minimum(20 * p, 1) + 1e-15).all()
    assert (holm(p) >= p).all()
