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
    """Write a text, if there is one, in red above a printed figure of many axes; return it."""
    if text:
        figure.suptitle(text, x=0.99, ha="right", color=RED, size=7.5, weight="bold")
    return figure
