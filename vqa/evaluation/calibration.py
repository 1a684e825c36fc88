"""Calibration: increasing curves from a model's scores to the MOS scale.

A model's raw scores may have another level, or leave the scale where it extrapolates. An increasing
curve fitted to rated videos brings them to the scale without changing their order.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from vqa.evaluation.metrics.checks import Array
from vqa.evaluation.metrics.curves import Curve, fit_logistic

log = logging.getLogger(__name__)

LARGEST_SAMPLE = 2000
STEEPEST = 0.1  # least width of the curve in deviations of the scores
BEND = 0.02  # softness of the ends of a scale, as a share of its length


@dataclass(frozen=True, slots=True)
class ScaleCurve:
    """An increasing curve into the open interval of a rating scale.

    A value of the inner curve stays as it is inside the scale and bends before its ends: with u the
    value, l and h the ends and k = 0.02 (h - l), the result is
    `l + k softplus((u - l) / k) - k softplus((u - h) / k)`, which differs from u by less than 1 %
    of the scale beyond 4 % from its ends. A sigmoid whose ends lie on the scale stays as it is.

    Attributes:
        curve: From raw scores to the scale, increasing.
        low: Lowest value of the scale.
        high: Highest value of the scale.
    """

    curve: Curve
    low: float
    high: float

    def __call__(self, score: ArrayLike) -> Array:
        """Map raw scores of any shape."""
        value, width = self.curve(score), BEND * (self.high - self.low)
        if self.curve.kind == "logistic4" and all(
            self.low <= end <= self.high for end in self.curve.parameters[:2]
        ):
            return np.clip(value, self.low, self.high)
        above, below = (value - self.low) / width, (self.high - value) / width
        # The same number, from the nearer end: there is no cancellation far outside.
        from_low = self.low + width * (np.logaddexp(0, above) - np.logaddexp(0, -below))
        from_high = self.high - width * (np.logaddexp(0, below) - np.logaddexp(0, -above))
        return np.clip(np.where(above < below, from_low, from_high), self.low, self.high)


def fit_scale(
    score: Sequence[float], mos: Sequence[float], mos_range: tuple[float, float]
) -> ScaleCurve:
    """Fit a curve from raw scores to a rating scale; arguments as `fit_calibration`."""
    return ScaleCurve(fit_calibration(score, mos), *mos_range)


def calibration_sample(count: int, seed: int) -> np.ndarray:
    """Choose the training videos to calibrate on; returns their indices (n,), ascending.

    All videos are taken up to 2000, otherwise 2000 at random: four parameters need no more, and
    scoring 28,000 videos with four clips each would cost as much as four epochs.
    """
    if count <= LARGEST_SAMPLE:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, LARGEST_SAMPLE, replace=False))


def fit_calibration(score: Sequence[float], mos: Sequence[float]) -> Curve:
    """Fit an increasing curve from scores to MOS.

    The scores only get the mean and deviation of the labels (a straight line) if the best curve
    decreases, if it is so steep that it acts as a step, or if nothing can be fitted because scores
    or labels are constant or too few.

    Args:
        score: Scores of rated videos (n,).
        mos: Their labels (n,).
    """
    score, mos = np.asarray(score, dtype=np.float64), np.asarray(mos, dtype=np.float64)
    try:
        fitted = fit_logistic(score, mos)
    except ValueError as error:
        log.warning("calibration by mean and deviation: %s", error)
    else:
        steep = fitted.kind != "linear" and fitted.parameters[3] < STEEPEST * score.std()
        if np.all(np.diff(fitted(np.quantile(score, [0, 0.5, 1]))) > 0) and not steep:
            return fitted
        log.warning("calibration by mean and deviation: no smooth increasing curve fits the scores")
    spread = float(score.std())
    slope = float(mos.std()) / spread if spread > 0 and mos.std() > 0 else 1.0
    return Curve("linear", (slope, float(mos.mean() - slope * score.mean())))
