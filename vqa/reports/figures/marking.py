"""A remark on a figure that it must not lose, wherever it is copied to."""

import matplotlib as mpl
from matplotlib.figure import Figure

from vqa.reports.style import RED, STYLE


def mark(figure: Figure, text: str) -> Figure:
    """Write a text, if there is one, in red above the axes of a figure; return the figure."""
    if text:
        with mpl.rc_context(STYLE):
            for axes in figure.axes:
                axes.set_title(text, loc="right", color=RED)
    return figure


def mark_once(figure: Figure, text: str) -> Figure:
    """Write a text, if there is one, in red above a printed figure of any axes; return it."""
    style = {"color": RED, "size": 7.5, "weight": "bold"}
    if text and len(figure.axes) == 1:
        figure.axes[0].set_title(text, loc="right", **style)
    elif text:
        figure.suptitle(text, x=0.99, ha="right", **style)
    return figure
