"""PWRC, the perceptually weighted rank correlation.

After Wu et al., "A perceptually weighted rank correlation indicator for objective image quality
assessment", IEEE TIP 2018. Pairs of good videos and pairs that a model misplaces badly have larger
weights; pairs whose MOS differ by less than a sensory threshold T hardly count. S(T) is the rank
correlation with these weights, and PWRC is the area under S over a range of T. GSTVQA (Chen et al.
2021) integrates from 2 to 9.5, so a perfect model has at most 7.5.
"""

import logging
import math

import numpy as np
from numpy.typing import ArrayLike

from vqa.evaluation.metrics.checks import Array, checked_pair, checked_spread, undefined
from vqa.evaluation.metrics.pairs import Pairs, agreement, total_weight

log = logging.getLogger(__name__)

SCALE = 100.0
LAST_THRESHOLD = 110.0


def pwrc(
    mos: ArrayLike,
    score: ArrayLike,
    *,
    t_min: float = 2.0,
    t_max: float = 9.5,
    step: float = 0.5,
    c: float = 0.175,
    mos_std: ArrayLike | None = None,
) -> float:
    """Area under S(T) between two thresholds, by the trapezium rule.

    The MOS of the given videos are stretched to 0..100, so thresholds are in hundredths of their
    range. If lower values are better (DMOS), negate both opinions and scores.

    Args:
        mos: Opinions (N,), higher is better.
        score: Predictions (N,), higher is better.
        t_min: Lower threshold; the default is GSTVQA's.
        t_max: Upper threshold.
        step: Distance between thresholds.
        c: Steepness of the gate.
        mos_std: Standard deviation of the opinions (N,) in MOS units. If given, the thresholds are
            those of the original definition instead of `t_min` and `t_max`: twice the smallest
            and twice the largest value, at the nearest multiple of `step` (at most 110).

    Returns:
        At most `t_max - t_min`; NaN, with a log line, if no correlation exists.

    Raises:
        ValueError: Bad input or thresholds.

    Examples:
        >>> from vqa.evaluation.metrics import pwrc
        >>> mos = [10, 30, 50, 70, 90]
        >>> round(pwrc(mos, score=mos), 1)
        7.4
        >>> round(pwrc(mos, score=[30, 10, 50, 70, 90]), 1)  # the two worst videos are swapped
        6.4
        >>> round(pwrc(mos, score=[10, 30, 50, 90, 70]), 1)  # the two best videos are swapped
        5.3
    """
    from scipy.integrate import trapezoid

    mos, score = checked_pair(mos, score)
    if mos_std is not None:
        mos_std = checked_spread("mos_std", mos_std, len(mos))
    if not (step > 0 and c > 0):
        raise ValueError(f"step={step}, c={c}: expected both above 0")
    if reason := undefined(mos, score):
        log.warning("pwrc is undefined: %s", reason)
        return math.nan
    if mos_std is not None:
        doubled = 2 * SCALE * np.array([mos_std.min(), mos_std.max()]) / np.ptp(mos)
        t_min, t_max = np.minimum(np.round(doubled / step) * step, LAST_THRESHOLD)
    if not t_min < t_max:
        raise ValueError(
            f"thresholds from {t_min:g} to {t_max:g}: expected a range; if all videos have the "
            "same mos_std, omit it and give t_min and t_max"
        )
    steps = max(1, round((t_max - t_min) / step))
    thresholds = np.linspace(t_min, t_max, steps + 1)
    return float(trapezoid(pwrc_curve(mos, score, thresholds, c=c), thresholds))


def pwrc_curve(
    mos: ArrayLike, score: ArrayLike, thresholds: ArrayLike, *, c: float = 0.175
) -> Array:
    """S(T), the weighted agreement of all pairs, at each threshold (K,); T = -inf has no gate.

    With dense ranks R of MOS and P of scores (from 0), a pair i, j has the weight
    `exp(max(R_i, R_j) / (N - 1) + (|R_i - P_i| + |R_j - P_j|) / (2 (N - 1)))`, divided by the sum
    of all weights. It counts +1, 0 or -1 times the gate `1 / (1 + exp(-c (|mos_i - mos_j| - T)))`.
    The time grows with N log(N)^2, see `vqa.evaluation.metrics.pairs`.

    Raises:
        ValueError: Bad input, or input without any correlation.
    """
    mos, score = checked_pair(mos, score)
    if reason := undefined(mos, score):
        raise ValueError(f"no rank correlation exists: {reason}")
    thresholds = np.atleast_1d(np.asarray(thresholds, dtype=np.float64))
    videos = len(mos)
    order = np.argsort(mos)
    mos, score = SCALE * (mos[order] - mos.min()) / np.ptp(mos), score[order]
    rank = np.unique(mos, return_inverse=True)[1] / (videos - 1)
    misplaced = np.abs(rank - np.unique(score, return_inverse=True)[1] / (videos - 1))
    # In MOS order the later video of a pair has the larger rank, so the weight is a product.
    earlier, later = np.exp(misplaced / 2), np.exp(rank + misplaced / 2)
    pairs = Pairs(mos, score, earlier, later)
    return agreement(pairs, thresholds, c) / total_weight(pairs)
