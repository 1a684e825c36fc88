"""A remark on a figure that it must not lose, wherever it is copied to."""

import matplotlib as mpl
from matplotlib.figure import Figure

from vqa.reports.style import RED, STYLE


def mark(figure: Figure, text: str) -> Figure:
    """Write a text, if there is one, in red above a figure; return the figure.

    It stands above the axes if there is one pair, and above all of them if there are several.
    """
    if text:
        with mpl.rc_context(STYLE):
            size = figure.axes[0].title.get_fontsize()
            if len(figure.axes) == 1:
                figure.axes[0].set_title(text, loc="right", color=RED, fontsize=size)
            else:
                figure.suptitle(text, x=0.995, ha="right", color=RED, fontsize=size)
    return figure
