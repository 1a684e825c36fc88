"""Distribution of one number over many items."""

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vqa.reports.style import BLUE, MUTED, RED, STYLE, canvas

CAPTION, LINE = 21, 13  # points above the axes, and between lines


def histogram(
    values: np.ndarray,
    label: str,
    *,
    item: str = "frames",
    caption: str = "",
    warning: str = "",
    width: float = 6.4,
    height: float = 3.9,
) -> Figure:
    """Draw a histogram of values, with their median as a line.

    Args:
        values: Values (n,), at least one, all finite.
        label: Name of the quantity.
        item: Name of the items that have one value each, in the plural.
        caption: Text above the picture; line breaks are kept.
        warning: Text above the caption, in red.
        width: Width of the figure in inches.
        height: Height of the figure in inches.

    Raises:
        ValueError: No value, or one that is not finite.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1 or not values.size or not np.isfinite(values).all():
        raise ValueError(f"expected at least one finite value of {label}, found {values.shape}")
    median = float(np.median(values))
    with mpl.rc_context(STYLE):
        figure, axes = canvas(width, height)
        axes.hist(values, bins=bins(values), color=BLUE, edgecolor="white")
        axes.axvline(median, color=RED, linewidth=1.6)
        _above(axes, f"median {median:.3f}", (median, 4), color=RED)
        _above(axes, caption, (0, CAPTION), "axes fraction", color=MUTED, fontsize=9)
        lines = caption.count("\n") + 1 if caption else 0
        below = CAPTION + LINE * lines
        _above(axes, warning, (0, below), "axes fraction", color=RED, weight="bold")
        axes.set(xlabel=label, ylabel=item)
        axes.yaxis.get_major_locator().set_params(integer=True)
        axes.grid(visible=False, axis="x")
    return figure


def _above(
    axes: Axes, text: str, place: tuple[float, float], x: str = "data", **style: object
) -> None:
    """Write text above the axes, at x and a number of points above their upper edge."""
    axes.annotate(
        text,
        (place[0], 1),
        (0 if x != "data" else 5, place[1]),
        xycoords=(x, "axes fraction"),
        textcoords="offset points",
        annotation_clip=False,
        **style,
    )


def bins(values: np.ndarray) -> np.ndarray:
    """Return the edges of equal bins by the rule of Freedman and Diaconis, 5 to 60 of them."""
    lower, upper = np.quantile(values, (0.25, 0.75))
    width = 2 * (upper - lower) / len(values) ** (1 / 3)
    count = np.ptp(values) / width if width > 0 else 0
    return np.histogram_bin_edges(values, int(np.clip(np.ceil(count), 5, 60)))
