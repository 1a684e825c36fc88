"""Style and sizes of figures that are printed: in a paper's column, or over its whole width."""

import matplotlib as mpl
from matplotlib.figure import Figure

from vqa.reports.style import STYLE

COLUMN_IN, PAGE_IN = 3.5, 7.2  # widths in inches
DOTS_PER_INCH = 220  # of pictures inside a figure
PRINT = STYLE | {
    "font.size": 7.5,
    "axes.titlesize": 7.5,
    "axes.titlepad": 4,
    "axes.labelsize": 7.5,
    "axes.labelpad": 2,
    "axes.linewidth": 0.6,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "xtick.major.size": 2,
    "xtick.major.width": 0.6,
    "xtick.major.pad": 2,
    "ytick.major.pad": 2,
    "legend.fontsize": 7,
    "legend.handlelength": 1.6,
    "legend.handletextpad": 0.5,
    "legend.columnspacing": 1.5,
    "grid.linewidth": 0.5,
}


def sheet(width: float, height: float, layout: str | None = "constrained") -> Figure:
    """Return an empty figure of this size in inches, in the style of print."""
    with mpl.rc_context(PRINT):
        return Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout=layout)
