"""Correlations and errors between MOS and scores: the columns of every table."""

import logging
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from vqa.evaluation.metrics.checks import Array, checked_pair, undefined
from vqa.evaluation.metrics.curves import fit_logistic, map_scores, parameters_of

log = logging.getLogger(__name__)

METRICS = ("srocc", "krocc", "plcc", "plcc_raw", "rmse", "rmse_raw")


def srocc(mos: ArrayLike, score: ArrayLike) -> float:
    """Spearman's rank-order correlation, ties at their average rank."""
    return _measure("srocc", _srocc, mos, score)


def krocc(mos: ArrayLike, score: ArrayLike) -> float:
    """Kendall's rank-order correlation tau-b."""
    return _measure("krocc", _krocc, mos, score)


def plcc_raw(mos: ArrayLike, score: ArrayLike) -> float:
    """Pearson's linear correlation of MOS and the scores as they are."""
    return _measure("plcc_raw", _pearson, mos, score)


def plcc(mos: ArrayLike, score: ArrayLike, mapping: str = "logistic4") -> float:
    """Pearson's linear correlation after a mapping: `logistic4`, `logistic5` or `none`.

    A logistic mapping may fall as well as rise, so after it this is never negative; the sign is
    in `srocc`.

    Raises:
        ValueError: Unknown mapping, lengths differ, or a value is not finite.
    """
    parameters_of(mapping)
    return _measure("plcc", lambda y, x: _mapped_plcc(y, map_scores(y, x, mapping)), mos, score)


def rmse(mos: ArrayLike, score: ArrayLike, mapping: str = "logistic4") -> float:
    """Root mean square error in MOS units after a mapping: `logistic4`, `logistic5` or `none`.

    Raises:
        ValueError: Unknown mapping, lengths differ, or a value is not finite.
    """
    if parameters_of(mapping) == 0:
        return rmse_raw(mos, score)
    return _measure("rmse", lambda y, x: _rms(y - map_scores(y, x, mapping)), mos, score)


def rmse_raw(mos: ArrayLike, score: ArrayLike) -> float:
    """Root mean square difference between MOS and the scores as they are; nan without videos."""
    mos, score = checked_pair(mos, score)
    return _rms(mos - score)


def lower_is_better(metric: str) -> bool:
    """Whether a metric measures error rather than agreement."""
    return metric.startswith("rmse") or metric == "outlier_ratio"


def score_all(mos: ArrayLike, score: ArrayLike) -> dict[str, float | int]:
    """All of `METRICS` and the number of videos `n`, with one mapping fit for `plcc` and `rmse`.

    Raises:
        ValueError: Lengths differ, or a value is not finite.
    """
    mos, score = checked_pair(mos, score)
    values: dict[str, float | int] = dict.fromkeys(METRICS, math.nan)
    values |= {"rmse_raw": _rms(mos - score), "n": len(mos)}
    if reason := undefined(mos, score):
        log.warning("all metrics but rmse_raw are undefined: %s", reason)
        return values
    mapped = fit_logistic(score, mos)(score)
    return values | {
        "srocc": _srocc(mos, score),
        "krocc": _krocc(mos, score),
        "plcc": _mapped_plcc(mos, mapped),
        "plcc_raw": _pearson(mos, score),
        "rmse": _rms(mos - mapped),
    }


def _measure(
    name: str, metric: Callable[[Array, Array], float], mos: ArrayLike, score: ArrayLike
) -> float:
    """The metric, or nan with a log line where it has no meaning."""
    mos, score = checked_pair(mos, score)
    if reason := undefined(mos, score):
        log.warning("%s is undefined: %s", name, reason)
        return math.nan
    return metric(mos, score)


def _srocc(mos: Array, score: Array) -> float:
    return float(stats.spearmanr(mos, score).statistic)


def _krocc(mos: Array, score: Array) -> float:
    return float(stats.kendalltau(mos, score).statistic)


def _pearson(a: Array, b: Array) -> float:
    return float(stats.pearsonr(a, b).statistic)


def _mapped_plcc(mos: Array, mapped: Array) -> float:
    """Pearson with a least-squares mapping; a flat one (nothing to explain) correlates by 0."""
    return 0.0 if undefined(mos, mapped) else _pearson(mos, mapped)


def _rms(residual: Array) -> float:
    return float(np.sqrt(np.mean(residual**2))) if len(residual) else math.nan
