"""Colours and fonts of all figures, and the empty canvas that each starts from."""

from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Okabe and Ito's blue and vermilion, slightly darker for thin lines: safe for colour-blind readers.
INK, MUTED, GRID = "#1f2933", "#66717d", "#dfe4ea"
BLUE, RED, GREEN = "#0a6cae", "#c8500a", "#0a8563"
# Inside a page each colour becomes a CSS variable, which follows the light or dark theme.
VARIABLES = {
    INK: "ink",
    MUTED: "muted",
    GRID: "grid",
    BLUE: "blue",
    RED: "red",
    GREEN: "green",
}
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "vqa",
    "pdf.fonttype": 42,  # publishers refuse Type 3
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "text.parse_math": False,
    "text.color": INK,
    "axes.edgecolor": GRID,
    "axes.labelcolor": MUTED,
    "axes.titlecolor": INK,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": GRID,
    "ytick.color": GRID,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
}


def canvas(width: float, height: float, style: Mapping[str, Any] = STYLE) -> tuple[Figure, Axes]:
    """Return a figure of this size in inches with one pair of axes, in our style."""
    with mpl.rc_context(style):
        figure = Figure(figsize=(width, height), layout="constrained")
        return figure, figure.add_subplot()


def thin(count: int) -> dict[str, float]:
    """Return the style of one of `count` lines that show the same quantity."""
    return {"linewidth": 2.0, "alpha": 1.0} if count == 1 else {"linewidth": 1.3, "alpha": 0.6}


def as_float(value: float | None) -> float:
    """Return a number from JSON as a float; None is NaN."""
    return np.nan if value is None else float(value)
