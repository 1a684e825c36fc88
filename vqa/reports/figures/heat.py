"""Heat map of the matrix of databases that models were trained and tested on."""

import textwrap
from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from vqa.evaluation.metrics import cards
from vqa.reports.style import GRID, INK, MUTED, STYLE, as_float, canvas
from vqa.reports.words import known, shown, span
from vqa.runs.used_features import MARK

# Light to dark, safe for colour-blind readers and in grey; the ends leave contrast for the text.
COLOURS = mpl.colormaps["Blues"]
LIGHTEST, DARKEST = 0.06, 0.94
GAP = 0.02


def heat_map(matrix: Mapping[str, Any], metric: str) -> Figure:
    """Draw one metric of every cell: a row per training database, a column per test database.

    Dark is good. Correlations are coloured on 0 to 1, so maps can be compared; errors between the
    worst and the best value of the map.

    Args:
        matrix: Content of `matrix.json`: `train` and `test` (names), `cells` (each with `train,
            test, kind, n`, `metrics` and `interval` by metric, and `untrained`, the features that
            come from random weights).
        metric: Name of the metric.
    """
    train, test = matrix["train"], matrix["test"]
    cells = {(cell["train"], cell["test"]): cell for cell in matrix["cells"]}
    values = [as_float(cell["metrics"].get(metric)) for cell in cells.values()]
    with mpl.rc_context(STYLE):
        figure, axes = canvas(2.1 + 1.5 * len(test), 1.2 + 0.95 * len(train))
        for row, trained in enumerate(train):
            for column, tested in enumerate(test):
                _cell(axes, column, row, cells.get((trained, tested)), metric, values)
        axes.set_xticks(np.arange(len(test)) + 0.5, _names(test))
        axes.set_yticks(np.arange(len(train)) + 0.5, _names(train))
        axes.tick_params(length=0, labelcolor=INK)
        axes.xaxis.tick_top()
        axes.xaxis.set_label_position("top")
        axes.set(xlim=(0, len(test)), ylim=(len(train), 0), xlabel="tested on", ylabel="trained on")
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
    return figure


def share(value: float, values: list[float], metric: str) -> float:
    """Return how good a value is on a map, from 0 (light) to 1 (dark).

    Args:
        value: A finite value.
        values: All values of the map, NaN if undefined.
        metric: Name of the metric.
    """
    card = cards.METRICS[metric]
    low, high = card.colour_range or (np.nanmin(values), np.nanmax(values))
    position = 0.5 if low == high else float(np.clip((value - low) / (high - low), 0, 1))
    return 1 - position if card.lower_is_better else position


def readable_on(colour: str) -> str:
    """Return black or white, whichever contrasts more with a colour (WCAG 2 luminance)."""
    channels = np.array(mpl.colors.to_rgb(colour))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    luminance = float(linear @ (0.2126, 0.7152, 0.0722))
    return "#ffffff" if 1.05 / (luminance + 0.05) > (luminance + 0.05) / 0.05 else "#000000"


def _cell(
    axes: Axes,
    column: int,
    row: int,
    cell: Mapping[str, Any] | None,
    metric: str,
    values: list[float],
) -> None:
    """Draw one field of the map: colour, value, interval and number of videos."""
    value = None if cell is None else cell["metrics"].get(metric)
    box = {"xy": (column + GAP, row + GAP), "width": 1 - 2 * GAP, "height": 1 - 2 * GAP}
    middle = column + 0.5
    if cell is None or not known(value):
        axes.add_patch(Rectangle(**box, facecolor="none", edgecolor=GRID, linestyle="--"))
        missing = "not computed" if cell is None else "undefined"
        axes.text(middle, row + 0.5, missing, color=MUTED, size=8, ha="center", va="center")
        return
    depth = LIGHTEST + (DARKEST - LIGHTEST) * share(float(value), values, metric)
    colour = to_hex(COLOURS(depth))
    text = {"color": readable_on(colour), "ha": "center", "va": "center"}
    axes.add_patch(Rectangle(**box, facecolor=colour, edgecolor="none"))
    if cell["kind"] == "protocol":
        inner = 4 * GAP
        corner, size = (column + inner, row + inner), 1 - 2 * inner
        axes.add_patch(
            Rectangle(corner, size, size, facecolor="none", edgecolor=text["color"], linewidth=1)
        )
    axes.text(middle, row + 0.32, shown(value, 3), size=13, weight="bold", **text)
    axes.text(middle, row + 0.55, span(cell["interval"].get(metric)), size=7, **text)
    own = ", by protocol" if cell["kind"] == "protocol" else ""
    axes.text(middle, row + 0.75, f"n {cell['n']}{own}", size=7, **text)
    if cell.get("untrained"):
        axes.text(middle, row + 0.86, MARK, size=7, weight="bold", **text)


def _names(names: list[str]) -> list[str]:
    """Break names into short lines."""
    return ["\n".join(textwrap.wrap(name, 16)) for name in names]
