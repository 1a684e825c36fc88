"""Weighted sums of metrics over tests, with intervals over the videos."""

import numpy as np
import pandas as pd
import pytest

from vqa.evaluation.combinations import Term, combined
from vqa.evaluation.metrics import pwrc, srocc
from vqa.evaluation.summary import summarise


def predictions(count, seed, splits=1, noise=1.0):
    """Random opinions and scores of `count` videos in each split."""
    rng = np.random.default_rng(seed)
    mos = rng.normal(size=count)
    parts = [
        pd.DataFrame(
            {
                "split": f"split{index}",
                "video": [f"v{place}" for place in range(count)],
                "mos": mos,
                "score": mos + noise * rng.normal(size=count),
            }
        )
        for index in range(splits)
    ]
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize("splits", [1, 3])
def test_one_term_has_the_number_and_interval_of_the_report(splits):
    table = predictions(40, 1, splits)
    found = combined([Term(1, "a", table)], "srocc", resamples=300)
    known = summarise(table, resamples=300).summary
    assert found.value == pytest.approx(known.value("srocc"))
    assert (found.low, found.high) == pytest.approx(known.interval("srocc"), abs=1e-9)
    assert (found.splits, found.videos) == (splits, 40)


def test_the_mean_and_both_deviations_over_splits():
    table = predictions(30, 2, splits=4)
    found = combined([Term(1, "a", table)], "plcc_raw", aggregate="mean", resamples=50)
    values = [np.corrcoef(part["mos"], part["score"])[0, 1] for _, part in table.groupby("split")]
    assert found.value == pytest.approx(np.mean(values))
    assert found.std == pytest.approx(np.std(values, ddof=1))
    assert found.std_population == pytest.approx(np.std(values))


def test_an_average_over_databases_is_narrower_than_each():
    one, other = predictions(60, 3), predictions(60, 4)
    alone = [combined([Term(1, "a", table)], "srocc", resamples=400) for table in (one, other)]
    mean = combined([Term(0.25, "a", one), Term(0.75, "b", other)], "srocc", resamples=400)
    assert mean.value == pytest.approx(0.25 * alone[0].value + 0.75 * alone[1].value)
    assert mean.videos == 120
    assert mean.high - mean.low < min(found.high - found.low for found in alone)
    assert np.isnan(mean.std)


def test_what_two_tests_share_cancels_in_their_difference():
    table = predictions(50, 5)
    close = table.assign(score=table["score"] + 1e-3 * np.arange(50))
    terms = [Term(1, "a", close), Term(-1, "a", table)]
    paired = combined(terms, "srocc", resamples=300)
    apart = [Term(1, "a", close), Term(-1, "b", table)]
    unpaired = combined(apart, "srocc", resamples=300)
    assert paired.value == pytest.approx(unpaired.value)
    assert paired.high - paired.low < 0.3 * (unpaired.high - unpaired.low)


def test_a_metric_without_a_form_on_counts_is_computed_anew():
    table = predictions(25, 6)
    found = combined([Term(1, "a", table)], "pwrc", resamples=60)
    assert found.value == pytest.approx(pwrc(table["mos"], table["score"]))
    assert found.low < found.value < found.high


def test_one_that_needs_a_curve_has_no_interval_without_a_form():
    found = combined([Term(1, "a", predictions(25, 7))], "plcc_logistic5", resamples=20)
    assert not np.isnan(found.value)
    assert np.isnan(found.low)


def test_an_undefined_term_leaves_the_sum_undefined():
    flat = predictions(20, 8).assign(score=1.0)
    found = combined([Term(0.5, "a", flat), Term(0.5, "b", predictions(20, 9))], "srocc")
    assert np.isnan(found.value)
    assert np.isnan(found.low)
    assert srocc(*predictions(20, 9)[["mos", "score"]].to_numpy().T) > 0
