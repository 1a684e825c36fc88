"""Hidden states of trained models: videos in a plane, and the learned distribution."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from vqa.reports.figures.printed import COLUMN, PAGE, closed, colour, in_style, marker, sheet
from vqa.reports.style import BLUE, INK, MUTED, RED

CROWD = 300  # from this many dots on, they get smaller


@dataclass(frozen=True, slots=True)
class Plane:
    """The videos of several databases in a plane, as one model sees them.

    Attributes:
        column: Title of the column that it belongs to, such as the training database.
        row: Title of its row.
        points: Place of each video (N, 2).
        databases: Title of the database of each video (N,).
        remark: Text below it.
    """

    column: str
    row: str
    points: np.ndarray
    databases: Sequence[str]
    remark: str


def planes(panels: Sequence[Plane], databases: Sequence[str]) -> Figure:
    """Draw videos as dots, a panel for each model, with a colour and a marker for each database.

    Args:
        panels: In any order; rows and columns come in the order in which they are first named.
        databases: Titles of all databases, in the order of their colours.
    """
    columns = list(dict.fromkeys(panel.column for panel in panels))
    rows = list(dict.fromkeys(panel.row for panel in panels))
    width = PAGE if len(columns) > 1 else COLUMN
    side = min((width - 0.25) / len(columns), 3.0)
    with in_style():
        figure, axes = sheet(width, (side + 0.2) * len(rows) + 0.35, len(rows), len(columns))
        for place in axes.flat:
            place.set_axis_off()
        for panel in panels:
            place = axes[rows.index(panel.row), columns.index(panel.column)]
            place.set_axis_on()
            closed(place)
            place.set_box_aspect(1)
            _dots(place, panel, databases)
            place.set_xlabel(panel.remark, color=INK)
        for place, title in zip(axes[0], columns, strict=True):
            place.set_title(title)
        for place, title in zip(axes[:, 0], rows, strict=True):
            place.set_ylabel(title, color=INK)
        handles = [
            Line2D(
                [], [], linestyle="", marker=marker(i), color=colour(i), markersize=4, label=name
            )
            for i, name in enumerate(databases)
        ]
        figure.legend(
            handles=handles,
            loc="outside lower center",
            ncols=len(databases) if len(columns) > 1 else 2,
        )
    return figure


def _dots(axes: Axes, panel: Plane, databases: Sequence[str]) -> None:
    """Draw large databases first, so that small ones are not hidden."""
    of_video = np.asarray(panel.databases)
    size = 9 * min(1.0, (CROWD / max(len(of_video), 1)) ** 0.5) + 1
    counts = {name: int((of_video == name).sum()) for name in databases}
    for name in sorted(databases, key=lambda name: -counts[name]):
        index = list(databases).index(name)
        axes.scatter(
            *panel.points[of_video == name].T, s=size, marker=marker(index), color=colour(index),
            linewidths=0, alpha=0.75,
        )  # fmt: skip


def gaussians(learned: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Figure:
    """Plot mean and deviation of each dimension of learned Gaussians, next to their start.

    A stem leads from the value at the start of training (0 and 1) to the learned one.

    Args:
        learned: Mean and standard deviation (D,) each, by the title of the model.
    """
    count = len(learned)
    width = PAGE if count > 1 else COLUMN
    with in_style():
        figure, axes = sheet(width, 2.9, 2, count, sharex="col", sharey="row")
        for column, (title, values) in zip(axes.T, learned.items(), strict=True):
            column[0].set_title(title)
            for place, value, start, style in zip(
                column, values, (0.0, 1.0), (("o", BLUE), ("s", RED)), strict=True
            ):
                _stems(place, value, start, *style)
            dimensions = len(values[0])
            column[1].set(xlabel="dimension", xlim=(0, dimensions + 1))
            column[1].set_xticks(sorted({1, dimensions, *range(8, dimensions + 1, 8)}))
        axes[0, 0].set_ylabel("learned mean μ", color=INK)
        axes[1, 0].set_ylabel("learned deviation σ", color=INK)
    return figure


def _stems(axes: Axes, values: np.ndarray, start: float, shape: str, shade: str) -> None:
    x = np.arange(1, len(values) + 1)
    axes.axhline(start, color=MUTED, linewidth=0.8)
    axes.vlines(x, start, values, color=shade, linewidth=0.9)
    axes.plot(x, values, shape, color=shade, markersize=2.2)
    axes.grid(visible=False, axis="x")
