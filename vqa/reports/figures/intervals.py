"""Values with their intervals, one row each: splits of a run, or compared models."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
from matplotlib.figure import Figure

from vqa.evaluation.metrics import cards
from vqa.evaluation.results import Results
from vqa.reports.style import BLUE, RED, STYLE, as_float, canvas
from vqa.reports.words import percent

Row = tuple[str, float | None, Sequence[float | None]]


def split_intervals(results: Results) -> Figure:
    """Plot the SROCC of every split with its interval, and the median as a line."""
    rows = [
        (name, part.value("srocc"), part.interval("srocc")) for name, part in results.splits.items()
    ]
    level = percent(results.bootstrap.level)
    figure = _rows(rows, f"SROCC with {level} interval; line: median")
    figure.axes[0].axvline(results.summary.value("srocc"), color=RED, linewidth=1.2)
    return figure


def ranking(summaries: Mapping[str, Mapping], metric: str, level: float) -> Figure:
    """Plot the median of each model with its interval, from the top in the given order.

    Args:
        summaries: By label `median` and `interval`, each by metric.
        metric: Name of the metric.
        level: Coverage of the intervals.
    """
    rows = [(label, s["median"][metric], s["interval"][metric]) for label, s in summaries.items()]
    return _rows(rows, f"{cards.title_of(metric)} with {percent(level)} interval")


def _rows(rows: Sequence[Row], label: str) -> Figure:
    """Draw a dot with whiskers for each row."""
    with mpl.rc_context(STYLE):
        figure, axes = canvas(11, 0.9 + 0.3 * len(rows))
        for row, (_, value, interval) in enumerate(rows):
            low, high = map(as_float, interval)
            axes.plot([low, high], [row, row], color=BLUE, linewidth=2, solid_capstyle="round")
            axes.plot([as_float(value)], [row], "o", color=BLUE, markersize=6)
        axes.set_yticks(range(len(rows)), [name for name, *_ in rows])
        axes.set(xlabel=label, ylim=(len(rows) - 0.5, -0.5))
        axes.grid(visible=False, axis="y")
    return figure
