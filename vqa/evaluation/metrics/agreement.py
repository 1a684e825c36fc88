"""Correlations and errors between MOS and scores."""

import logging
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from vqa.evaluation.metrics.checks import Array, checked_pair, undefined
from vqa.evaluation.metrics.curves import map_scores, parameters_of

log = logging.getLogger(__name__)


def srocc(mos: ArrayLike, score: ArrayLike) -> float:
    """Spearman's rank-order correlation, with tied values at their average rank.

    Examples:
        >>> from vqa.evaluation.metrics import srocc
        >>> mos = [1.3, 2.1, 3.0, 3.8, 4.6]
        >>> round(srocc(mos, score=[12, 35, 30, 61, 80]), 2)
        0.9
    """
    from scipy import stats

    return _measure("srocc", lambda y, x: float(stats.spearmanr(y, x).statistic), mos, score)


def krocc(mos: ArrayLike, score: ArrayLike) -> float:
    """Kendall's rank-order correlation tau-b."""
    from scipy import stats

    return _measure("krocc", lambda y, x: float(stats.kendalltau(y, x).statistic), mos, score)


def plcc_raw(mos: ArrayLike, score: ArrayLike) -> float:
    """Pearson's linear correlation of MOS and unmapped scores."""
    return _measure("plcc_raw", _pearson, mos, score)


def plcc(mos: ArrayLike, score: ArrayLike, curve: str = "logistic4") -> float:
    """Pearson's linear correlation after a curve: `logistic4`, `logistic5` or `none`.

    A logistic curve may fall as well as rise, so the correlation after it is never negative; the
    sign is in `srocc`.

    Raises:
        ValueError: Unknown curve, lengths differ, or a value is not finite.

    Examples:
        >>> from vqa.evaluation.metrics import plcc, plcc_raw
        >>> mos = [1.0, 1.1, 1.3, 2.0, 4.0, 4.7, 4.9, 5.0]
        >>> score = [10, 20, 30, 40, 50, 60, 70, 80]
        >>> round(plcc_raw(mos, score), 2), round(plcc(mos, score), 2)
        (0.95, 1.0)
    """
    parameters_of(curve)
    return _measure("plcc", lambda y, x: plcc_mapped(y, map_scores(y, x, curve)), mos, score)


def plcc_mapped(mos: ArrayLike, mapped: ArrayLike) -> float:
    """Pearson's correlation of MOS and scores that a least-squares curve has mapped to them.

    A flat curve means that the scores explain nothing: the correlation is 0.
    """
    mos, mapped = checked_pair(mos, mapped)
    return 0.0 if undefined(mos, mapped) else _pearson(mos, mapped)


def rmse(mos: ArrayLike, score: ArrayLike, curve: str = "logistic4") -> float:
    """Root mean square error in MOS units after a curve: `logistic4`, `logistic5` or `none`.

    Raises:
        ValueError: Unknown curve, lengths differ, or a value is not finite.
    """
    if parameters_of(curve) == 0:
        return rmse_raw(mos, score)
    return _measure("rmse", lambda y, x: rmse_raw(y, map_scores(y, x, curve)), mos, score)


def rmse_raw(mos: ArrayLike, score: ArrayLike) -> float:
    """Root mean square difference between MOS and the given scores; NaN without videos."""
    mos, score = checked_pair(mos, score)
    return float(np.sqrt(np.mean((mos - score) ** 2))) if len(mos) else math.nan


def _measure(
    name: str, metric: Callable[[Array, Array], float], mos: ArrayLike, score: ArrayLike
) -> float:
    """Return the metric, or NaN with a log line if it is undefined."""
    mos, score = checked_pair(mos, score)
    if reason := undefined(mos, score):
        log.warning("%s is undefined: %s", name, reason)
        return math.nan
    return metric(mos, score)


def _pearson(a: Array, b: Array) -> float:
    from scipy import stats

    return float(stats.pearsonr(a, b).statistic)
