"""Bootstrap intervals: against SciPy's BCa, textbook cases, limits and repeatability."""

import math

import numpy as np
import pytest
from scipy import stats

from vqa.evaluation.metrics import METRICS, cards, score_all
from vqa.evaluation.uncertainty import (
    Resampled,
    bca_interval,
    bootstrap,
    on_counts,
    percentile_interval,
    percentile_p,
    resample,
)


@pytest.fixture
def pair():
    rng = np.random.default_rng(5)
    mos = np.round(rng.uniform(1, 5, 70), 1)
    return mos, np.round(mos + rng.normal(0, 1, 70), 1)


def interval_of(mos, score, metric, level=0.95, resamples=10_000, seed=0):
    """BCa interval of one metric."""
    statistic = on_counts(mos, score, metric)
    drawn = resample(statistic, len(mos), resamples=resamples, seed=seed)
    low, high = bca_interval(drawn, level)[0]
    return float(low), float(high)


def mean_of(values):
    return lambda counts: counts @ values[:, None] / counts.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("metric", cards.rankable())
def test_interval_holds_the_value_and_repeats_with_its_seed(pair, metric):
    low, high = interval_of(*pair, metric, resamples=300)
    assert low < score_all(*pair, names=[metric])[metric] < high
    assert interval_of(*pair, metric, resamples=300) == (low, high)
    assert interval_of(*pair, metric, resamples=300, seed=1) != (low, high)
    wide = interval_of(*pair, metric, resamples=300, level=0.99)
    assert wide[0] < low
    assert wide[1] > high


@pytest.mark.parametrize("method", ["BCa", "percentile"])
def test_intervals_agree_with_scipy(method):
    # The variance is skewed, so that bias and acceleration matter.
    values = np.random.default_rng(0).exponential(size=60)

    def variance(counts):
        mean = counts @ values / counts.sum(axis=1)
        return (counts @ values**2 / counts.sum(axis=1) - mean**2)[:, None]

    ours = {"BCa": bca_interval, "percentile": percentile_interval}[method]
    low, high = ours(resample(variance, 60, resamples=40_000))[0]
    theirs = stats.bootstrap(
        (values,), np.var, n_resamples=40_000, method=method, rng=np.random.default_rng(1)
    ).confidence_interval
    assert (low, high) == pytest.approx(tuple(theirs), rel=0.03)


def test_the_mean_of_a_sample_has_the_textbook_interval():
    values = np.random.default_rng(0).normal(3, 2, 400)
    drawn = resample(mean_of(values), 400, resamples=4000)
    half = 1.96 * values.std() / 20
    expected = (values.mean() - half, values.mean() + half)
    assert tuple(bca_interval(drawn)[0]) == pytest.approx(expected, abs=0.02)
    assert tuple(percentile_interval(drawn)[0]) == pytest.approx(expected, abs=0.02)


def test_grouped_jackknife_has_the_acceleration_of_the_exact_one(monkeypatch):
    values = np.random.default_rng(0).exponential(size=3000)
    exact = stats.skew(values) / (6 * math.sqrt(3000))

    def acceleration():
        left = resample(mean_of(values), 3000, resamples=1).jackknife[:, 0]
        influence = left.mean() - left
        return np.sum(influence**3) / (6 * np.sum(influence**2) ** 1.5)

    assert acceleration() == pytest.approx(exact, abs=0.002)
    monkeypatch.setattr(bootstrap, "JACKKNIFE_GROUPS", 3000)
    assert acceleration() == pytest.approx(exact, rel=1e-3)


def test_p_is_the_level_at_which_the_interval_ends_at_the_value(pair):
    drawn = resample(on_counts(*pair, "srocc", "rmse_raw"), 70, resamples=20_000)
    for level in (0.8, 0.95):
        for k, (low, high) in enumerate(percentile_interval(drawn, level)):
            assert percentile_p(drawn, low)[k] == pytest.approx(1 - level, abs=1e-3)
            assert percentile_p(drawn, high)[k] == pytest.approx(1 - level, abs=1e-3)
    assert percentile_p(drawn, 99.0) == pytest.approx([2 / 20_001] * 2)


def test_workers_change_nothing_and_blocks_are_put_together(pair, monkeypatch):
    statistic = on_counts(*pair, "krocc", "rmse")
    monkeypatch.setattr(bootstrap, "CELLS_AT_ONCE", 70 * 17)
    one = resample(statistic, 70, resamples=100)
    three = resample(statistic, 70, resamples=100, workers=3)
    assert one.values.shape == (100, 2)
    assert one.jackknife.shape == (70, 2)
    assert np.array_equal(one.values, three.values)
    assert np.array_equal(one.jackknife, three.jackknife)
    assert len(np.unique(one.values[:, 1])) == 100
    for video in (0, 69):
        left = on_counts(*pair, "krocc")((np.arange(70) != video)[None].astype(np.float32))[0, 0]
        assert np.isclose(one.jackknife[:, 0], left).any()


@pytest.mark.parametrize("metric", cards.rankable())
def test_an_undefined_metric_has_no_interval(metric):
    assert all(np.isnan(interval_of([], [], metric)))
    if not METRICS[metric].needs_variation:
        return
    assert all(np.isnan(interval_of([1, 2, 3, 4], [2, 2, 2, 2], metric)))
    flat = resample(on_counts([1, 2, 3, 4], [2, 2, 2, 2], metric), 4, resamples=50)
    assert np.isnan(percentile_p(flat)).all()


def test_resamples_without_variation_are_excluded():
    # One video differs: 1/e of the resamples miss it, and all of them see one value otherwise.
    mos, score = np.arange(30.0), np.zeros(30)
    score[29] = 1
    low, high = interval_of(mos, score, "srocc")
    assert 0 < low < high <= 1


def test_a_perfect_model_has_an_interval_of_no_width():
    mos = np.arange(30.0)
    assert interval_of(mos, mos, "srocc", resamples=200) == pytest.approx((1, 1))


def test_an_estimate_beyond_all_resamples_falls_back_to_percentiles():
    values = np.random.default_rng(0).normal(size=(500, 1))
    drawn = Resampled(np.array([9.0]), values, np.arange(5.0)[:, None] ** 2)
    assert bca_interval(drawn)[0] == pytest.approx(np.quantile(values, [0.025, 0.975]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metric": "pearson"}, "expected some of srocc"),
        ({"level": 95}, "level=95: expected a share"),
        ({"resamples": 0}, "resamples=0"),
    ],
)
def test_bad_settings_are_refused(pair, options, message):
    with pytest.raises(ValueError, match=message):
        interval_of(*pair, **({"metric": "srocc"} | options))
