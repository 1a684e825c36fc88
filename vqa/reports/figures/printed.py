"""The style of figures that are drawn at the size at which a paper prints them.

Widths are those of two-column papers. Letters have 7 to 8 points, and series differ in colour,
lightness and marker, so they can be told apart in grey.
"""

from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from vqa.reports.style import BLUE, INK, STYLE

COLUMN, PAGE = 3.5, 7.2  # inches: one column, and both
DPI = 300  # of pictures within a figure

PRINTED = STYLE | {
    "font.size": 7.5,
    "axes.titlesize": 8,
    "axes.titlepad": 4,
    "axes.labelsize": 7.5,
    "axes.labelpad": 2,
    "axes.linewidth": 0.6,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "xtick.major.width": 0.6,
    "xtick.major.size": 2,
    "xtick.major.pad": 2,
    "ytick.major.pad": 2,
    "legend.fontsize": 7.5,
    "legend.handletextpad": 0.4,
    "legend.columnspacing": 1.4,
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.2,
    "hatch.linewidth": 0.5,
}
# Okabe and Ito's hues, each of another lightness; neighbours are far apart.
COLOURS = (BLUE, "#e5a323", "#16324f", "#e8743b", "#8ecbbd", "#9b72b0")
MARKERS = ("o", "^", "s", "D", "v", "P")


def sheet(
    width: float, height: float, rows: int = 1, columns: int = 1, **options: Any
) -> tuple[Figure, np.ndarray]:
    """Return a figure of this size in inches and its axes (rows, columns); call it in `PRINTED`.

    Args:
        width: Width of the figure.
        height: Height of the figure.
        rows: Rows of axes.
        columns: Columns of axes.
        **options: As for `Figure.subplots`.
    """
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def blank(width: float, height: float, layout: str | None = "constrained") -> Figure:
    """Return an empty figure of this size in inches, in the style of print."""
    with mpl.rc_context(PRINTED):
        return Figure(figsize=(width, height), dpi=DPI, layout=layout)


def colour(index: int) -> str:
    """Return the colour of a series by its position."""
    return COLOURS[index % len(COLOURS)]


def marker(index: int) -> str:
    """Return the marker of a series by its position."""
    return MARKERS[index % len(MARKERS)]


def thumbnail(frame: np.ndarray, width: float, height: float = np.inf) -> np.ndarray:
    """Shrink a frame uint8 (H, W, 3) to the pixels that a size in inches needs, at most."""
    tall, wide = frame.shape[:2]
    scale = min(width * DPI / wide, height * DPI / tall)
    if scale >= 1:
        return frame
    size = (max(1, round(wide * scale)), max(1, round(tall * scale)))
    return np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.LANCZOS))


def show(axes: Axes, frame: np.ndarray) -> None:
    """Fill axes with a picture uint8 (H, W, 3) of which every pixel is kept."""
    axes.imshow(frame, interpolation="none")
    axes.grid(visible=False)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


def in_style(**more: Any) -> Any:
    """Return the context in which figures for print are drawn."""
    return mpl.rc_context(PRINTED | more)


def closed(axes: Axes) -> None:
    """Draw a thin frame around axes without ticks."""
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(visible=True, color=INK, linewidth=0.4)
