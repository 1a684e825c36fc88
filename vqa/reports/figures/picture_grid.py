"""Pictures and maps in rows for print, each with a title above it."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from vqa.reports.figures.overlay import COLOURS, dimmed, painted
from vqa.reports.figures.printed import PAGE, PRINTED, blank
from vqa.reports.style import INK, MUTED, RED

# Lengths in inches.
MARGIN, GAP, LINE = 0.04, 0.06, 0.125
NAME = 0.15  # one line of a row's name, written upwards on its left
LETTERS = 16  # in a line of a row's name
FOOT = 0.22  # the bar of the colours
BAR_IN = (1.1, 0.07)


@dataclass(frozen=True, slots=True)
class Tile:
    """One picture of the grid.

    Attributes:
        title: Text above it; may have several lines.
        values: uint8 or 0 to 1 (H, W, 3) for a picture; (h, w) for a map, which is drawn in colour
            from its lowest to its highest value.
        shape: Height by width, at which it is shown; None takes that of the values.
    """

    title: str
    values: np.ndarray
    shape: float | None = None

    @property
    def height(self) -> float:
        """Height by width."""
        return self.shape or self.values.shape[0] / self.values.shape[1]


def overlay(title: str, frame: np.ndarray, values: np.ndarray) -> Tile:
    """Return a map (H, W) in colour over a dimmed copy of its frame uint8 (H, W, 3)."""
    return Tile(title, painted(dimmed(frame), values))


def reduced(frame: np.ndarray, lines: int) -> np.ndarray:
    """Return a frame uint8 (H, W, 3) of at most this many lines, in its own proportions."""
    height, width = frame.shape[:2]
    if height <= lines:
        return frame
    size = (round(width * lines / height), lines)
    return np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.LANCZOS))


def picture_grid(
    rows: Sequence[Sequence[Tile]],
    *,
    names: Sequence[str] = (),
    columns: int = 1,
    ends: tuple[str, str] = ("lowest", "highest"),
    warning: str = "",
) -> Figure:
    """Draw rows of tiles over the width of the page.

    Args:
        rows: At least one row of at least one tile; shorter rows leave cells free.
        names: Name of each row, on its left; empty for none.
        columns: Cells in a row, at least; the longest row may have more.
        ends: What the two ends of the colours mean.
        warning: Text above the tiles, in red.
    """
    names = [textwrap.fill(name, LETTERS) for name in names]
    left = MARGIN + NAME * max((name.count("\n") + 1 for name in names if name), default=0)
    columns = max(columns, *map(len, rows))
    width = (PAGE - left - MARGIN - GAP * (columns - 1)) / columns
    heads = [LINE * max(tile.title.count("\n") + bool(tile.title) for tile in row) for row in rows]
    heights = [width * max(tile.height for tile in row) for row in rows]
    head = LINE + MARGIN if warning else 0
    whole = head + sum(heads) + sum(heights) + GAP * len(rows) + FOOT + MARGIN
    with mpl.rc_context(PRINTED):
        figure = blank(PAGE, whole, layout=None)
        if warning:
            red = {"color": RED, "weight": "bold", "ha": "right", "va": "top"}
            figure.text(1 - MARGIN / PAGE, 1 - MARGIN / whole, warning, **red)
        top = head
        for index, row in enumerate(rows):
            top += heads[index]
            for column, tile in enumerate(row):
                x = left + column * (width + GAP)
                axes = _axes(figure, x, top, width, width * tile.height)
                axes.imshow(tile.values, cmap=COLOURS, aspect="auto", interpolation="nearest")
                axes.set_title(tile.title, pad=2, size=6.5, linespacing=1.1, color=INK)
            if any(names):
                place = (MARGIN / PAGE, 1 - (top + heights[index] / 2) / whole)
                style: dict[str, Any] = {"rotation": 90, "va": "center", "weight": "bold"}
                figure.text(*place, names[index], linespacing=1.1, **style)
            top += heights[index] + GAP
        _bar(figure, top, ends)
    return figure


def _bar(figure: Figure, top: float, ends: tuple[str, str]) -> None:
    """Draw the colours from one end to the other, at the lower right."""
    width, height = BAR_IN
    x = PAGE - MARGIN - 0.75 - width
    axes = _axes(figure, x, top + 0.06, width, height)
    axes.imshow(np.linspace(0, 1, 256)[None], cmap=COLOURS, aspect="auto")
    style = {"transform": axes.transAxes, "va": "center", "color": MUTED, "size": 7}
    axes.text(-0.04, 0.5, ends[0], ha="right", **style)
    axes.text(1.04, 0.5, ends[1], ha="left", **style)


def _axes(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Add axes without a frame, at a place in inches from the upper left corner."""
    wide, tall = figure.get_size_inches()
    axes = figure.add_axes((left / wide, 1 - (top + height) / tall, width / wide, height / tall))
    axes.set_axis_off()
    return axes
