"""Models against each other: known winners, symmetry, joins by name, and refused tables."""

import numpy as np
import pandas as pd
import pytest

from vqa.evaluation import metrics
from vqa.evaluation.metrics import METRICS, cards, score_all
from vqa.evaluation.uncertainty import (
    Difference,
    holm,
    on_counts,
    percentile_interval,
    percentile_p,
    resample,
    significance_matrix,
)
from vqa.evaluation.uncertainty.counts import side_by_side

FAST = {"resamples": 400}


def compare_splits(first, second, metric, **options):
    """The first of two models minus the second."""
    matrix = significance_matrix({"first": first, "second": second}, metric, **options)
    interval = (matrix.low[0, 1], matrix.high[0, 1])
    return Difference(matrix.difference[0, 1], interval, matrix.p_alone[0, 1])


def paired_bootstrap(mos, first, second, metric, resamples):
    """The same on one set of videos, written without tables."""
    both = side_by_side([on_counts(mos, score, metric) for score in (first, second)])
    drawn = resample(lambda counts: -np.diff(both(counts)), len(mos), resamples=resamples)
    (interval,), (p,) = percentile_interval(drawn), percentile_p(drawn)
    return Difference(drawn.estimate[0], tuple(interval), p)


def table(split, videos, mos, score):
    return pd.DataFrame({"split": split, "video": videos, "mos": mos, "score": score})


@pytest.fixture
def scored():
    """MOS, a good and a bad model, and one nearly as good as the good one."""
    rng = np.random.default_rng(0)
    mos, noise = rng.normal(size=(2, 120))
    good, bad = mos + 0.4 * noise, mos + 2 * rng.normal(size=120)
    return mos, {"good": good, "bad": bad, "near": good + 0.05 * rng.normal(size=120)}


@pytest.fixture
def tables(scored):
    """The models' predictions on four splits that share videos."""
    mos, scores = scored
    names = np.array([f"v{k}" for k in range(120)])
    parts = [np.random.default_rng(split).permutation(120)[:50] for split in range(4)]
    return {
        name: pd.concat(
            [table(f"s{k}", names[part], mos[part], score[part]) for k, part in enumerate(parts)]
        )
        for name, score in scores.items()
    }


@pytest.mark.parametrize("metric", cards.rankable())
def test_the_difference_is_that_of_the_metric(scored, metric):
    mos, scores = scored
    found = paired_bootstrap(mos, scores["good"], scores["bad"], metric, **FAST)
    good, bad = (score_all(mos, scores[name], names=[metric])[metric] for name in ("good", "bad"))
    expected = good - bad
    assert found.difference == pytest.approx(expected, abs=1e-9)
    low, high = found.interval
    assert low < found.difference < high
    assert found.p < 0.01
    assert (high < 0) if METRICS[metric].lower_is_better else (low > 0)


def test_order_turns_the_sign(scored):
    mos, scores = scored
    found = paired_bootstrap(mos, scores["good"], scores["near"], "srocc", **FAST)
    turned = paired_bootstrap(mos, scores["near"], scores["good"], "srocc", **FAST)
    assert turned.difference == -found.difference
    assert turned.interval == pytest.approx((-found.interval[1], -found.interval[0]), abs=1e-3)
    assert turned.p == pytest.approx(found.p, abs=1e-6)


def test_equal_models_do_not_differ(scored, tables):
    mos, scores = scored
    found = paired_bootstrap(mos, scores["bad"], scores["bad"], "krocc", **FAST)
    assert (found.difference, found.interval, found.p) == (0, (0, 0), 1)
    assert compare_splits(tables["bad"], tables["bad"], "krocc", **FAST).p == 1


def test_undefined_models_have_no_difference(scored):
    mos, scores = scored
    found = paired_bootstrap(mos, scores["good"], np.ones(120), "srocc", **FAST)
    assert np.isnan([found.difference, *found.interval, found.p]).all()


def test_pairing_is_sharper_than_two_intervals(scored):
    mos, scores = scored
    alike = paired_bootstrap(mos, scores["good"], scores["near"], "srocc", **FAST)
    rng = np.random.default_rng(1)
    apart = paired_bootstrap(mos, scores["good"], mos + 0.4 * rng.normal(size=120), "srocc", **FAST)
    assert np.ptp(alike.interval) < np.ptp(apart.interval) / 2


def test_splits_give_the_mean_of_their_differences(tables):
    found = compare_splits(tables["good"], tables["bad"], "srocc", **FAST)
    both = [tables[name].groupby("split") for name in ("good", "bad")]
    literal = [
        metrics.srocc(one["mos"], one["score"]) - metrics.srocc(two["mos"], two["score"])
        for (_, one), (_, two) in zip(*both, strict=True)
    ]
    assert found.difference == pytest.approx(np.mean(literal))
    assert found.interval[0] > 0
    assert found.p < 0.01


def test_rows_are_joined_by_name(tables):
    plain = compare_splits(tables["good"], tables["near"], "srocc", **FAST)
    shuffled = tables["near"].sample(frac=1, random_state=0)
    assert compare_splits(tables["good"], shuffled, "srocc", **FAST) == plain


def test_one_split_is_the_paired_bootstrap(scored):
    mos, scores = scored
    one, two = (table("all", range(120), mos, scores[name]) for name in ("good", "near"))
    found = compare_splits(one, two, "plcc_raw", **FAST)
    alone = paired_bootstrap(mos, scores["good"], scores["near"], "plcc_raw", **FAST)
    assert found.interval == pytest.approx(alone.interval)
    assert found.p == pytest.approx(alone.p)


def test_videos_shared_by_all_splits_do_not_count_as_more(scored):
    mos, scores = scored
    one = [table("a", range(120), mos, scores[name]) for name in ("good", "near")]
    five = [pd.concat([part.assign(split=k) for k in range(5)]) for part in one]
    alone, repeated = (compare_splits(*parts, "srocc", **FAST) for parts in (one, five))
    assert np.ptp(repeated.interval) == pytest.approx(np.ptp(alone.interval), rel=0.15)


@pytest.mark.parametrize("metric", ["srocc", "rmse"])
def test_the_matrix_names_the_winners(tables, metric):
    found = significance_matrix(tables, metric, **FAST)
    assert found.models == ("good", "bad", "near")
    assert found.metric == metric
    assert found.better[0, 1] == found.better[2, 1] == 1
    assert found.better[1].tolist() == [-1, 0, -1]
    assert np.array_equal(found.better, -found.better.T)
    assert np.array_equal(found.difference, -found.difference.T)
    assert np.array_equal(found.low, -found.high.T)
    assert np.isnan(np.diag(found.p)).all()
    pair = compare_splits(tables["good"], tables["bad"], metric, **FAST)
    assert found.difference[0, 1] == pytest.approx(pair.difference)
    assert (found.low[0, 1], found.high[0, 1]) == pytest.approx(pair.interval)
    assert found.p_alone[0, 1] == pair.p
    above = np.triu_indices(3, 1)
    assert np.array_equal(found.p[above], holm(found.p_alone[above]))
    assert np.array_equal(found.p_alone, found.p_alone.T, equal_nan=True)


def test_a_model_without_a_value_spoils_only_its_own_pairs(tables):
    tables["flat"] = tables["good"].assign(score=1.0)
    found = significance_matrix(tables, "srocc", **FAST)
    assert np.isnan(found.p[3]).all()
    assert (found.better[3] == 0).all()
    assert found.better[0, 1] == 1


def test_tables_must_go_together(tables):
    good, bad = tables["good"], tables["bad"]
    with pytest.raises(ValueError, match="second and first share 199 of 199 and 200 tested videos"):
        compare_splits(good, bad.iloc[1:], "srocc")
    with pytest.raises(ValueError, match="second: no column mos"):
        compare_splits(good, bad.drop(columns="mos"), "srocc")
    with pytest.raises(ValueError, match="second: expected one row per split and video"):
        compare_splits(good, pd.concat([bad, bad]), "srocc")
    with pytest.raises(ValueError, match=r"first: expected one row .* and at least one"):
        compare_splits(good.iloc[:0], bad.iloc[:0], "srocc")
    with pytest.raises(ValueError, match="differ in the MOS of 200 videos, first 'v"):
        compare_splits(good, bad.assign(mos=bad["mos"] + 1), "srocc")
    with pytest.raises(ValueError, match="1 models: expected at least two"):
        significance_matrix({"good": good}, "srocc")
    with pytest.raises(ValueError, match="found 'pearson'"):
        compare_splits(good, bad, "pearson")
