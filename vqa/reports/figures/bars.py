"""Metrics of several rows of a study as bars."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from vqa.reports.figures.printed import COLUMN, colour, in_style, sheet
from vqa.reports.style import INK, as_float

HATCHES = ("", "////", "....", "xxxx")
LETTERS_A_LINE = 22


def bars(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw a bar with its interval for each metric of each name; printed values are diamonds.

    Bars begin at 0, or go down from it, so their lengths can be compared.

    Args:
        rows: `name`, `metric` (its title), `value`, `low` and `high` (ends of its interval) and
            `printed`; the last four may be None.
    """
    names = list(dict.fromkeys(row["name"] for row in rows))
    metrics = list(dict.fromkeys(row["metric"] for row in rows))
    high = 0.8 / len(metrics)
    with in_style():
        figure, ((axes,),) = sheet(COLUMN, 0.75 + (0.14 * len(metrics) + 0.1) * len(names))
        for row in rows:
            index = metrics.index(row["metric"])
            place = names.index(row["name"]) + (index - (len(metrics) - 1) / 2) * high
            value, low, top, printed = (
                as_float(row.get(key)) for key in ("value", "low", "high", "printed")
            )
            if np.isfinite(value):
                axes.barh(place, value, 0.9 * high, **_fill(index))
            for shade, line in (("white", 2.2), (INK, 0.9)):  # seen on dark bars, too
                axes.plot([low, top], [place, place], color=shade, linewidth=line)
            axes.plot(
                [printed], [place], "D", color=INK, markerfacecolor="white", markersize=3.4,
                markeredgewidth=0.8, zorder=4,
            )  # fmt: skip
        labels = ["\n".join(textwrap.wrap(name, LETTERS_A_LINE)) for name in names]
        axes.set_yticks(range(len(names)), labels)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.tick_params(axis="y", labelcolor=INK)
        axes.grid(visible=False, axis="y")
        handles = [Patch(label=name, **_fill(i)) for i, name in enumerate(metrics)]
        if any(np.isfinite(as_float(row.get("printed"))) for row in rows):
            handles.append(
                Line2D([], [], linestyle="", marker="D", color=INK, markerfacecolor="white",
                       markersize=3.4, label="printed")
            )  # fmt: skip
        figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))
    return figure


def _fill(index: int) -> dict[str, Any]:
    hatch = HATCHES[index % len(HATCHES)]
    return {"facecolor": colour(index), "hatch": hatch, "edgecolor": "white", "linewidth": 0}
