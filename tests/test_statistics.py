"""Bootstrap intervals: metrics on counts against metrics on repeated videos, coverage, limits."""

import math

import numpy as np
import pytest
from scipy import stats

from vqa import metrics, statistics
from vqa.metrics import METRICS
from vqa.statistics import bootstrap_interval, on_counts, percentile_interval

RANKED = ("srocc", "krocc", "plcc_raw", "rmse_raw")


@pytest.fixture
def pair():
    rng = np.random.default_rng(5)
    mos = np.round(rng.uniform(1, 5, 70), 1)
    return mos, np.round(mos + rng.normal(0, 1, 70), 1)


@pytest.mark.parametrize("metric", METRICS)
def test_every_video_once_is_the_metric_itself(pair, metric):
    found = on_counts(*pair, metric)(np.ones((1, 70)))
    assert found == pytest.approx([getattr(metrics, metric)(*pair)], abs=1e-9)


@pytest.mark.parametrize("metric", RANKED)
def test_counts_are_repeated_videos(pair, metric):
    counts = np.random.default_rng(0).multinomial(70, [1 / 70] * 70, size=20)
    found = on_counts(*pair, metric)(counts.astype(float))
    drawn = [[np.repeat(values, row) for values in pair] for row in counts]
    assert found == pytest.approx([getattr(metrics, metric)(*values) for values in drawn], abs=1e-9)


def test_mapped_metrics_hold_the_mapping_of_all_videos(pair):
    mos, score = pair
    counts = np.random.default_rng(0).multinomial(70, [1 / 70] * 70, size=5)
    mapped = metrics.fit_logistic(score, mos)(score)
    for row, plcc, rmse in zip(
        counts,
        on_counts(mos, score, "plcc")(counts.astype(float)),
        on_counts(mos, score, "rmse")(counts.astype(float)),
        strict=True,
    ):
        a, b = np.repeat(mos, row), np.repeat(mapped, row)
        assert plcc == pytest.approx(stats.pearsonr(a, b).statistic)
        assert rmse == pytest.approx(math.sqrt(np.mean((a - b) ** 2)))


def test_kendall_does_not_depend_on_the_block_size(pair, monkeypatch):
    counts = np.random.default_rng(0).multinomial(70, [1 / 70] * 70, size=4).astype(float)
    whole = on_counts(*pair, "krocc")(counts)
    monkeypatch.setattr(statistics, "PAIR_BLOCK", 9)
    assert on_counts(*pair, "krocc")(counts) == pytest.approx(whole, abs=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_interval_holds_the_value_and_repeats_with_its_seed(pair, metric):
    low, high = bootstrap_interval(*pair, metric, resamples=300)
    assert low < getattr(metrics, metric)(*pair) < high
    assert bootstrap_interval(*pair, metric, resamples=300) == (low, high)
    assert bootstrap_interval(*pair, metric, resamples=300, seed=1) != (low, high)
    wide = bootstrap_interval(*pair, metric, resamples=300, level=0.99)
    assert wide[0] < low
    assert wide[1] > high


def test_the_interval_covers_the_truth_as_often_as_it_says():
    rho = 0.8
    truth = 6 / math.pi * math.asin(rho / 2)
    hits = 0
    for seed in range(200):
        mos, noise = np.random.default_rng(seed).standard_normal((2, 40))
        score = rho * mos + math.sqrt(1 - rho**2) * noise
        low, high = bootstrap_interval(mos, score, "srocc", resamples=300, seed=seed)
        hits += low <= truth <= high
    assert 0.91 <= hits / 200 <= 0.985


def test_the_mean_of_a_sample_has_the_textbook_interval():
    values = np.random.default_rng(0).normal(3, 2, 400)
    low, high = percentile_interval(lambda counts: counts @ values / 400, 400, resamples=4000)
    half = 1.96 * values.std() / 20
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.02)


@pytest.mark.parametrize("metric", METRICS[:5])
def test_no_interval_where_the_metric_is_undefined(metric):
    assert all(np.isnan(bootstrap_interval([1, 2, 3, 4], [2, 2, 2, 2], metric)))
    assert all(np.isnan(bootstrap_interval([], [], metric)))


def test_resamples_without_variation_are_left_out():
    # One video differs: 1/e of the resamples miss it, and all of them see one value otherwise.
    mos, score = np.arange(30.0), np.zeros(30)
    score[29] = 1
    low, high = bootstrap_interval(mos, score, "srocc")
    assert 0 < low < high <= 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metric": "pearson"}, "metric='pearson' is not known; expected one of srocc"),
        ({"level": 95}, "level=95: expected a share"),
        ({"resamples": 0}, "resamples=0"),
    ],
)
def test_bad_settings_are_refused(pair, options, message):
    with pytest.raises(ValueError, match=message):
        bootstrap_interval(*pair, **({"metric": "srocc"} | options))


def test_values_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="1 mos and 0 score values"):
        bootstrap_interval([1, np.nan, 3], [1, 2, 3], "srocc")
