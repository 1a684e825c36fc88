"""PWRC against recorded values, its literal sum over pairs, the paper's table, and its limits."""

import math

import numpy as np
import pandas as pd
import pytest

from tests.places import SHARED
from vqa.evaluation.metrics import pairs, pwrc, pwrc_curve

PUBLISHED = SHARED / "gstvqa"
# GSTVQA (Chen et al. 2021), Table II.
TABLE_II = {
    "kon_cvd": 4.0625,
    "kon_liveq": 3.0198,
    "kon_livev": 3.2126,
    "liveq_cvd": 3.5204,
    "livev_kon": 3.4437,
    "cvd_kon": 3.0248,
}
MOS = (1, 2, 3, 4, 5, 2.5)
SCORE = (1.2, 1.9, 3.5, 3.4, 4.9, 2.2)


def literal_curve(mos, score, threshold, c=0.175):
    """S(T) pair by pair."""
    scaled = [100 * (m - min(mos)) / (max(mos) - min(mos)) for m in mos]
    by_mos = [sorted(set(mos)).index(m) for m in mos]
    by_score = [sorted(set(score)).index(s) for s in score]
    n = len(mos)
    total = agreement = 0.0
    for i in range(n):
        for j in range(i):
            misplaced = abs(by_mos[i] - by_score[i]) + abs(by_mos[j] - by_score[j])
            weight = math.exp(max(by_mos[i], by_mos[j]) / (n - 1) + misplaced / (2 * (n - 1)))
            gap = abs(scaled[i] - scaled[j])
            agree = np.sign(mos[i] - mos[j]) * np.sign(score[i] - score[j])
            total += weight
            agreement += weight * agree / (1 + math.exp(-c * (gap - threshold)))
    return agreement / total


@pytest.fixture
def tied():
    rng = np.random.default_rng(0)
    mos = np.round(rng.uniform(1, 5, 60), 1)
    return mos, np.round(mos + rng.normal(0, 1, 60), 1)


def test_recorded_values():
    # Of the definition's reference implementation, run once.
    curve = pwrc_curve(MOS, SCORE, [0, 2, 10, 50, -math.inf])
    assert curve == pytest.approx([0.830734, 0.826424, 0.794567, 0.419095, 0.842448], abs=1e-6)
    assert pwrc(MOS, SCORE) == pytest.approx(6.102812, abs=1e-6)


@pytest.mark.parametrize("name", TABLE_II)
def test_published_predictions_give_the_published_numbers(name):
    path = PUBLISHED / f"{name}.csv"
    if not path.is_file():
        pytest.skip("the authors' predictions are not at ../shared/data/gstvqa")
    table = pd.read_csv(path)
    assert pwrc(table["mos"], table["score"]) == pytest.approx(TABLE_II[name], abs=2e-4)


@pytest.mark.parametrize("smallest", [512, 14, 1])
def test_the_curve_is_its_literal_sum_in_blocks_of_any_size(tied, smallest, monkeypatch):
    monkeypatch.setattr(pairs, "SMALLEST", smallest)
    thresholds = [0.0, 2.5, 40.0]
    literal = [literal_curve(*tied, threshold) for threshold in thresholds]
    assert pwrc_curve(*tied, thresholds) == pytest.approx(literal, abs=1e-12)


def test_the_area_is_by_the_trapezium_rule(tied):
    values = [literal_curve(*tied, t, c=0.3) for t in (1.0, 3.0, 5.0)]
    area = values[0] + 2 * values[1] + values[2]
    assert pwrc(*tied, t_min=1, t_max=5, step=2, c=0.3) == pytest.approx(area)


def test_thresholds_from_the_spread_are_snapped_to_the_grid(tied):
    mos, score = tied
    spread = np.linspace(0.1, 0.62, 60)
    low, high = (round(2 * 100 * s / np.ptp(mos) / 0.5) * 0.5 for s in (0.1, 0.62))
    found = pwrc(mos, score, mos_std=spread)
    assert found == pytest.approx(pwrc(mos, score, t_min=low, t_max=high))
    low = round(2 * 100 * 1.0 / np.ptp(mos) / 0.5) * 0.5
    wide = pwrc(mos, score, mos_std=spread * 10)
    assert wide == pytest.approx(pwrc(mos, score, t_min=low, t_max=110))


def test_perfect_wrong_and_rescaled_models():
    mos = np.arange(50.0)
    assert 6.5 < pwrc(mos, mos) < 7.5
    assert pwrc(mos, -mos) < -6.5
    assert pwrc(5 * mos - 3, np.exp(mos / 9)) == pytest.approx(pwrc(mos, mos))


def test_undefined_pwrc_is_nan_and_logged(caplog):
    assert math.isnan(pwrc([1, 2, 3, 4], [2, 2, 2, 2]))
    assert "pwrc is undefined: all 4 scores are 2" in caplog.text
    with pytest.raises(ValueError, match="no rank correlation exists: 2 videos"):
        pwrc_curve([1, 2], [1, 2], [0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"t_min": 5, "t_max": 5}, "thresholds from 5 to 5: expected a range"),
        ({"step": 0}, "step=0"),
        ({"c": -1}, "c=-1"),
        ({"mos_std": [1] * 5}, r"mos_std of shape \(6,\), one per video; found \(5,\)"),
        ({"mos_std": [1] * 6}, "all videos have the same mos_std"),
        ({"mos_std": [1, 1, 1, 1, 1, -1]}, "1 of 6 values of mos_std are negative"),
    ],
)
def test_bad_settings_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        pwrc(MOS, SCORE, **options)
