"""From a table of predictions to results: values, intervals, undefined splits."""

import math

import numpy as np
import pandas as pd
import pytest

from tests import run_folders
from vqa.evaluation.metrics import (
    METRICS,
    Metric,
    cards,
    outlier_ratio,
    plcc,
    pwrc,
    rmse,
    rmse_star,
    score_all,
)
from vqa.evaluation.metrics.on_counts import OnCounts
from vqa.evaluation.summary import summarise
from vqa.evaluation.uncertainty import bca_interval, on_counts, percentile_interval, resample


@pytest.fixture(scope="module")
def predictions():
    return run_folders.predictions()


@pytest.fixture(scope="module")
def results(predictions):
    return summarise(predictions, resamples=200)


def test_each_split_has_its_metrics_and_intervals(predictions, results):
    assert list(results.splits) == ["split-0", "split-1", "split-2"]
    for name, part in results.splits.items():
        rows = predictions[predictions["split"] == name]
        expected = score_all(rows["mos"], rows["score"], names=cards.table())
        assert part.table == expected
        assert part.n == len(rows) == 48
        assert part.curve == "logistic4"
        drawn = resample(on_counts(rows["mos"], rows["score"], "krocc"), 48, resamples=200)
        assert part.interval("krocc") == tuple(bca_interval(drawn)[0])
        assert set(part.intervals) == set(cards.rankable())


def test_summary_is_over_the_splits_own_values(predictions, results):
    summary = results.summary
    assert (summary.splits, summary.predictions) == (3, 144)
    assert summary.videos == predictions["video"].nunique()
    for metric in cards.table():
        values = [part.value(metric) for part in results.splits.values()]
        assert summary.median[metric] == pytest.approx(np.median(values))
        assert summary.mean[metric] == pytest.approx(np.mean(values))
        assert summary.std[metric] == pytest.approx(np.std(values, ddof=1))
        low, high = summary.interval(metric)
        assert low < summary.value(metric) < high


def test_one_split_has_no_spread_and_its_own_interval(predictions):
    one = summarise(predictions[predictions["split"] == "split-1"], resamples=100)
    assert one.summary.intervals == one.splits["split-1"].intervals
    assert one.summary.median["srocc"] == one.splits["split-1"].value("srocc")
    assert math.isnan(one.summary.std["srocc"])


def test_the_same_split_twice_is_no_second_witness(predictions):
    once = predictions[predictions["split"] == "split-0"]
    again = once.sample(frac=1, random_state=0).assign(split="again")
    twice = pd.concat([once, again], ignore_index=True)
    doubled = summarise(twice, resamples=200).summary
    assert doubled.videos == len(once)
    # Videos are resampled in both at once, so the interval does not shrink.
    alone = resample(on_counts(once["mos"], once["score"], "srocc"), len(once), resamples=200)
    assert doubled.interval("srocc") == pytest.approx(percentile_interval(alone)[0])


def test_undefined_splits_are_counted_and_excluded(predictions):
    table = predictions.copy()
    table.loc[table["split"] == "split-2", "score"] = 3.0
    summary = summarise(table, resamples=100).summary
    undefined = {name: int(METRICS[name].needs_variation) for name in cards.table()}
    assert summary.undefined == undefined
    assert (undefined["srocc"], undefined["rmse_raw"]) == (1, 0)
    kept = summarise(table[table["split"] != "split-2"], resamples=100).summary
    for key in ("median", "mean", "std"):
        assert getattr(summary, key)["srocc"] == pytest.approx(getattr(kept, key)["srocc"])
    assert np.isfinite(summary.interval("srocc")).all()


def test_permuted_rows_give_the_same_results(predictions, results):
    mixed = predictions.sort_values(["split", "video"], ascending=[True, False])
    again = summarise(mixed, resamples=200)
    for name, part in again.splits.items():
        for metric in cards.table():
            expected = results.splits[name].value(metric)
            assert part.value(metric) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="score"), "predictions lack score"),
        (lambda t: t.iloc[:0], "have no rows"),
        (lambda t: pd.concat([t, t.iloc[:2]]), r"2 videos are predicted more than once.*split-0"),
        (lambda t: t.assign(split=None), "empty split or video name"),
        (lambda t: t.assign(score=np.nan), "split split-0: of 48 videos 0 mos and 48 score"),
    ],
)
def test_tables_that_are_no_predictions_are_refused(predictions, change, message):
    with pytest.raises(ValueError, match=message):
        summarise(change(predictions))


def test_metrics_alongside_are_those_of_their_functions(predictions):
    ci95 = pd.Series(0.3, predictions["video"].unique())
    results = summarise(predictions, ci95=ci95, resamples=20)
    part = predictions[predictions["split"] == "split-1"]
    mos, score = part["mos"].to_numpy(), part["score"].to_numpy()
    half = np.full(len(part), 0.3)
    expected = {
        "pwrc": pwrc(mos, score),
        "plcc_logistic5": plcc(mos, score, "logistic5"),
        "rmse_logistic5": rmse(mos, score, "logistic5"),
        "outlier_ratio": outlier_ratio(mos, score, half),
        "rmse_star": rmse_star(mos, score, half),
    }
    found = results.splits["split-1"].alongside
    assert {name: found[name] for name in expected} == expected
    values = [split.value("rmse_star") for split in results.splits.values()]
    assert results.summary.alongside["rmse_star"] == np.median(values)
    # A split with one video of unknown spread has neither of the two.
    fewer = summarise(predictions, ci95=ci95.drop(part["video"].iloc[0]), resamples=20)
    alongside = fewer.splits["split-1"].alongside
    assert np.isnan(alongside["rmse_star"])
    assert np.isnan(alongside["outlier_ratio"])
    assert alongside["pwrc"] == pwrc(mos, score)


def mean_error(mos, score):
    return float(np.mean(np.abs(mos - score)))


def mean_error_on_counts(mos, score):
    return lambda counts: counts @ np.abs(mos - score) / counts.sum(axis=1)


@pytest.mark.parametrize("in_table", [True, False])
def test_a_new_card_is_all_that_a_new_metric_needs(predictions, monkeypatch, in_table):
    form = OnCounts(mean_error_on_counts)
    card = Metric("mae", "MAE", mean_error, lower_is_better=True, in_table=in_table, on_counts=form)
    monkeypatch.setattr(cards, "METRICS", cards.by_name([*METRICS.values(), card]))
    results = summarise(predictions, resamples=50)
    split = predictions[predictions["split"] == "split-1"]
    value = mean_error(split["mos"], split["score"])
    assert results.splits["split-1"].value("mae") == pytest.approx(value)
    low, high = results.summary.interval("mae")
    assert low < results.summary.value("mae") < high
    content = results.to_json()["summary"]
    assert ("mae" in content["median"], "mae" in content["further"]) == (in_table, not in_table)


def test_a_metric_that_fails_is_an_error_with_its_split(predictions, monkeypatch):
    def fail(mos, score):
        raise KeyError("no such thing")

    own = Metric("own", "Own", fail)
    monkeypatch.setattr(cards, "METRICS", cards.by_name([*METRICS.values(), own]))
    with pytest.raises(ValueError, match="split split-0: metric own: 'no such thing'"):
        summarise(predictions, resamples=10)
