"""Curves over time: training over the epochs, quality over a video."""

import re
from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from vqa.reports.style import BLUE, GREEN, INK, MUTED, RED, STYLE, canvas, thin

MANY_EPOCHS = 40


def learning_curves(histories: Mapping[str, pd.DataFrame]) -> dict[str, Figure]:
    """Plot each logged quantity in its own figure, with a line for each split and part.

    `train_loss` and `val_loss` are parts of one quantity, `loss`.

    Args:
        histories: By split a table with `epoch` and numeric columns, blank if not measured.

    Returns:
        A figure by quantity, in the order of the columns.
    """
    quantities: dict[str, list[str]] = {}
    for column in dict.fromkeys(name for table in histories.values() for name in table):
        measured = any(
            column in table
            and pd.api.types.is_numeric_dtype(table[column])
            and table[column].notna().any()
            for table in histories.values()
        )
        if column not in ("epoch", "step") and measured:
            quantities.setdefault(re.sub(r"^(train|val|test)_", "", column), []).append(column)
    return {name: _curve(name, columns, histories) for name, columns in quantities.items()}


def timeline(
    times_s: ArrayLike,
    frame_quality: ArrayLike,
    mos: float | None,
    score: float,
    mos_range: Sequence[float],
    marks: Sequence[int] = (),
) -> Figure:
    """Plot frame quality over time, with the MOS and the score of the video as lines.

    Args:
        times_s: Time of each frame (T,), in seconds.
        frame_quality: Quality of each frame (T,), on the MOS scale.
        mos: MOS of the video; None if it was not rated.
        score: Score of the video.
        mos_range: Lowest and highest MOS; the axis covers at least this range.
        marks: Positions in the timeline to number from 1.
    """
    quality = np.asarray(frame_quality, dtype=float)
    with mpl.rc_context(STYLE):
        figure, axes = canvas(5.6, 1.6)
        lines = [(mos, GREEN, "MOS")] if mos is not None else []
        for value, colour, name in (*lines, (score, RED, "score")):
            axes.axhline(value, color=colour, linewidth=1.4, linestyle=(0, (5, 3)), label=name)
        axes.plot(times_s, quality, color=BLUE, linewidth=1.6, label="frame quality")
        for number, place in enumerate(marks, start=1):
            dot = (np.asarray(times_s)[place], quality[place])
            axes.plot(*dot, "o", color=BLUE, markersize=5, clip_on=False)
            style = {"textcoords": "offset points", "ha": "center", "weight": "bold"}
            axes.annotate(str(number), dot, (0, 6), color=INK, **style)
        rated = [value for value, *_ in lines]
        shown = [*quality[np.isfinite(quality)], *rated, score, *mos_range]
        low, high = min(shown), max(shown)
        margin = 0.04 * (high - low or 1.0)
        axes.set(xlabel="time (s)", ylim=(low - margin, high + margin))
        figure.legend(loc="outside upper right", ncols=3)
    return figure


def _curve(quantity: str, columns: Sequence[str], tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Plot one quantity over the epochs; the legend names each column once."""
    with mpl.rc_context(STYLE):
        figure, axes = canvas(4.6, 3.0)
        for column, colour in zip(columns, (BLUE, RED, GREEN, MUTED), strict=False):
            for table in tables.values():
                if column not in table:
                    continue
                known = table.dropna(subset=column)
                dot = {"marker": "o", "markersize": 3} if len(known) < MANY_EPOCHS else {}
                style = dot | thin(len(tables))
                axes.plot(known["epoch"], known[column], color=colour, **style)
            axes.plot([], [], color=colour, label=column)
        axes.set_title(quantity)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if columns != [quantity]:
            axes.legend()
    return figure
