"""Metrics on counts against the same metrics on repeated videos."""

import numpy as np
import pytest
from scipy import stats

from vqa.evaluation import metrics
from vqa.evaluation.metrics import METRICS, cards, score_all
from vqa.evaluation.metrics.on_counts import ranks
from vqa.evaluation.uncertainty.counts import draw_counts, on_counts, over_splits, side_by_side

UNMAPPED = ("srocc", "krocc", "plcc_raw", "rmse_raw")
FIRST = ("srocc", "krocc", "plcc", "plcc_raw", "rmse", "rmse_raw")


def pair(videos, decimals, seed=5):
    """MOS and scores; with few decimals many are tied, also with each other."""
    rng = np.random.default_rng(seed)
    mos = rng.uniform(1, 5, videos)
    return np.round(mos, decimals), np.round(mos + rng.normal(0, 1, videos), decimals)


def repeated(values, row):
    return np.repeat(values, row.astype(int))


@pytest.mark.parametrize("decimals", [0, 1, 9])
def test_every_video_once_is_the_metric_itself(decimals):
    mos, score = pair(70, decimals)
    names = cards.rankable()
    found = on_counts(mos, score, *names)(np.ones((1, 70), np.float32))[0]
    expected = list(score_all(mos, score, names=names).values())
    assert found == pytest.approx(expected, abs=1e-9)


# 64 is the smallest block of Kendall's sums; 63 to 129 meet its edges, 300 has several blocks.
@pytest.mark.parametrize("videos", [3, 63, 64, 65, 129, 300])
@pytest.mark.parametrize("decimals", [0, 1, 9])
def test_counts_are_repeated_videos(videos, decimals):
    mos, score = pair(videos, decimals)
    counts = draw_counts(np.random.default_rng(1), 12, videos)
    found = on_counts(mos, score, *UNMAPPED)(counts)
    for row, values in zip(counts, found, strict=True):
        y, x = repeated(mos, row), repeated(score, row)
        for metric, value in zip(UNMAPPED, values, strict=True):
            expected = getattr(metrics, metric)(y, x)
            assert value == pytest.approx(expected, abs=1e-9, nan_ok=True), metric


@pytest.mark.parametrize("videos", [1, 2, 3, 64, 300])
@pytest.mark.parametrize("decimals", [0, 1, 9])
def test_very_many_videos_get_the_same_kendall_and_spearman(videos, decimals, monkeypatch):
    pairs = pair(videos, decimals)
    counts = draw_counts(np.random.default_rng(1), 12, videos)
    found = [form(*pairs)(counts) for form in (ranks.krocc_on_counts, ranks.srocc_on_counts)]
    monkeypatch.setattr(ranks, "MOST_IN_BLOCKS", 0)
    monkeypatch.setattr(ranks, "CELLS_AT_ONCE", 5 * videos)
    many = [form(*pairs)(counts) for form in (ranks.krocc_on_counts, ranks.srocc_on_counts)]
    np.testing.assert_array_equal(many, found)


@pytest.mark.parametrize("falling", [1, -1])
def test_kendall_of_strict_orders_and_their_reverse(falling):
    mos = np.arange(200.0)
    counts = draw_counts(np.random.default_rng(0), 5, 200)
    assert on_counts(mos, falling * mos, "krocc")(counts) == pytest.approx(falling, abs=1e-12)


@pytest.mark.parametrize("videos", [40, 240])
def test_mapped_metrics_are_nearly_those_of_a_refitted_curve(videos):
    rng = np.random.default_rng(videos)
    mos = rng.normal(size=videos)
    score = np.tanh(mos) + 0.4 * rng.normal(size=videos)
    counts = draw_counts(rng, 25, videos)
    found = on_counts(mos, score, "plcc", "rmse")(counts)
    for column, metric in enumerate((metrics.plcc, metrics.rmse)):
        refitted = [metric(repeated(mos, row), repeated(score, row)) for row in counts]
        # Spread over resamples: about 0.02 for 240 videos.
        assert found[:, column] == pytest.approx(refitted, abs=0.06 if videos < 100 else 0.006)
    curve = metrics.fit_logistic(score, mos)(score)
    fixed = [np.sqrt(row @ (mos - curve) ** 2 / videos) for row in counts]
    assert (found[:, 1] < fixed).all()


def test_a_straight_line_is_refitted_exactly():
    # Four videos are too few for a logistic curve, so the curve is a line, refitted by regression.
    mos, score = np.array([1.0, 2, 4, 3]), np.array([1.0, 3, 3.5, 5])
    counts = np.array([[1, 1, 1, 1], [2, 1, 1, 0], [3, 0, 4, 5], [0, 1, 1, 1]], np.float32)
    found = on_counts(mos, score, "plcc", "rmse")(counts)
    for row, (plcc, rmse) in zip(counts, found, strict=True):
        y, x = repeated(mos, row), repeated(score, row)
        line = stats.linregress(x, y)
        assert plcc == pytest.approx(abs(line.rvalue), abs=1e-6)
        residual = y - line.slope * x - line.intercept
        assert rmse == pytest.approx(np.sqrt(np.mean(residual**2)), abs=1e-6)


def test_metrics_come_in_the_order_asked_for():
    mos, score = pair(50, 1)
    counts = draw_counts(np.random.default_rng(0), 4, 50)
    names = cards.rankable()
    for order in (names, names[::-1], ("rmse", "srocc"), ("krocc", "krocc")):
        together = on_counts(mos, score, *order)(counts)
        alone = [on_counts(mos, score, metric)(counts)[:, 0] for metric in order]
        assert together == pytest.approx(np.stack(alone, axis=1))


def test_rows_without_variation_or_draws_are_nan():
    mos, score = np.arange(5.0), np.array([1.0, 1, 1, 2, 2])
    counts = np.array([[2, 2, 1, 0, 0], [0, 5, 0, 0, 0], [0, 0, 1, 1, 0], [0] * 5], np.float32)
    found = on_counts(mos, score, *FIRST)(counts)
    for column in (0, 1, 3):
        assert np.isnan(found[:, column]).all()
    assert np.isnan(found[1:, 2]).all()
    assert np.isfinite(found[:3, 5]).all()
    assert np.isnan(found[3]).all()


def test_undefined_metrics_are_nan_on_every_row():
    names = cards.rankable()
    found = on_counts([1, 2, 3, 4], [2, 2, 2, 2], *names)(np.ones((3, 4), np.float32))
    for column, name in enumerate(names):
        assert np.isnan(found[:, column]).all() == METRICS[name].needs_variation
    assert found[:, names.index("rmse_raw")] == pytest.approx(
        metrics.rmse_raw([1, 2, 3, 4], [2, 2, 2, 2])
    )


@pytest.mark.parametrize("videos", [1, 7, 70_000])
def test_every_row_draws_as_many_videos_as_there_are(videos):
    counts = draw_counts(np.random.default_rng(0), 3, videos)
    assert counts.shape == (3, videos)
    assert counts.sum(axis=1) == pytest.approx([videos] * 3)
    assert len({row.tobytes() for row in counts}) == (1 if videos == 1 else 3)


def test_draws_are_binomial():
    counts = draw_counts(np.random.default_rng(0), 20_000, 4)
    share = np.bincount(counts[:, 0].astype(int), minlength=5) / 20_000
    assert share == pytest.approx(stats.binom.pmf(range(5), 4, 0.25), abs=0.015)


def test_splits_are_combined_over_the_same_draw():
    mos, score = pair(30, 2)
    parts = [np.arange(0, 20), np.arange(10, 30), np.arange(0, 30, 2)]
    members = [(part, on_counts(mos[part], score[part], "srocc", "rmse_raw")) for part in parts]
    counts = draw_counts(np.random.default_rng(0), 6, 30)
    literal = np.stack([statistic(counts[:, part]) for part, statistic in members])
    assert over_splits(members)(counts) == pytest.approx(np.median(literal, axis=0))
    assert over_splits(members, "mean")(counts) == pytest.approx(literal.mean(axis=0))
    with pytest.raises(ValueError, match="combine='max': expected median or mean"):
        over_splits(members, "max")


def test_splits_without_a_value_are_excluded():
    one = on_counts([1, 2, 3], [1, 2, 4], "srocc")
    none = on_counts([1, 2, 3], [1, 1, 1], "srocc")
    counts = np.ones((2, 3), np.float32)
    assert over_splits([([0, 1, 2], one), ([0, 1, 2], none)])(counts) == pytest.approx(1)
    assert np.isnan(over_splits([([0, 1, 2], none)], "mean")(counts)).all()


def test_side_by_side_keeps_the_order():
    first, second = on_counts(*pair(20, 1), "srocc", "krocc"), on_counts(*pair(20, 1), "rmse_raw")
    counts = draw_counts(np.random.default_rng(0), 3, 20)
    both = side_by_side([first, second])(counts)
    assert both == pytest.approx(np.hstack([first(counts), second(counts)]))


@pytest.mark.parametrize(
    ("names", "found"), [(("pearson",), "'pearson'"), ((), "none"), (("srocc", "x"), "'x'")]
)
def test_unknown_metrics_are_refused(names, found):
    with pytest.raises(ValueError, match=f"expected some of srocc.*; found {found}"):
        on_counts([1, 2, 3], [1, 2, 3], *names)


def test_values_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="1 mos and 0 score values"):
        on_counts([1, np.nan, 3], [1, 2, 3], "srocc")
