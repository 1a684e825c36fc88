"""Scores against opinions for print: a panel for each model, all on the same axes."""

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vqa.evaluation import metrics
from vqa.reports.figures.marking import mark
from vqa.reports.figures.printed import COLUMN, PAGE, PRINTED, blank
from vqa.reports.style import BLUE, INK, MUTED, RED

SIDE_IN = 1.5  # height of a panel with its title
ALONE_IN = 2.9  # height of a single panel
ROUND = (1, 2, 5, 10)  # numbers on the axes are multiples of these
MARGIN = 0.03  # share of the axes beyond the extreme videos


@dataclass(frozen=True, slots=True)
class Panel:
    """One model on one split.

    Attributes:
        title: Name of the model; may be empty.
        predictions: Columns `mos, score`, one row per test video.
        remark: Text in its lower right corner, such as the SROCC.
    """

    title: str
    predictions: pd.DataFrame
    remark: str = ""


def opinion_panels(
    panels: Sequence[Panel], *, columns: int = 4, legend: str = "", warning: str = ""
) -> Figure:
    """Plot MOS over score for each model, with the logistic curve of its split.

    A single panel is as wide as a column, several are as wide as the page.

    Args:
        panels: At least one.
        columns: Panels side by side.
        legend: What a dot is; written into the first free cell, or above the panels.
        warning: Text above the panels, in red.
    """
    alone = len(panels) == 1
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    size = (COLUMN, ALONE_IN) if alone else (PAGE, rows * SIDE_IN + 0.35)
    with mpl.rc_context(PRINTED):
        figure = blank(*size)
        grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        cells = grid.ravel()
        dot, line = None, None
        for axes, panel in zip(cells, panels, strict=False):
            dot, line = _draw(axes, panel, alone)
        _limit(cells[0], panels)
        for axes in cells[len(panels) :]:
            axes.set_axis_off()
        for column in range(columns):  # the lowest panel of each column carries its numbers
            lowest = cells[[n for n in range(column, len(panels), columns)][-1]]
            lowest.tick_params(labelbottom=True)
        handles, names = [dot, line], [legend or "a test video", "logistic curve"]
        if len(cells) > len(panels):
            cells[len(panels)].legend(handles, names, loc="center left", borderaxespad=0)
        else:
            figure.legend(handles, names, loc="outside upper left", ncols=2)
        if alone:
            cells[0].set(xlabel="score", ylabel="MOS")
        else:
            figure.supxlabel("score", size=7.5, color=MUTED)
            figure.supylabel("MOS", size=7.5, color=MUTED)
        return mark(figure, warning)


def _draw(axes: Axes, panel: Panel, alone: bool) -> tuple[object, object]:
    """Draw one panel; return its dots and the line of its curve."""
    score, mos = (panel.predictions[name].to_numpy(float) for name in ("score", "mos"))
    crowd = min(1.0, (60 / max(len(score), 1)) ** 0.5)
    dots = axes.scatter(
        score, mos, s=(10 if alone else 5) * (0.6 + crowd), color=BLUE, alpha=0.3 + 0.3 * crowd,
        edgecolors="none", clip_on=False,
    )  # fmt: skip
    (line,) = axes.plot([], [], color=RED, linewidth=1.2)
    if not metrics.undefined(mos, score):
        grid = np.linspace(score.min(), score.max(), 200)
        line.set_data(grid, metrics.fit_logistic(score, mos)(grid))
    axes.set_title(panel.title, color=INK)
    style = {"ha": "right", "va": "bottom", "size": 7, "color": INK, "transform": axes.transAxes}
    box = {"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 1}
    axes.text(0.99, 0.03, panel.remark, bbox=box, **style)
    return dots, line


def _limit(axes: Axes, panels: Sequence[Panel]) -> None:
    """Give all panels the same axes, a little beyond the extreme videos."""
    for name, limit in (("score", axes.set_xlim), ("mos", axes.set_ylim)):
        values = np.concatenate([panel.predictions[name].to_numpy(float) for panel in panels])
        low, high = values.min(), values.max()
        margin = MARGIN * (high - low or 1.0)
        limit(low - margin, high + margin)
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=ROUND))
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=ROUND))
