"""Distributions of scores: of one job beside the training MOS, and of the changes between two."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from vqa.reports.figures.histogram import bins
from vqa.reports.style import BLUE, GREEN, INK, MUTED, RED, STYLE, canvas
from vqa.reports.svg import DOTS

MANY_SCORES = 60
FEW_BINS, MANY_BINS = 10, 20


def scores_beside_opinions(
    scores: ArrayLike, opinions: ArrayLike | None, ends: Sequence[float]
) -> Figure:
    """Plot the shares of scores on the scale, with the shares of the training MOS as an outline.

    Args:
        scores: Scores (n,), at least one, all finite.
        opinions: (Q,) evenly spaced quantiles of the MOS of the training videos, from the lowest
            to the highest; None if they are unknown.
        ends: Lowest and highest value of the axis; scores beyond it extend it.
    """
    values = np.asarray(scores, dtype=float)
    low, high = min(ends[0], values.min()), max(ends[1], values.max())
    edges = np.linspace(low, high, 1 + (MANY_BINS if len(values) >= MANY_SCORES else FEW_BINS))
    share = 100 * np.histogram(values, edges)[0] / len(values)
    with mpl.rc_context(STYLE):
        figure, axes = canvas(5.6, 3.5)
        bar = {"width": 0.88 * np.diff(edges), "color": BLUE, "alpha": 0.8}
        axes.bar((edges[:-1] + edges[1:]) / 2, share, **bar, label="scores of this job")
        if opinions is not None:
            ranks = np.linspace(0, 100, np.size(opinions))
            rated = np.diff(np.interp(edges, np.asarray(opinions, float), ranks, left=0, right=100))
            axes.stairs(rated, edges, color=GREEN, fill=True, alpha=0.12)
            axes.stairs(rated, edges, color=GREEN, linewidth=1.8, label="MOS in training")
        axes.set(xlabel="quality", ylabel="% of the videos", xlim=(low, high))
        axes.grid(visible=False, axis="x")
        figure.legend(loc="outside upper right", ncols=2)
    return figure


def changes(differences: ArrayLike, mean: float, interval: Sequence[float] | None) -> Figure:
    """Plot the distribution of paired differences, with zero, their mean and its interval.

    Args:
        differences: After minus before (n,), at least one, all finite.
        mean: Their mean.
        interval: Its interval; None for a single pair.
    """
    values = np.asarray(differences, dtype=float)
    with mpl.rc_context(STYLE):
        figure, axes = canvas(5.6, 4.1)
        axes.hist(values, bins=bins(values), color=BLUE, alpha=0.8, rwidth=0.88)
        axes.axvline(0, color=INK, linewidth=1.2, linestyle=(0, (5, 3)), label="no change")
        if interval is not None:
            axes.axvspan(*interval, color=RED, alpha=0.18, linewidth=0)
        axes.axvline(mean, color=RED, linewidth=1.8, label="mean")
        axes.set(xlabel="change of the score, after minus before", ylabel="videos")
        axes.yaxis.get_major_locator().set_params(integer=True)
        axes.grid(visible=False, axis="x")
        figure.legend(loc="outside upper right", ncols=2)
    return figure


def before_and_after(before: ArrayLike, after: ArrayLike) -> Figure:
    """Plot a dot for each pair of scores; the dots below the line got worse.

    Args:
        before: Scores (n,).
        after: Scores of the same videos (n,).
    """
    first, second = np.asarray(before, dtype=float), np.asarray(after, dtype=float)
    both = np.concatenate([first, second])
    margin = 0.04 * (np.ptp(both) or 1.0)
    ends = (both.min() - margin, both.max() + margin)
    with mpl.rc_context(STYLE):
        figure, axes = canvas(5.6, 4.1)
        axes.plot(ends, ends, color=MUTED, linewidth=1.2, linestyle=(0, (5, 3)))
        size = 44 if len(first) < 200 else 18
        axes.scatter(first, second, s=size, color=BLUE, alpha=0.6, edgecolors="none", gid=DOTS)
        axes.set(xlabel="score before", ylabel="score after", xlim=ends, ylim=ends)
    return figure
