"""Figures of a report, as matplotlib figures without pyplot; `vqa.reports.svg` makes them text."""

import re
from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from vqa import metrics
from vqa.reports.svg import BLUE, DOTS, GREEN, MUTED, RED, STYLE

MANY_EPOCHS = 40
MOST_DOTS = 8000


def scatter(predictions: pd.DataFrame) -> Figure:
    """MOS over score, one dot a prediction, with the logistic mapping of each split.

    Args:
        predictions: Columns `split, video, mos, score`.
    """
    with mpl.rc_context(STYLE):
        figure, axes = _figure(6.4, 5.2)
        shown = thinned(predictions)
        _dots(axes, shown["score"], shown["mos"])
        parts = _parts(predictions)
        for part in parts:
            if curve := _mapping(part):
                grid = np.linspace(part["score"].min(), part["score"].max(), 200)
                axes.plot(grid, curve(grid), color=RED, **_thin(len(parts)))
        axes.set(xlabel="score", ylabel="MOS")
    return figure


def residuals(predictions: pd.DataFrame) -> Figure:
    """What is left of the MOS after the mapping, over the mapped score, with a +-2 sd band.

    Args:
        predictions: Columns `split, video, mos, score`.
    """
    known = predictions.assign(mapped=mapped_scores(predictions)).dropna(subset="mapped")
    left = known["mos"] - known["mapped"]
    band = 2 * left.std(ddof=0) if len(left) else 0.0
    with mpl.rc_context(STYLE):
        figure, axes = _figure(6.4, 5.2)
        axes.axhspan(-band, band, color=BLUE, alpha=0.08, linewidth=0)
        axes.axhline(0, color=RED, linewidth=1.4)
        shown = thinned(known)
        _dots(axes, shown["mapped"], shown["mos"] - shown["mapped"])
        axes.set(xlabel="score mapped to the MOS scale", ylabel="MOS minus mapped score")
    return figure


def mapped_scores(predictions: pd.DataFrame) -> pd.Series:
    """Each score after its own split's mapping, (N,), nan where a split has none."""
    mapped = pd.Series(np.nan, index=predictions.index)
    for part in _parts(predictions):
        if mapping := _mapping(part):
            mapped.loc[part.index] = mapping(part["score"])
    return mapped


def thinned(predictions: pd.DataFrame) -> pd.DataFrame:
    """The rows that are drawn as dots: all, or evenly spaced ones of more than `MOST_DOTS`."""
    if len(predictions) <= MOST_DOTS:
        return predictions
    return predictions.iloc[np.linspace(0, len(predictions) - 1, MOST_DOTS).astype(int)]


def learning_curves(histories: Mapping[str, pd.DataFrame]) -> dict[str, Figure]:
    """One figure for each quantity that was logged, a line for each split and part.

    `train_loss` and `val_loss` are the parts of one quantity, `loss`.

    Args:
        histories: Per split a table with `epoch` and numeric columns, blank where not measured.

    Returns:
        Quantity -> figure, in the order of the columns.
    """
    quantities: dict[str, list[str]] = {}
    for column in dict.fromkeys(name for table in histories.values() for name in table):
        measured = any(
            column in table
            and pd.api.types.is_numeric_dtype(table[column])
            and table[column].notna().any()
            for table in histories.values()
        )
        if column not in ("epoch", "step") and measured:
            quantities.setdefault(re.sub(r"^(train|val|test)_", "", column), []).append(column)
    return {name: _curve(name, columns, histories) for name, columns in quantities.items()}


def split_intervals(results: Mapping) -> Figure:
    """SROCC of every split with its interval, and the median as a line.

    Args:
        results: As from `vqa.results.summarise`, read back from JSON or not.
    """
    splits = results["splits"]
    with mpl.rc_context(STYLE):
        figure, axes = _figure(13, 0.9 + 0.3 * len(splits))
        for row, part in enumerate(splits.values()):
            value = _float(part["srocc"])
            low, high = (_float(end) for end in part["interval"]["srocc"])
            axes.plot([low, high], [row, row], color=BLUE, linewidth=2, solid_capstyle="round")
            axes.plot([value], [row], "o", color=BLUE, markersize=6)
        axes.axvline(_float(results["summary"]["median"]["srocc"]), color=RED, linewidth=1.2)
        axes.set_yticks(range(len(splits)), list(splits))
        percent = f"{100 * results['bootstrap']['level']:g} %"
        axes.set(
            xlabel=f"SROCC with {percent} interval; line: median", ylim=(len(splits) - 0.5, -0.5)
        )
        axes.grid(visible=False, axis="y")
    return figure


def timeline(
    times_s: ArrayLike,
    frame_quality: ArrayLike,
    mos: float,
    score: float,
    mos_range: Sequence[float],
) -> Figure:
    """Frame quality over time, with the video's MOS and score as lines.

    Args:
        times_s: Time of each frame (T,), seconds.
        frame_quality: Its quality (T,), on the MOS scale.
        mos: The video's MOS.
        score: The video's score.
        mos_range: Lowest and highest MOS; the axis is at least this wide.
    """
    quality = np.asarray(frame_quality, dtype=float)
    with mpl.rc_context(STYLE):
        figure, axes = _figure(6.4, 1.7)
        for value, colour, name in ((mos, GREEN, "MOS"), (score, RED, "score")):
            axes.axhline(value, color=colour, linewidth=1.4, linestyle=(0, (5, 3)), label=name)
        axes.plot(times_s, quality, color=BLUE, linewidth=1.6, label="frame quality")
        shown = [*quality[np.isfinite(quality)], mos, score, *mos_range]
        low, high = min(shown), max(shown)
        margin = 0.04 * (high - low or 1.0)
        axes.set(xlabel="time (s)", ylim=(low - margin, high + margin))
        figure.legend(loc="outside upper right", ncols=3)
    return figure


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure of this size in inches with one pair of axes."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def _dots(axes: Axes, x: pd.Series, y: pd.Series) -> None:
    """One dot a video, fainter and smaller where there are many; `to_svg` finds them by name."""
    crowd = min(1.0, (60 / max(len(x), 1)) ** 0.5)
    axes.scatter(
        x,
        y,
        s=14 + 30 * crowd,
        color=BLUE,
        alpha=0.3 + 0.45 * crowd,
        edgecolors="none",
        clip_on=False,
        gid=DOTS,
    )


def _thin(count: int) -> dict[str, float]:
    """Line style for one of `count` lines that say the same."""
    return {"linewidth": 2.0, "alpha": 1.0} if count == 1 else {"linewidth": 1.3, "alpha": 0.6}


def _parts(predictions: pd.DataFrame) -> list[pd.DataFrame]:
    return [part for _, part in predictions.groupby("split", sort=False)]


def _mapping(part: pd.DataFrame) -> metrics.Mapping | None:
    """The logistic mapping of one split, None where there is none."""
    mos, score = part["mos"].to_numpy(float), part["score"].to_numpy(float)
    return None if metrics.undefined(mos, score) else metrics.fit_logistic(score, mos)


def _curve(quantity: str, columns: Sequence[str], tables: Mapping[str, pd.DataFrame]) -> Figure:
    """One quantity over the epochs; the legend names each column once."""
    with mpl.rc_context(STYLE):
        figure, axes = _figure(4.6, 3.0)
        for column, colour in zip(columns, (BLUE, RED, GREEN, MUTED), strict=False):
            for table in tables.values():
                if column not in table:
                    continue
                known = table.dropna(subset=column)
                dot = {"marker": "o", "markersize": 3} if len(known) < MANY_EPOCHS else {}
                style = dot | _thin(len(tables))
                axes.plot(known["epoch"], known[column], color=colour, **style)
            axes.plot([], [], color=colour, label=column)
        axes.set_title(quantity)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if columns != [quantity]:
            axes.legend()
    return figure


def _float(value: float | None) -> float:
    """A number from results, of which JSON makes None where it is nan."""
    return np.nan if value is None else float(value)
