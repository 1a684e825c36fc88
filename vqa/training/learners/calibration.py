"""Calibration to the MOS scale, for networks whose losses leave scale and offset open.

A correlation or rank loss trains scores that order videos correctly but have no level of their own.
After training, an increasing four-parameter logistic curve is fitted on the training part and maps
scores to the MOS scale. It does not change their order.
"""

import logging
from collections.abc import Sequence

import numpy as np

from vqa.evaluation.metrics.curves import Curve, fit_logistic

log = logging.getLogger(__name__)

LARGEST_SAMPLE = 2000
STEEPEST = 0.1  # least width of the curve in deviations of the scores


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
        score: Scores of training videos (n,).
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
