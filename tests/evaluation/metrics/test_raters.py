"""Outlier ratio and epsilon-insensitive RMSE against their literal formulas."""

import math

import numpy as np
import pytest

from vqa.evaluation.metrics import fit_logistic, mos_ci95, outlier_ratio, rmse, rmse_star


@pytest.fixture
def rated():
    rng = np.random.default_rng(1)
    mos = rng.uniform(1, 5, 60)
    return mos, mos + rng.normal(0, 0.5, 60), rng.uniform(0.1, 0.4, 60)


def test_the_interval_is_students():
    # t(0.975) is 2.0639 with 24 and 12.7062 with 1 degree of freedom (any table).
    assert mos_ci95([0.8, 0.8], [25, 2]) == pytest.approx(
        [2.0639 * 0.8 / 5, 12.7062 * 0.8 / math.sqrt(2)], rel=1e-4
    )
    assert mos_ci95(0.5, 25) == pytest.approx(2.0639 * 0.1, rel=1e-4)


@pytest.mark.parametrize(("curve", "parameters"), [("none", 0), ("logistic4", 4), ("logistic5", 5)])
def test_both_follow_their_literal_formulas(rated, curve, parameters):
    mos, score, ci95 = rated
    mapped = fit_logistic(score, mos, parameters)(score) if parameters else score
    beyond = [max(0.0, abs(m - p) - e) for m, p, e in zip(mos, mapped, ci95, strict=True)]
    outliers = sum(b > 0 for b in beyond)
    assert 0 < outliers < 60
    assert outlier_ratio(*rated, curve=curve) == pytest.approx(outliers / 60)
    squares = sum(b * b for b in beyond)
    degrees = parameters or 1
    assert rmse_star(*rated, curve=curve) == pytest.approx(math.sqrt(squares / (60 - degrees)))
    found = rmse_star(*rated, curve=curve, degrees=0)
    assert found == pytest.approx(math.sqrt(squares / 60))


def test_certain_opinions_leave_the_plain_rmse(rated):
    mos, score, _ = rated
    plain = rmse_star(mos, score, np.zeros(60))
    assert plain == pytest.approx(rmse(mos, score) * math.sqrt(60 / 56))
    assert outlier_ratio(mos, score, np.zeros(60)) == 1
    assert outlier_ratio(mos, score, np.full(60, 9.0)) == 0
    assert rmse_star(mos, score, np.full(60, 9.0)) == 0


def test_an_error_as_wide_as_the_interval_is_no_outlier():
    assert outlier_ratio([1, 2, 3, 4], [1.5, 2, 3, 4.75], [0.5] * 4, curve="none") == 0.25


def test_undefined_metrics_are_nan_and_logged(caplog):
    flat = [1, 2, 3, 4], [2, 2, 2, 2], [0.5] * 4
    assert math.isnan(outlier_ratio(*flat))
    assert math.isnan(rmse_star(*flat))
    assert "outlier_ratio is undefined: all 4 scores are 2" in caplog.text
    assert outlier_ratio(*flat, curve="none") == 0.75
    assert math.isnan(outlier_ratio([], [], [], curve="none"))
    assert math.isnan(rmse_star([1, 2, 3, 4], [1, 3, 2, 4], [0.5] * 4))
    assert "4 videos, 4 degrees used" in caplog.text


def test_bad_input_is_refused(rated):
    mos, score, ci95 = rated
    with pytest.raises(ValueError, match="1 of 2 videos have fewer than 2 ratings"):
        mos_ci95([0.5, 0.5], [1, 5])
    with pytest.raises(ValueError, match="1 of 2 values of mos_std are negative"):
        mos_ci95([0.5, np.nan], 5)
    for metric in (outlier_ratio, rmse_star):
        with pytest.raises(ValueError, match=r"expected ci95 of shape \(60,\)"):
            metric(mos, score, ci95[:5])
        with pytest.raises(ValueError, match="curve='cubic': expected"):
            metric(mos, score, ci95, curve="cubic")
    with pytest.raises(ValueError, match="degrees=-1"):
        rmse_star(mos, score, ci95, degrees=-1)
