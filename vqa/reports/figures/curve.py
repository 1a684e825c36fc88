"""Metrics over a quantity that a study varies, such as the frame rate."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from vqa.reports.figures.printed import COLUMN, colour, in_style, marker, sheet
from vqa.reports.style import INK, MUTED, as_float

DODGE = 0.012  # of the axis: printed values stand this far to the right of ours


def curve_over(
    rows: Sequence[Mapping[str, Any]], label: str, metric: str = "correlation"
) -> Figure:
    """Plot each metric over a quantity: ours as filled marks with intervals, printed ones hollow.

    Args:
        rows: `x`, `metric` (its title), `value`, `low` and `high` (ends of its interval) and
            `printed`; the last four may be None. If an x is no number, all are categories in the
            order in which they come.
        label: What x is, with its unit.
        metric: What the metrics are.
    """
    names = list(dict.fromkeys(row["metric"] for row in rows))
    places, ticks = _places([row["x"] for row in rows])
    span = max(places.values()) - min(places.values()) or 1.0
    with in_style():
        figure, ((axes,),) = sheet(COLUMN, 2.5)
        for index, name in enumerate(names):
            own = sorted((r for r in rows if r["metric"] == name), key=lambda r: places[r["x"]])
            x = np.array([places[row["x"]] for row in own])
            value, low, high, printed = (
                np.array([as_float(row.get(key)) for row in own])
                for key in ("value", "low", "high", "printed")
            )
            shade, shape = colour(index), marker(index)
            axes.vlines(x, low, high, color=shade, linewidth=1.0, alpha=0.5)
            known = np.isfinite(value)
            axes.plot(x[known], value[known], f"{shape}-", color=shade, markersize=4, label=name)
            known = np.isfinite(printed)
            axes.plot(
                x[known] + DODGE * span, printed[known], f"{shape}:", color=shade, markersize=4.5,
                markerfacecolor="white", markeredgewidth=0.9, linewidth=0.8,
            )  # fmt: skip
        axes.set_xticks(list(places.values()), ticks)
        axes.margins(x=0.06)
        axes.set_xlabel(label, color=INK)
        axes.set_ylabel(metric, color=INK)
        if any(np.isfinite(as_float(row.get("printed"))) for row in rows):
            axes.plot(
                [], [], "o:", color=MUTED, markersize=4.5, markerfacecolor="white", linewidth=0.8,
                label="printed",
            )  # fmt: skip
        figure.legend(loc="outside upper center", ncols=len(names) + 1)
    return figure


def _places(values: Sequence[Any]) -> tuple[dict[Any, float], list[str]]:
    """Return the place of each x, and the text of its tick."""
    distinct = list(dict.fromkeys(values))
    if all(isinstance(value, int | float) for value in distinct):
        return {value: float(value) for value in distinct}, [f"{value:g}" for value in distinct]
    return {value: float(i) for i, value in enumerate(distinct)}, [str(one) for one in distinct]
