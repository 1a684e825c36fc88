"""Curves into a rating scale: increasing, inside it, and harmless in its middle."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vqa.evaluation.calibration import ScaleCurve, fit_scale
from vqa.evaluation.metrics.curves import Curve

IDENTITY = Curve("linear", (1.0, 0.0))


@given(
    st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=20),
    st.floats(-100, 100),
    st.floats(0.1, 100),
)
def test_values_stay_inside_the_scale_and_in_order(scores, low, length):
    mapped = ScaleCurve(IDENTITY, low, low + length)(np.sort(scores))
    assert low <= mapped.min()
    assert mapped.max() <= low + length
    assert (np.diff(mapped) >= -1e-12 * max(length, abs(low))).all()


def test_inside_the_scale_nothing_changes():
    inside = np.linspace(1.2, 4.8, 37)
    np.testing.assert_allclose(ScaleCurve(IDENTITY, 1, 5)(inside), inside, atol=0.01)
    curve = ScaleCurve(IDENTITY, 1, 5)
    assert np.all(np.diff(curve(np.linspace(0.5, 5.5, 101))) > 0)
    # Literally, at one point near an end.
    assert curve(1.04) == pytest.approx(1 + 0.08 * np.log1p(np.exp(0.5)), abs=1e-9)


@pytest.mark.parametrize("mos_range", [(1.0, 5.0), (0.0, 100.0), (-1.0, 1.0)])
def test_scores_of_any_level_are_brought_to_the_scale(mos_range):
    low, high = mos_range
    drawn = np.random.default_rng(0)
    mos = drawn.uniform(low, high, 300)
    share = (mos - low) / (high - low)
    raw = -40 + 7 * share + drawn.normal(0, 0.5, 300)
    curve = fit_scale(raw, mos, mos_range)
    assert np.corrcoef(curve(raw), mos)[0, 1] > 0.95
    assert abs(np.mean(curve(raw) - mos)) < 0.02 * (high - low)
    assert curve(1e6) <= high
    assert curve(-1e6) >= low
