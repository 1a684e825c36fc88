"""Correlations and errors against SciPy, literal formulas, invariances, published predictions."""

import logging
import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.places import SHARED
from vqa.evaluation import metrics
from vqa.evaluation.metrics import fit_logistic, score_all

PUBLISHED = SHARED / "gstvqa"
CORRELATIONS = ("srocc", "krocc", "plcc", "plcc_raw", "rmse")
FUNCTIONS = (*CORRELATIONS, "rmse_raw")
# SROCC, KROCC, raw PLCC: GSTVQA (Chen et al. 2021), Table II.
TABLE_II = {
    "kon_cvd": (0.7972, 0.5891, 0.7984),
    "kon_liveq": (0.6200, 0.4445, 0.6666),
    "kon_livev": (0.6797, 0.4864, 0.7327),
    "liveq_cvd": (0.7046, 0.5115, 0.6665),
    "livev_kon": (0.7085, 0.5179, 0.7074),
    "cvd_kon": (0.6230, 0.4437, 0.5764),
}


@pytest.fixture
def pair():
    """MOS with ties and scores on another scale, related by a curve."""
    rng = np.random.default_rng(3)
    mos = np.round(rng.uniform(1, 5, 80), 1)
    score = 50 + 30 * np.tanh(mos - 3) + rng.normal(0, 6, 80)
    return mos, np.round(score)


def literal_srocc(mos, score):
    def ranks(values):
        return [sum(v < x for v in values) + (sum(v == x for v in values) + 1) / 2 for x in values]

    return literal_plcc(ranks(mos), ranks(score))


def literal_krocc(mos, score):
    agree = mos_pairs = score_pairs = 0
    for i in range(len(mos)):
        for j in range(i):
            a, b = np.sign(mos[i] - mos[j]), np.sign(score[i] - score[j])
            agree, mos_pairs, score_pairs = agree + a * b, mos_pairs + a * a, score_pairs + b * b
    return agree / math.sqrt(mos_pairs * score_pairs)


def literal_plcc(a, b):
    a, b = np.asarray(a) - np.mean(a), np.asarray(b) - np.mean(b)
    return sum(a * b) / math.sqrt(sum(a * a) * sum(b * b))


@pytest.mark.parametrize("name", TABLE_II)
def test_published_predictions_give_the_published_numbers(name):
    path = PUBLISHED / f"{name}.csv"
    if not path.is_file():
        pytest.skip("the authors' predictions are not at ../shared/data/gstvqa")
    published = pd.read_csv(path)
    names = ("srocc", "krocc", "plcc_raw")
    found = score_all(published["mos"], published["score"], names=names)
    # The paper prints four decimals.
    assert [found[key] for key in names] == pytest.approx(TABLE_II[name], abs=6e-5)


@pytest.mark.parametrize(
    ("name", "four", "five"), [("kon_cvd", 0.8047, 0.8058), ("liveq_cvd", 0.7296, 0.7356)]
)
def test_mapped_plcc_of_published_predictions(name, four, five):
    path = PUBLISHED / f"{name}.csv"
    if not path.is_file():
        pytest.skip("the authors' predictions are not at ../shared/data/gstvqa")
    published = pd.read_csv(path)
    # Unbounded Levenberg-Marquardt fits from the VQEG start give these.
    assert metrics.plcc(published["mos"], published["score"]) == pytest.approx(four, abs=1e-4)
    found = metrics.plcc(published["mos"], published["score"], "logistic5")
    assert found == pytest.approx(five, abs=1e-4)


def test_correlations_follow_their_literal_formulas(pair):
    assert metrics.srocc(*pair) == pytest.approx(literal_srocc(*pair), abs=1e-12)
    assert metrics.krocc(*pair) == pytest.approx(literal_krocc(*pair), abs=1e-12)
    assert metrics.plcc_raw(*pair) == pytest.approx(literal_plcc(*pair), abs=1e-12)
    squares = [(m - s) ** 2 for m, s in zip(*pair, strict=True)]
    assert metrics.rmse_raw(*pair) == pytest.approx(math.sqrt(sum(squares) / len(squares)))


def test_correlations_agree_with_scipy(pair):
    assert metrics.srocc(*pair) == pytest.approx(stats.spearmanr(*pair).statistic)
    assert metrics.krocc(*pair) == pytest.approx(stats.kendalltau(*pair).statistic)
    assert metrics.plcc_raw(*pair) == pytest.approx(stats.pearsonr(*pair).statistic)


def test_score_all_gives_the_values_of_the_single_functions(pair):
    found = score_all(*pair)
    assert list(found) == list(metrics.METRICS)
    assert list(score_all(*pair, names=FUNCTIONS)) == list(FUNCTIONS)
    for name in FUNCTIONS:
        assert found[name] == pytest.approx(getattr(metrics, name)(*pair), abs=1e-12)


@pytest.mark.parametrize("transform", [np.exp, lambda x: x**3, lambda x: 7 * x - 100])
def test_rank_correlations_ignore_monotone_transforms(pair, transform):
    mos, score = pair
    bent = transform(score / 100)
    assert metrics.srocc(mos, bent) == pytest.approx(metrics.srocc(mos, score), abs=1e-12)
    assert metrics.krocc(mos, bent) == pytest.approx(metrics.krocc(mos, score), abs=1e-12)


@pytest.mark.parametrize(("slope", "offset"), [(1e-6, 0), (1e6, 3e6), (-2, 40)])
def test_mapped_metrics_ignore_the_scale_of_the_scores(pair, slope, offset):
    mos, score = pair
    changed = slope * score + offset
    assert metrics.plcc(mos, changed) == pytest.approx(metrics.plcc(mos, score), abs=1e-5)
    assert metrics.rmse(mos, changed) == pytest.approx(metrics.rmse(mos, score), abs=1e-5)


def test_order_of_videos_does_not_matter(pair):
    order = np.random.default_rng(0).permutation(80)
    shuffled = score_all(pair[0][order], pair[1][order])
    assert shuffled == pytest.approx(score_all(*pair), abs=1e-6, nan_ok=True)


def test_a_falling_predictor_keeps_its_sign_in_srocc_and_its_strength_in_plcc(pair):
    mos, score = pair
    assert metrics.srocc(mos, -score) == pytest.approx(-metrics.srocc(mos, score))
    assert metrics.plcc(mos, -score) == pytest.approx(metrics.plcc(mos, score), abs=1e-6)
    assert metrics.plcc(mos, -score) > 0.8


def test_the_curve_is_named(pair):
    mos, score = pair
    assert metrics.plcc(*pair, "none") == pytest.approx(metrics.plcc_raw(*pair))
    assert metrics.rmse(*pair, "none") == metrics.rmse_raw(*pair)
    for curve, parameters in (("logistic4", 4), ("logistic5", 5)):
        mapped = fit_logistic(score, mos, parameters)(score)
        assert metrics.plcc(*pair, curve) == pytest.approx(literal_plcc(mos, mapped))
        assert metrics.rmse(*pair, curve) == pytest.approx(math.sqrt(np.mean((mos - mapped) ** 2)))
    assert metrics.rmse(*pair, "logistic5") < metrics.rmse(*pair)
    for metric in (metrics.plcc, metrics.rmse):
        with pytest.raises(ValueError, match="curve='cubic': expected none, logis"):
            metric(*pair, "cubic")


def test_an_uncorrelated_line_explains_nothing():
    assert metrics.plcc([1, 2, 1], [1, 2, 3]) == 0
    assert metrics.plcc_raw([1, 2, 1], [1, 2, 3]) == pytest.approx(0)


@pytest.mark.parametrize(
    ("mos", "score", "reason"),
    [
        ([1, 2, 3, 4], [2.5] * 4, "all 4 scores are 2.5"),
        ([0.1] * 50, np.arange(50), "all 50 MOS are 0.1"),
        ([1, 2], [1, 2], "2 videos, expected at least 3"),
        ([1, 2, 3], [1e6, 1e6 + 1e-9, 1e6], "all 3 scores are 1e+06"),
    ],
)
def test_undefined_metrics_are_nan_and_logged(mos, score, reason, caplog):
    for name in CORRELATIONS:
        caplog.clear()
        assert math.isnan(getattr(metrics, name)(mos, score))
        assert f"{name} is undefined: {reason}" in caplog.text
    caplog.clear()
    found = score_all(mos, score)
    assert all(math.isnan(found[name]) for name in (*CORRELATIONS, "pwrc"))
    assert math.isfinite(found["rmse_raw"])
    assert len(caplog.records) == 1
    assert "srocc, krocc, plcc, plcc_raw, rmse, " in caplog.text
    assert f"are undefined: {reason}" in caplog.text
    with pytest.raises(ValueError, match="no curve can be fitted"):
        fit_logistic(score, mos)


def test_no_videos_at_all(caplog):
    caplog.set_level(logging.WARNING)
    found = score_all([], [])
    assert list(found) == list(metrics.METRICS)
    assert all(math.isnan(value) for value in found.values())


@pytest.mark.parametrize("name", [*FUNCTIONS, "score_all"])
def test_values_that_are_not_finite_are_counted(name):
    with pytest.raises(ValueError, match="of 4 videos 1 mos and 2 score values are NaN or inf"):
        getattr(metrics, name)([1, np.nan, 3, 4], [np.inf, 2, np.nan, 1])


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"\(3,\) and \(2,\)"):
        metrics.srocc([1, 2, 3], [1, 2])
    with pytest.raises(ValueError, match=r"shape \(N,\)"):
        metrics.rmse_raw([[1, 2, 3]], [[1, 2, 3]])
    with pytest.raises(ValueError, match="expected 4 or 5"):
        fit_logistic([1, 2, 3], [1, 2, 3], parameters=3)
