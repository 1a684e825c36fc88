"""Scores on the MOS scale for networks whose losses leave scale and offset open.

A correlation or rank loss trains scores that order videos rightly and says nothing of their level.
A rising four-parameter logistic, fitted to the training part after training, gives them one, so
that a score means something alone. It changes no order.
"""

import logging
from collections.abc import Sequence

import numpy as np

from vqa.evaluation.metrics.curves import Mapping, fit_logistic

log = logging.getLogger(__name__)

LARGEST_SAMPLE = 2000
STEEPEST = 0.1  # least width of the curve in deviations of the scores


def calibration_sample(count: int, seed: int) -> np.ndarray:
    """Places (n,) of the training videos that a calibration looks at, ascending.

    All of them up to 2000, else 2000 drawn at random: four parameters need no more, and scoring
    28,000 videos with four clips each would cost as much as four epochs.
    """
    if count <= LARGEST_SAMPLE:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, LARGEST_SAMPLE, replace=False))


def fit_calibration(score: Sequence[float], mos: Sequence[float]) -> Mapping:
    """A rising curve from scores to MOS.

    Where the best curve falls, or is so steep that it would tell scores apart on one side of a step
    only, or nothing can be fitted because scores or labels are constant or too few, mean and
    deviation of the labels are all that is given to the scores.

    Args:
        score: Of training videos (n,).
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
        log.warning("calibration by mean and deviation: no smooth rising curve fits the scores")
    spread = float(score.std())
    slope = float(mos.std()) / spread if spread > 0 and mos.std() > 0 else 1.0
    return Mapping("linear", (slope, float(mos.mean() - slope * score.mean())))
