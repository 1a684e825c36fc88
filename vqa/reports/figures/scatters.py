"""Agreement of scores and opinions: one dot per prediction."""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vqa.evaluation import metrics
from vqa.reports.style import BLUE, RED, STYLE, canvas, thin
from vqa.reports.svg import DOTS

MOST_DOTS = 3000
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
    predictions: pd.DataFrame,
    over: str = "mapped",
    width: float = 5.6,
    height: float = 4.55,
    most: int = MOST_DOTS,
) -> Figure:
    """Plot the error of each mapped score (above 0: overestimated), with a +-2 sd band.

    Args:
        predictions: Columns `split, video, mos, score`, and `mapped` if it is known.
        over: Horizontal axis: `mapped` score or `mos`.
        width: Width of the figure in inches.
        height: Height of the figure in inches.
        most: Largest number of dots.

    Raises:
        ValueError: Unknown `over`.
    """
    if over not in AXES:
        raise ValueError(f"over={over!r}: expected one of {', '.join(AXES)}")
    if "mapped" not in predictions:
        predictions = predictions.assign(mapped=mapped_scores(predictions))
    known = predictions.dropna(subset="mapped")
    error = known["mapped"] - known["mos"]
    band = 2 * error.std(ddof=0) if len(error) else 0.0
    with mpl.rc_context(STYLE):
        figure, axes = canvas(width, height)
        axes.axhspan(-band, band, color=BLUE, alpha=0.08, linewidth=0)
        axes.axhline(0, color=RED, linewidth=1.4)
        shown = thinned(known, most)
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
    """Return all rows or, of more than `most`, the extremes and an even sample: the same each time.

    Extremes are the lowest and the highest MOS, scores and, if there is a column `mapped`, errors:
    a hundredth of `most` at each end.
    """
    if len(predictions) <= most:
        return predictions
    measures = [predictions["mos"], predictions["score"]]
    if "mapped" in predictions:
        measures.append(predictions["mapped"] - predictions["mos"])
    chosen = np.zeros(len(predictions), dtype=bool)
    for measure in measures:
        order = np.argsort(measure.to_numpy(float), kind="stable")
        order = order[: measure.notna().sum()]  # the undefined ones are last
        chosen[order[: most // 100]] = True
        chosen[order[len(order) - most // 100 :]] = True
    others = np.flatnonzero(~chosen)
    even = np.linspace(0, len(others) - 1, most - int(chosen.sum())).astype(int)
    chosen[others[even]] = True
    return predictions[chosen]


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
