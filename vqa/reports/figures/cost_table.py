"""Cost of feature sets for print: our seconds beside the printed ones, on logarithmic axes."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vqa.reports.figures.cost import logarithmic
from vqa.reports.figures.marking import mark
from vqa.reports.figures.printed import PAGE, PRINTED, blank
from vqa.reports.style import BLUE, INK, RED, as_float

ROW_IN, HEAD_IN = 0.19, 0.65
PARTS = {"extraction": "features, seconds per video", "regression": "regression, seconds"}


def cost_table(rows: Sequence[Mapping[str, Any]], *, warning: str = "") -> Figure:
    """Draw a line of dots for each feature set, over the width of the page.

    Args:
        rows: `name`, `dim`, and `extraction_s`, `regression_s` with the printed
            `printed_extraction_s`, `printed_regression_s`; None if unknown.
        warning: Text above the axes, in red.
    """
    places = range(len(rows))
    with mpl.rc_context(PRINTED):
        figure = blank(PAGE, HEAD_IN + ROW_IN * len(rows))
        both = figure.subplots(1, 2, sharey=True)
        for axes, (part, label) in zip(both, PARTS.items(), strict=True):
            ours = [as_float(row[f"{part}_s"]) for row in rows]
            printed = [as_float(row[f"printed_{part}_s"]) for row in rows]
            axes.hlines(places, ours, printed, color=INK, linewidth=0.5, alpha=0.5)
            axes.scatter(ours, places, s=18, color=BLUE, zorder=3, label="ours")
            style = {"marker": "D", "s": 16, "facecolor": "white", "edgecolor": RED, "zorder": 3}
            axes.scatter(printed, places, **style, label="printed")
            logarithmic(axes, np.array([*ours, *printed])[np.isfinite([*ours, *printed])])
            axes.margins(x=0.16)
            axes.set_xlabel(label)
            for place, pair in enumerate(zip(ours, printed, strict=True)):
                _write(axes, place, pair, BLUE)
                _write(axes, place, pair[::-1], RED)
        both[0].set_yticks(places, [f"{row['name']} · {row['dim']}" for row in rows], color=INK)
        both[0].invert_yaxis()
        figure.legend(*both[0].get_legend_handles_labels(), loc="outside upper left", ncols=2)
        return mark(figure, warning)


def _write(axes: Axes, place: int, pair: tuple[float, float], colour: str) -> None:
    """Write the first value of a pair beside its dot, on the side away from the other value."""
    value, other = pair
    if np.isfinite(value):
        left = value <= other
        style = {"size": 6.5, "color": colour, "ha": "right" if left else "left", "va": "center"}
        axes.annotate(f"{value:.3g}" if value < 1000 else f"{value:.0f}", (value, place),
                      (-4 if left else 4, 0), textcoords="offset points", **style)  # fmt: skip
