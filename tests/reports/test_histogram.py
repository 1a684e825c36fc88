"""The histogram shows each value once, and the median."""

import numpy as np
import pytest

from vqa.reports.figures.histogram import bins, histogram
from vqa.reports.svg import to_svg


@pytest.fixture
def values():
    return np.random.default_rng(0).normal(0.46, 0.05, 400)


def test_bars_hold_every_value_and_the_line_is_the_median(values):
    axes = histogram(values, "cosine").axes[0]
    assert sum(bar.get_height() for bar in axes.patches) == 400
    (line,) = axes.lines
    assert line.get_xdata()[0] == np.median(values)
    assert axes.get_xlabel() == "cosine"
    assert axes.get_ylabel() == "frames"


def test_words_are_in_the_picture(values):
    svg = to_svg(histogram(values, "cosine", caption="400 frames", warning="RANDOM weights"))
    for word in ("cosine", "400 frames", "RANDOM weights", f"median {np.median(values):.3f}"):
        assert word in svg
    assert svg == to_svg(
        histogram(values, "cosine", caption="400 frames", warning="RANDOM weights")
    )


@pytest.mark.parametrize(
    "values", [[0.5], [0.5, 0.5, 0.5], [0.0, 1e6], np.arange(9) ** 9.0, [0, 1e-13, 2e-13, 1]]
)
def test_bins_cover_few_equal_and_far_values(values):
    edges = bins(np.array(values))
    assert 5 <= len(edges) - 1 <= 60
    assert edges[0] <= min(values)
    assert edges[-1] >= max(values)
    assert sum(bar.get_height() for bar in histogram(values, "x").axes[0].patches) == len(values)


@pytest.mark.parametrize("values", [[], [0.1, np.nan], [[0.1]], [np.inf]])
def test_values_that_are_not_finite_are_refused(values):
    with pytest.raises(ValueError, match="at least one finite value of cosine"):
        histogram(np.array(values), "cosine")
