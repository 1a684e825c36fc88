"""Agreement of scores and opinions: one dot per prediction."""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vqa.evaluation import metrics
from vqa.reports.style import BLUE, RED, STYLE, canvas, thin
from vqa.reports.svg import DOTS

MOST_DOTS = 8000
AXES = {"mos": "MOS", "mapped": "score mapped to the MOS scale"}


def scatter(
    predictions: pd.DataFrame, width: float = 5.6, height: float = 4.55, most: int = MOST_DOTS
) -> Figure:
    """Plot MOS over score, one dot per prediction, with the logistic curve of each split.

    Args:
        predictions: Columns `split, video, mos, score`.
        width: Width of the figure in inches.
        height: Height of the figure in inches.
        most: Largest number of dots.
    """
    with mpl.rc_context(STYLE):
        figure, axes = canvas(width, height)
        shown = thinned(predictions, most)
        _dots(axes, shown["score"], shown["mos"])
        parts = _parts(predictions)
        for part in parts:
            if curve := _curve(part):
                grid = np.linspace(part["score"].min(), part["score"].max(), 200)
                axes.plot(grid, curve(grid), color=RED, **thin(len(parts)))
        axes.set(xlabel="score", ylabel="MOS")
    return figure


def residuals(
    predictions: pd.DataFrame, over: str = "mapped", width: float = 5.6, height: float = 4.55
) -> Figure:
    """Plot the error of each mapped score (above 0: overestimated), with a +-2 sd band.

    Args:
        predictions: Columns `split, video, mos, score`.
        over: Horizontal axis: `mapped` score or `mos`.
        width: Width of the figure in inches.
        height: Height of the figure in inches.

    Raises:
        ValueError: Unknown `over`.
    """
    if over not in AXES:
        raise ValueError(f"over={over!r}: expected one of {', '.join(AXES)}")
    known = predictions.assign(mapped=mapped_scores(predictions)).dropna(subset="mapped")
    error = known["mapped"] - known["mos"]
    band = 2 * error.std(ddof=0) if len(error) else 0.0
    with mpl.rc_context(STYLE):
        figure, axes = canvas(width, height)
        axes.axhspan(-band, band, color=BLUE, alpha=0.08, linewidth=0)
        axes.axhline(0, color=RED, linewidth=1.4)
        shown = thinned(known)
        _dots(axes, shown[over], error[shown.index])
        axes.set(xlabel=AXES[over], ylabel="error")
    return figure


def mapped_scores(predictions: pd.DataFrame) -> pd.Series:
    """Map each score by the curve of its split (N,); NaN if the split has no curve."""
    mapped = pd.Series(np.nan, index=predictions.index)
    for part in _parts(predictions):
        if curve := _curve(part):
            mapped.loc[part.index] = curve(part["score"])
    return mapped


def thinned(predictions: pd.DataFrame, most: int = MOST_DOTS) -> pd.DataFrame:
    """Return the rows that are drawn as dots: all, or `most` evenly spaced ones."""
    if len(predictions) <= most:
        return predictions
    return predictions.iloc[np.linspace(0, len(predictions) - 1, most).astype(int)]


def _dots(axes: Axes, x: pd.Series, y: pd.Series) -> None:
    """Draw one dot per row, fainter and smaller if there are many; `to_svg` finds them by name."""
    crowd = min(1.0, (60 / max(len(x), 1)) ** 0.5)
    width, _ = axes.figure.get_size_inches()
    axes.scatter(
        x,
        y,
        s=(14 + 30 * crowd) * min(1.0, width / 5.6),
        color=BLUE,
        alpha=0.3 + 0.45 * crowd,
        edgecolors="none",
        clip_on=False,
        gid=DOTS,
    )


def _parts(predictions: pd.DataFrame) -> list[pd.DataFrame]:
    return [part for _, part in predictions.groupby("split", sort=False)]


def _curve(part: pd.DataFrame) -> metrics.Curve | None:
    """Return the logistic curve of one split; None if none can be fitted."""
    mos, score = part["mos"].to_numpy(float), part["score"].to_numpy(float)
    return None if metrics.undefined(mos, score) else metrics.fit_logistic(score, mos)
