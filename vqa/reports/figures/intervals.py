"""Values with their intervals, one row each: of the splits of a run, of the models compared."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
from matplotlib.figure import Figure

from vqa.reports.style import BLUE, RED, STYLE, as_float, canvas
from vqa.reports.words import metric_title, percent

Row = tuple[str, float | None, Sequence[float | None]]


def split_intervals(results: Mapping) -> Figure:
    """SROCC of every split with its interval, and the median as a line.

    Args:
        results: As from `vqa.evaluation.results.summarise`, read back from JSON or not.
    """
    splits = results["splits"]
    rows = [(name, part["srocc"], part["interval"]["srocc"]) for name, part in splits.items()]
    figure = _rows(
        rows, f"SROCC with {percent(results['bootstrap']['level'])} interval; line: median"
    )
    median = as_float(results["summary"]["median"]["srocc"])
    figure.axes[0].axvline(median, color=RED, linewidth=1.2)
    return figure


def ranking(summaries: Mapping[str, Mapping], metric: str, level: float) -> Figure:
    """Each model's median with its interval, in the order given, from the top.

    Args:
        summaries: Label -> `median` and `interval`, each by metric.
        metric: Which metric.
        level: Coverage of the intervals.
    """
    rows = [(label, s["median"][metric], s["interval"][metric]) for label, s in summaries.items()]
    return _rows(rows, f"{metric_title(metric)} with {percent(level)} interval")


def _rows(rows: Sequence[Row], label: str) -> Figure:
    """A dot with whiskers for each row."""
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
