"""The cost of accuracy: a dot for each run, its metric over the seconds that its features take."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from vqa.evaluation.metrics import cards
from vqa.reports.style import BLUE, MUTED, STYLE, as_float, canvas
from vqa.reports.svg import DOTS
from vqa.reports.words import percent

# The axis is logarithmic if the slowest run takes at least this many times as long as the fastest.
WIDE = 10
DOT_PT2 = 50
LETTERS_A_LINE = 24
# Possible places of a label: directions around its dot, and gaps between the two in points.
ANGLES = np.linspace(0, 2 * np.pi, 24, endpoint=False)
GAPS_PT = (8, 14, 22, 32, 45, 60, 80, 110, 150)
# From this gap on, a thin line connects the dot and its label.
LINE_PT = 22
ROUNDS = 8


def accuracy_over_seconds(
    rows: Sequence[Mapping[str, Any]],
    metric: str,
    level: float,
    *,
    width: float = 11,
    height: float = 5.6,
    style: Mapping[str, Any] = STYLE,
) -> Figure:
    """Plot the median of each run with its interval over the seconds per video of its features.

    The runs of `frontier` are full blue dots, the others and those on random weights are pale.

    Args:
        rows: Two or more runs with `label`, `value`, `interval` (two ends), `dimension` (or None)
            and `seconds_a_video`; value and seconds must be known. `untrained` is True for a run on
            random weights.
        metric: Name of the metric.
        level: Coverage of the intervals.
        width: Width of the figure in inches.
        height: Height of the figure in inches.
        style: Of the text; dots and labels follow its `font.size`.
    """
    seconds = np.array([row["seconds_a_video"] for row in rows], dtype=float)
    values = np.array([row["value"] for row in rows], dtype=float)
    ends = np.array([[as_float(end) for end in row["interval"]] for row in rows])
    front = np.array([not row.get("untrained") for row in rows])
    front[front] = frontier(values[front], seconds[front], metric)
    with mpl.rc_context(style):
        figure, axes = canvas(width, height, style)
        size = style["font.size"] / STYLE["font.size"]
        if seconds.min() > 0 and seconds.max() >= WIDE * seconds.min():
            logarithmic(axes, seconds)
        for colour, chosen in ((MUTED, ~front), (BLUE, front)):
            axes.vlines(seconds[chosen], *ends[chosen].T, color=colour, linewidth=1.6, alpha=0.4)
        edges = [BLUE if full else MUTED for full in front]
        fills = [to_rgba(BLUE if full else MUTED, 1.0 if full else 0.15) for full in front]
        look = {"s": DOT_PT2 * size**2, "linewidths": 1.4 * size, "clip_on": False, "zorder": 3}
        axes.scatter(seconds, values, facecolors=fills, edgecolors=edges, gid=DOTS, **look)
        axes.margins(x=0.09, y=0.08)
        if axes.get_xscale() == "linear":
            # Start at 0, so that small differences look small.
            axes.set_xlim(0, 1.3 * seconds.max() or 1.0)
        card = cards.METRICS[metric]
        side = "lower is better" if card.lower_is_better else "higher is better"
        ylabel = f"{card.title} with {percent(level)} interval ({side})"
        axes.set(xlabel="features, seconds per video (left is faster)", ylabel=ylabel)
        _label(
            axes, [_name(row) for row in rows], np.column_stack([seconds, values]), ends, 9.5 * size
        )
    return figure


def frontier(values: np.ndarray, seconds: np.ndarray, metric: str) -> np.ndarray:
    """Return the runs that no other surpasses by being as good and faster, or as fast and better.

    Args:
        values: Values of the metric (N,).
        seconds: Seconds per video of the features (N,).
        metric: Name of the metric.

    Returns:
        (N,) bool.
    """
    good = -values if cards.METRICS[metric].lower_is_better else values
    # surpassed[i, j]: run j is nowhere worse than run i, and somewhere better.
    nowhere_worse = (good >= good[:, None]) & (seconds <= seconds[:, None])
    somewhere_better = (good > good[:, None]) | (seconds < seconds[:, None])
    return ~(nowhere_worse & somewhere_better).any(axis=1)


def _name(row: Mapping[str, Any]) -> str:
    """Return the name of a run in short lines, with its dimension."""
    name = "\n".join(textwrap.wrap(row["label"], LETTERS_A_LINE))
    return name if row["dimension"] is None else f"{name} · {row['dimension']}"


def logarithmic(axes: Axes, seconds: np.ndarray) -> None:
    """Make the axis logarithmic with plain numbers; a short axis gets more of them."""
    axes.set_xscale("log")
    steps = (1, 2, 5) if seconds.max() < 1e3 * seconds.min() else (1,)
    axes.xaxis.set_major_locator(LogLocator(subs=steps))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(which="minor", length=0)


def _label(
    axes: Axes, names: Sequence[str], dots: np.ndarray, ends: np.ndarray, size: float
) -> None:
    """Write the name of each dot where it hides neither another name nor a dot.

    Args:
        axes: Axes with everything else drawn and both scales set.
        names: Names of the dots (N).
        dots: Positions of the dots (N, 2), in data units.
        ends: Ends of their intervals (N, 2), in data units, NaN if undefined.
        size: Of the letters, in points.
    """
    figure = axes.figure
    style = {"size": size, "ha": "center", "va": "center", "linespacing": 1.1}
    figure.draw_without_rendering()
    point = figure.dpi / 72
    texts = [axes.text(*dot, name, **style) for name, dot in zip(names, dots, strict=True)]
    boxes = [text.get_window_extent() for text in texts]
    sizes = np.array([(box.width, box.height) for box in boxes]) / point
    for text in texts:
        text.remove()
    places = axes.transData.transform(dots) / point
    x = places[:, 0]
    low, high = (
        axes.transData.transform(np.column_stack([dots[:, 0], end]))[:, 1] / point for end in ends.T
    )
    whiskers = np.column_stack([x - 1, low, x + 1, high])[np.isfinite(low + high)]
    frame = np.array(axes.get_window_extent().extents) / point
    offsets, gaps = places_of_labels(sizes, places, whiskers, frame)
    for name, dot, offset, gap in zip(names, dots, offsets, gaps, strict=True):
        line = {"arrowstyle": "-", "color": MUTED, "linewidth": 0.7, "shrinkA": 1, "shrinkB": 5}
        axes.annotate(
            name, dot, offset, textcoords="offset points", **style,
            arrowprops=line if gap >= LINE_PT else None,
        ).set_in_layout(False)  # fmt: skip


def places_of_labels(
    sizes: np.ndarray, dots: np.ndarray, whiskers: np.ndarray, frame: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Place labels near their dots so that they hide as little as possible.

    Each label in turn moves to its cheapest place while the others stay, in several rounds.

    Args:
        sizes: Width and height of each label (N, 2), in points.
        dots: Positions of the dots (N, 2), in points.
        whiskers: Boxes `left, bottom, right, top` (M, 4) to avoid if that is cheap.
        frame: Box (4,) that must hold all labels.

    Returns:
        Offset from each dot to the middle of its label (N, 2), and the gap between them (N,), in
        points.
    """
    around = np.column_stack([np.cos(ANGLES), np.sin(ANGLES)])
    gaps = np.repeat(GAPS_PT, len(ANGLES)).astype(float)
    radius = np.sqrt(DOT_PT2) / 2 + 2
    dot_boxes = np.hstack([dots - radius, dots + radius])
    offsets = np.zeros_like(dots)
    chosen_gaps = np.zeros(len(dots))
    labels = np.full((len(dots), 4), np.nan)
    for _ in range(ROUNDS):
        for index, (size, dot) in enumerate(zip(sizes, dots, strict=True)):
            steps = np.tile(around, (len(GAPS_PT), 1)) * (size / 2 + gaps[:, None])
            middle = dot + steps
            boxes = np.hstack([middle - size / 2 - 1.5, middle + size / 2 + 1.5])
            others = np.delete(labels, index, axis=0)
            outside = np.maximum(frame[:2] - boxes[:, :2], boxes[:, 2:] - frame[2:]).max(axis=1)
            cost = (
                gaps
                + 50 * _shared(boxes, others)
                + 50 * _shared(boxes, dot_boxes)
                + 0.5 * _shared(boxes, whiskers)
                + 1000 * np.maximum(outside, 0)
            )
            best = int(cost.argmin())
            offsets[index], chosen_gaps[index], labels[index] = steps[best], gaps[best], boxes[best]
    return offsets, chosen_gaps


def _shared(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the area (N,) that each box (N, 4) shares with others (M, 4); NaN: not placed yet."""
    upper = np.minimum(boxes[:, None, 2:], others[:, 2:])
    lower = np.maximum(boxes[:, None, :2], others[:, :2])
    return np.nansum(np.prod(np.clip(upper - lower, 0, None), axis=-1), axis=1)
