"""How one number is spread over many items."""

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from vqa.reports.style import BLUE, MUTED, RED, STYLE, canvas


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
    """Bars of how many values lie where, and their median as a line.

    Args:
        values: (n,) at least one, finite.
        label: What the values are.
        item: What has one value, in the plural.
        caption: Above the picture; breaks lines where it does.
        warning: Above the caption, in red.
        width: Of the figure, inches.
        height: Of the figure, inches.

    Raises:
        ValueError: No value, or one that is not finite.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1 or not values.size or not np.isfinite(values).all():
        raise ValueError(f"expected at least one finite value of {label}, found {values.shape}")
    median = float(np.median(values))
    with mpl.rc_context(STYLE):
        figure, axes = canvas(width, height)
        axes.hist(values, bins=bins(values), color=BLUE, alpha=0.75, edgecolor="white")
        axes.axvline(median, color=RED, linewidth=1.6)
        axes.annotate(
            f"median {median:.3f}",
            (median, 1),
            (5, 4),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            color=RED,
            annotation_clip=False,
        )
        axes.set(xlabel=label, ylabel=item)
        axes.yaxis.get_major_locator().set_params(integer=True)
        axes.grid(visible=False, axis="x")
        if warning:
            figure.suptitle(warning, x=0.01, ha="left", color=RED, weight="bold", fontsize=10)
        if caption:
            axes.set_title(caption, color=MUTED, fontsize=9, pad=20)
    return figure


def bins(values: np.ndarray) -> np.ndarray:
    """Edges of equal bins, as many as the values bear (Freedman and Diaconis), 5 to 60."""
    edges = np.histogram_bin_edges(values, "fd")
    count = min(max(len(edges) - 1, 5), 60)
    return np.histogram_bin_edges(values, count)
