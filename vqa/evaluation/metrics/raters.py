"""Errors beyond the raters' own uncertainty: outlier ratio and epsilon-insensitive RMSE.

After ITU-T P.1401 (01/2020), clauses 7.4, 7.5.2 and 7.7. Both need the 95 % confidence half-width
of the MOS of each video; a prediction within that half-width is as good as the MOS itself.
"""

import logging
import math

import numpy as np
from numpy.typing import ArrayLike

from vqa.evaluation.metrics.checks import Array, checked_pair, checked_spread, undefined
from vqa.evaluation.metrics.curves import map_scores, parameters_of

log = logging.getLogger(__name__)


def mos_ci95(mos_std: ArrayLike, ratings: ArrayLike) -> Array:
    """Return the half-width of the 95 % confidence interval of each MOS, from Student's t.

    Args:
        mos_std: Standard deviation of the ratings of each video (n - 1 in the divisor), any shape.
        ratings: Number of ratings, one for all videos or one per video.

    Raises:
        ValueError: A video with fewer than two ratings, or a spread that is negative or not finite.
    """
    from scipy import stats

    mos_std, ratings = np.asarray(mos_std, dtype=np.float64), np.asarray(ratings, dtype=np.float64)
    if not (ratings >= 2).all():
        raise ValueError(
            f"{int((~(ratings >= 2)).sum())} of {ratings.size} videos have fewer than 2 ratings; "
            "expected at least 2 for an interval, remove these videos"
        )
    mos_std = checked_spread("mos_std", mos_std.ravel(), mos_std.size).reshape(mos_std.shape)
    return stats.t.ppf(0.975, ratings - 1) * mos_std / np.sqrt(ratings)


def outlier_ratio(
    mos: ArrayLike, score: ArrayLike, ci95: ArrayLike, *, curve: str = "logistic4"
) -> float:
    """Share of videos whose mapped score differs from the MOS by more than the half-width.

    Args:
        mos: Opinions (N,).
        score: Predictions (N,).
        ci95: Half-widths (N,) in MOS units, as from `mos_ci95`.
        curve: `logistic4`, `logistic5` or `none`.

    Returns:
        From 0 to 1; NaN, with a log line, if no curve can be fitted.

    Raises:
        ValueError: Bad input or unknown curve.
    """
    beyond = _beyond("outlier_ratio", mos, score, ci95, curve)
    return float(np.mean(beyond > 0)) if len(beyond) else math.nan


def rmse_star(
    mos: ArrayLike,
    score: ArrayLike,
    ci95: ArrayLike,
    *,
    curve: str = "logistic4",
    degrees: int | None = None,
) -> float:
    """Epsilon-insensitive RMSE: only the part of an error beyond the half-width counts.

    The sum of squares is divided by N - d as in P.1401, where d accounts for the fitted curve. With
    a `ci95` of zeros this is the plain rmse of the recommendation; our `rmse` divides by N.

    Args:
        mos: Opinions (N,).
        score: Predictions (N,).
        ci95: Half-widths (N,) in MOS units, as from `mos_ci95`.
        curve: `logistic4`, `logistic5` or `none`.
        degrees: d; None takes the number of parameters of the curve, or 1 without a curve.

    Returns:
        In MOS units; NaN, with a log line, if no curve can be fitted or N <= d.

    Raises:
        ValueError: Bad input, unknown curve, or negative `degrees`.
    """
    if degrees is None:
        degrees = max(1, parameters_of(curve))
    if degrees < 0:
        raise ValueError(f"degrees={degrees}: expected at least 0")
    beyond = _beyond("rmse_star", mos, score, ci95, curve)
    if len(beyond) <= degrees:
        log.warning("rmse_star is undefined: %d videos, %d degrees used", len(beyond), degrees)
        return math.nan
    return math.sqrt(float(beyond @ beyond) / (len(beyond) - degrees))


def _beyond(name: str, mos: ArrayLike, score: ArrayLike, ci95: ArrayLike, curve: str) -> Array:
    """Part of each error beyond its half-width (N,); empty if no curve can be fitted."""
    mos, score = checked_pair(mos, score)
    ci95 = checked_spread("ci95", ci95, len(mos))
    reason = undefined(mos, score) if parameters_of(curve) else None
    if reason:
        log.warning("%s is undefined: %s", name, reason)
        return np.empty(0)
    return np.maximum(np.abs(mos - map_scores(mos, score, curve)) - ci95, 0.0)
