"""The contract of every metric card, and cards that are refused."""

import dataclasses
import math

import numpy as np
import pytest

from vqa.evaluation.metrics import METRICS, Metric, MetricError, cards, curves, score_all, srocc
from vqa.evaluation.metrics.on_counts import OnCounts
from vqa.evaluation.uncertainty.counts import on_counts

EVERY = pytest.mark.parametrize("name", METRICS)


@pytest.fixture
def rated():
    """MOS, scores on another scale, and the raters' half-widths."""
    rng = np.random.default_rng(3)
    mos = rng.uniform(1, 5, 60)
    return mos, mos + rng.normal(0, 0.6, 60), rng.uniform(0.3, 0.6, 60)


def test_the_cards_are_found_by_their_names():
    assert list(METRICS) == [card.name for card in METRICS.values()]
    assert cards.table()[:6] == ("srocc", "krocc", "plcc", "plcc_raw", "rmse", "rmse_raw")
    assert set(cards.alongside()) >= {"pwrc", "outlier_ratio", "rmse_star"}
    assert sorted(cards.table() + cards.alongside()) == sorted(METRICS)
    assert set(cards.table()) <= set(cards.rankable())
    assert len({card.title for card in METRICS.values()}) == len(METRICS)
    with pytest.raises(TypeError):
        METRICS["own"] = METRICS["srocc"]


@EVERY
def test_a_metric_is_finite_and_does_not_depend_on_the_order_of_videos(rated, name):
    value = score_all(*rated, [name])[name]
    assert math.isfinite(value)
    order = np.random.default_rng(0).permutation(60)
    shuffled = score_all(*(part[order] for part in rated), [name])[name]
    assert shuffled == pytest.approx(value, abs=1e-6)


@EVERY
def test_perfect_scores_are_best(rated, name):
    mos, score, ci95 = rated
    noisy = np.random.default_rng(1).permutation(score)
    sign = -1 if METRICS[name].lower_is_better else 1
    perfect, good, bad = (score_all(mos, s, ci95, [name])[name] for s in (mos, score, noisy))
    assert sign * perfect > sign * good > sign * bad
    if METRICS[name].lower_is_better:
        assert perfect == pytest.approx(0, abs=1e-3)


@EVERY
def test_undefined_metrics_are_nan(name, caplog):
    value = score_all([1, 2, 3, 4], [2.0] * 4, [0.1] * 4, [name])[name]
    assert math.isnan(value) == METRICS[name].needs_variation
    assert bool(caplog.records) == METRICS[name].needs_variation


@pytest.mark.parametrize("name", cards.rankable())
def test_every_video_once_is_the_metric_itself(rated, name):
    mos, score, ci95 = rated
    found = on_counts(mos, score, name)(np.ones((2, 60), np.float32))
    expected = score_all(mos, score, ci95, [name])[name]
    assert found == pytest.approx(np.full((2, 1), expected), abs=1e-9)


@EVERY
def test_a_colour_range_holds_good_values(rated, name):
    card = METRICS[name]
    if card.colour_range is not None:
        low, high = card.colour_range
        assert low <= score_all(*rated, [name])[name] <= high


def test_metrics_of_the_raters_need_their_intervals(rated):
    mos, score, _ = rated
    found = score_all(mos, score)
    needy = {name for name, card in METRICS.items() if card.needs_ci95}
    assert needy >= {"outlier_ratio", "rmse_star"}
    assert {name for name, value in found.items() if math.isnan(value)} == needy


def test_each_curve_is_fitted_once(rated, monkeypatch):
    fitted = []

    def counted(score, mos, parameters=4):
        fitted.append(parameters)
        return fit(score, mos, parameters)

    fit = curves.fit_logistic
    monkeypatch.setattr(curves, "fit_logistic", counted)
    score_all(*rated)
    used = {curves.CURVES[card.curve] for card in METRICS.values()}
    assert sorted(fitted) == sorted(used - {0}) == [4, 5]


FORM = METRICS["srocc"].on_counts


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"in_table": True}, "in_table=True needs on_counts, from which the intervals"),
        ({"needs_ci95": True, "on_counts": FORM}, "a form on counts gets no ci95"),
        ({"on_counts": FORM.form}, r"expected on_counts=OnCounts\(form\)"),
        ({"curve": "cubic"}, "curve='cubic': expected one of none, logistic4, logistic5"),
        ({"curve": "logistic4", "needs_variation": False}, "no curve fits constant values"),
        ({"name": "Own metric"}, "expected a lower-case identifier as name"),
        ({"name": "interval"}, "as name, no n, further, mapping, interval"),
        ({"title": ""}, "expected a title"),
        ({"function": "srocc"}, r"expected a function \(mos, score\) -> float"),
    ],
)
def test_an_incomplete_card_is_refused(change, message):
    card = Metric("own", "Own", srocc)
    with pytest.raises(ValueError, match=rf"^metric '.*': .*{message}"):
        dataclasses.replace(card, **change)


def test_two_cards_of_one_name_are_refused():
    with pytest.raises(ValueError, match="metric 'own': two cards have this name"):
        cards.by_name([Metric("own", "Own", srocc), Metric("own", "Other", srocc)])


def test_an_unknown_metric_is_refused_with_the_names():
    assert cards.rankable_metric("rmse").title == "RMSE"
    for name in ("psnr", "pwrc"):
        with pytest.raises(ValueError, match=f"metric='{name}': expected one of srocc, krocc, "):
            cards.rankable_metric(name)
    assert [cards.title_of(name) for name in ("rmse_star", "own")] == ["RMSE*", "own"]


def divide(mos, score):
    return 1 / 0


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (divide, "metric own: division by zero"),
        (lambda mos, score: None, "metric own: float"),
        (lambda mos, score: np.inf, "metric own: the value is inf"),
    ],
)
def test_a_function_that_fails_is_an_error_with_its_name(rated, monkeypatch, function, message):
    monkeypatch.setattr(cards, "METRICS", cards.by_name([Metric("own", "Own", function)]))
    with pytest.raises(MetricError, match=message):
        score_all(*rated)


def test_a_function_that_returns_nan_is_logged(rated, monkeypatch, caplog):
    own = Metric("own", "Own", lambda mos, score: math.nan)
    monkeypatch.setattr(cards, "METRICS", cards.by_name([own]))
    assert math.isnan(score_all(*rated)["own"])
    assert "own is undefined for these 60 videos" in caplog.text


@pytest.mark.parametrize(
    ("form", "message"),
    [
        (lambda mos, score: 1 / 0, "metric own: division by zero"),
        (lambda mos, score: lambda counts: counts[0, :3], "metric own: cannot reshape"),
    ],
)
def test_a_form_that_fails_is_an_error_with_its_name(rated, monkeypatch, form, message):
    own = Metric("own", "Own", srocc, on_counts=OnCounts(form))
    monkeypatch.setattr(cards, "METRICS", cards.by_name([own]))
    with pytest.raises(MetricError, match=message):
        on_counts(*rated[:2], "own")(np.ones((2, 60), np.float32))
