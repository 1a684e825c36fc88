"""Distributions of one number for print: a histogram for each of a few groups, on one axis."""

from collections.abc import Mapping
from itertools import cycle

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from vqa.reports.figures.histogram import bins
from vqa.reports.figures.marking import mark
from vqa.reports.figures.printed import COLUMN, PRINTED, blank
from vqa.reports.style import BLUE, GREEN, INK, RED

HEIGHT_IN = 2.3
# Colour, opacity of the filling, and line of each group: told apart without colour, too.
LOOKS = ((BLUE, 0.35, "-"), (RED, 0.0, "-"), (GREEN, 0.0, (0, (4, 2))), (INK, 0.0, (0, (1, 1))))


def edges_of(groups: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the edges of the bins that all groups share."""
    return bins(np.concatenate(list(groups.values())))


def mode_of(values: np.ndarray, edges: np.ndarray) -> float:
    """Return the middle of the fullest bin; of equal ones the lowest."""
    fullest = int(np.histogram(values, edges)[0].argmax())
    return float((edges[fullest] + edges[fullest + 1]) / 2)


def shares(
    groups: Mapping[str, np.ndarray], label: str, *, item: str = "frames", warning: str = ""
) -> Figure:
    """Draw the share of each group's items in each bin, with the medians as lines.

    Args:
        groups: Finite values (n,) by the group's name, at least one of each.
        label: Name of the quantity.
        item: Name of the items that have one value each, in the plural.
        warning: Text above the picture, in red.
    """
    edges = edges_of(groups)
    with mpl.rc_context(PRINTED):
        figure = blank(COLUMN, HEIGHT_IN)
        axes = figure.subplots()
        for (name, values), look in zip(groups.items(), cycle(LOOKS), strict=False):
            colour, fill, line = look
            counts = 100 * np.histogram(values, edges)[0] / len(values)
            style = {"edgecolor": colour, "linewidth": 1.2, "linestyle": line}
            axes.stairs(counts, edges, fill=True, facecolor=(*mpl.colors.to_rgb(colour), fill),
                        label=f"{name} (n = {len(values)})", **style)  # fmt: skip
            axes.axvline(np.median(values), color=colour, linewidth=0.8, linestyle=(0, (3, 2)))
        axes.set(xlabel=label, ylabel=f"{item} (%)")
        axes.set_ylim(bottom=0)
        axes.grid(visible=False, axis="x")
        figure.legend(loc="outside upper left", ncols=2)
        return mark(figure, warning)
