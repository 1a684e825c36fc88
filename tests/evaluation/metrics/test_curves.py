"""Logistic curves: known points, recovered curves, and never worse than the straight line."""

import subprocess
import sys

import numpy as np
import pytest
from scipy import optimize
from scipy.special import expit

from vqa.evaluation import metrics
from vqa.evaluation.metrics import Curve, curves, fit_logistic, logistic4, logistic5, map_scores


@pytest.fixture
def pair():
    """MOS and scores on another scale, related by a curve."""
    rng = np.random.default_rng(3)
    mos = rng.uniform(1, 5, 80)
    return mos, 50 + 30 * np.tanh(mos - 3) + rng.normal(0, 6, 80)


def test_logistic_functions_at_known_points():
    assert logistic4(2.0, 5, 1, 2, -0.5) == pytest.approx(3)
    assert logistic4([1e9, -1e9], 5, 1, 2, 0.5) == pytest.approx([5, 1])
    x = np.linspace(-3, 3, 11)
    literal = 2 * (0.5 - 1 / (1 + np.exp(1.5 * (x - 0.3)))) + 0.2 * x + 3
    assert logistic5(x, 2, 1.5, 0.3, 0.2, 3) == pytest.approx(literal)


@pytest.mark.parametrize(("top", "bottom"), [(5, 1), (1, 5)])
def test_fit_recovers_a_logistic_curve(top, bottom):
    score = np.linspace(0, 100, 60)
    curve = fit_logistic(score, logistic4(score, top, bottom, 40, 9))
    assert curve.kind == "logistic4"
    rising = sorted(curve.parameters[:2])
    assert rising == pytest.approx([1, 5], abs=1e-3)
    assert curve.parameters[2:] == pytest.approx((40, 9), abs=1e-2)


@pytest.mark.parametrize(("top", "bottom"), [(5, 1), (1, 5)])
@pytest.mark.parametrize("centre", [6, 50, 93])
@pytest.mark.parametrize("width", [0.2, 2, 20])
def test_fit_finds_steep_and_wide_curves_off_the_middle(top, bottom, centre, width):
    score = np.linspace(0, 100, 60)
    truth = logistic4(score, top, bottom, centre, width)
    mos = truth + np.random.default_rng(0).normal(0, 0.3, 60)
    found = np.sqrt(np.mean((mos - fit_logistic(score, mos)(score)) ** 2))
    assert found <= np.sqrt(np.mean((mos - truth) ** 2)) + 1e-6


@pytest.mark.parametrize("slope", [0.02, -0.02])
def test_fit_recovers_a_curve_with_a_slope(slope):
    score = np.linspace(0, 100, 60)
    mos = logistic5(score, 3, 0.15, 45, slope, 2)
    curve = fit_logistic(score, mos, parameters=5)
    assert curve.kind == "logistic5"
    assert curve(score) == pytest.approx(mos, abs=1e-3)


@pytest.mark.parametrize("videos", [3, 4, 5, 6, 12, 40])
@pytest.mark.parametrize("parameters", [4, 5])
def test_a_curve_is_never_worse_than_the_straight_line(videos, parameters):
    for seed in range(6):
        rng = np.random.default_rng(seed)
        score, mos = rng.normal(size=(2, videos))
        slope, offset = np.polyfit(score, mos, 1)
        curve = fit_logistic(score, mos, parameters)
        line_error = np.sum((mos - slope * score - offset) ** 2)
        assert np.sum((mos - curve(score)) ** 2) <= line_error * (1 + 1e-9)
        assert curve.kind == "linear" or videos > parameters


def test_without_convergence_the_line_is_used_and_logged(pair, monkeypatch, caplog):
    real = optimize.minimize

    def stuck(*args, **kwargs):
        result = real(*args, **kwargs)
        result.success = False
        return result

    monkeypatch.setattr(optimize, "minimize", stuck)
    assert metrics.plcc(*pair) == pytest.approx(metrics.plcc_raw(*pair))
    assert "no logistic fit converged on 80 videos" in caplog.text


def test_scores_are_mapped_by_name(pair):
    mos, score = pair
    assert map_scores(mos, score, "none") == pytest.approx(score)
    assert map_scores(mos, score) == pytest.approx(fit_logistic(score, mos)(score))
    assert map_scores(mos, score, "logistic5") == pytest.approx(fit_logistic(score, mos, 5)(score))
    with pytest.raises(ValueError, match="curve='linear': expected"):
        map_scores(mos, score, "linear")


def test_without_scipy_the_sigmoid_has_the_same_values_to_the_bit(monkeypatch):
    rng = np.random.default_rng(0)
    ends = [0.0, -0.0, np.inf, -np.inf, np.nan, 709.9, -709.9, 745.0, -745.0, 800.0, -800.0]
    x = np.concatenate([*(rng.normal(0, s, 2000) for s in (0.01, 1, 10, 100, 500)), ends])
    expected = expit(x)
    assert np.array_equal(curves.sigmoid(x), expected, equal_nan=True)
    monkeypatch.delitem(sys.modules, "scipy.special")
    assert np.array_equal(curves.sigmoid(x), expected, equal_nan=True)
    assert curves.sigmoid(x[:10000].reshape(100, 4, 25)).shape == (100, 4, 25)
    assert np.array_equal(logistic4(x, 5, 1, 3, 0.5), 1 + 4 * expit((x - 3) / 0.5), equal_nan=True)


def test_a_curve_is_applied_without_scipy():
    curve = Curve("logistic4", (4.5, 1.25, 3.0, 0.7))
    code = (
        "import sys\n"
        "from vqa.evaluation.metrics import METRICS\n"
        "from vqa.evaluation.metrics.curves import Curve\n"
        f"print(repr(float(Curve({curve.kind!r}, {curve.parameters!r})([2.0])[0])))\n"
        "sys.exit({'scipy', 'pandas', 'torch', 'sklearn'} & sys.modules.keys() or 0)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True
    )
    assert found.returncode == 0, found.stderr
    assert float(found.stdout) == curve([2.0])[0]
