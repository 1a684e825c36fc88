"""How far a metric could have come out otherwise: bootstrap intervals over videos.

A resample of N videos is a row of counts `(N,)`: how often each video was drawn. Every metric here
is written on such counts, so that a thousand resamples are a few matrix products, and several
splits that share videos can be resampled together.

The intervals tell about the choice of test videos. They hold the trained models and the logistic
mapping fixed: the mapping minimises the error, so a small change of it changes `plcc` and `rmse`
only in second order.
"""

import logging
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vqa.metrics import METRICS, checked_pair, fit_logistic, undefined

log = logging.getLogger(__name__)

Array = NDArray[np.float64]
Statistic = Callable[[Array], Array]
PAIR_BLOCK = 256
DRAW_BLOCK = 200
MAX_UNDEFINED = 0.5


def bootstrap_interval(
    mos: ArrayLike,
    score: ArrayLike,
    metric: str,
    *,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile bootstrap interval of a metric over videos.

    Args:
        mos: Opinions (N,).
        score: Predictions (N,).
        metric: One of `vqa.metrics.METRICS`.
        resamples: How many times N videos are drawn with replacement.
        level: Coverage of the interval.
        seed: Of the draw; the same seed gives the same interval.

    Returns:
        Lower and upper end; both nan where the metric itself is undefined.

    Raises:
        ValueError: Unknown metric, bad level or resamples, or values that are not finite.
    """
    statistic = on_counts(mos, score, metric)
    return percentile_interval(
        statistic, len(np.asarray(mos)), resamples=resamples, level=level, seed=seed
    )


def percentile_interval(
    statistic: Statistic, videos: int, *, resamples: int = 1000, level: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """The middle `level` of a statistic over resamples of the videos.

    Resamples on which the statistic is undefined are left out; where they are the greater part, so
    is the interval.

    Args:
        statistic: From counts (R, N) to values (R,), nan where undefined.
        videos: N.
        resamples: R.
        level: Coverage of the interval.
        seed: Of the draw.

    Raises:
        ValueError: Bad level or resamples.
    """
    if not 0 < level < 1:
        raise ValueError(f"level={level}: expected a share between 0 and 1, for instance 0.95")
    if resamples < 1:
        raise ValueError(f"resamples={resamples}: expected at least 1")
    if videos == 0:
        return np.nan, np.nan
    rng = np.random.default_rng(seed)
    blocks = [min(DRAW_BLOCK, resamples - done) for done in range(0, resamples, DRAW_BLOCK)]
    values = np.concatenate([statistic(_draw(rng, rows, videos)) for rows in blocks])
    known = values[~np.isnan(values)]
    if len(known) <= MAX_UNDEFINED * resamples:
        log.debug("no interval: undefined on %d of %d resamples", resamples - len(known), resamples)
        return np.nan, np.nan
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def on_counts(mos: ArrayLike, score: ArrayLike, metric: str) -> Statistic:
    """A metric as a function of resample counts.

    Returns:
        From counts (R, N), where row r draws video i `counts[r, i]` times, to the metric's values
        (R,); nan on rows with fewer than three videos or without variation.

    Raises:
        ValueError: Unknown metric, or values that are not finite.
    """
    mos, score = checked_pair(mos, score)
    if metric not in METRICS:
        raise ValueError(f"metric={metric!r} is not known; expected one of {', '.join(METRICS)}")
    if metric == "rmse_raw":
        return lambda counts: _rms(counts, mos - score)
    if undefined(mos, score):
        return lambda counts: np.full(len(counts), np.nan)
    if metric == "srocc":
        return lambda counts: _pearson(counts, _ranks(counts, mos), _ranks(counts, score))
    if metric == "krocc":
        return lambda counts: _tau_b(counts, mos, score)
    if metric == "plcc_raw":
        return lambda counts: _pearson(counts, _standardised(mos), _standardised(score))
    mapped = fit_logistic(score, mos)(score)
    if metric == "rmse":
        return lambda counts: _rms(counts, mos - mapped)
    return lambda counts: _pearson(counts, _standardised(mos), _standardised(mapped))


def _draw(rng: np.random.Generator, rows: int, videos: int) -> Array:
    """Counts (rows, videos) of `videos` draws with replacement in each row."""
    drawn = rng.integers(0, videos, size=(rows, videos))
    flat = drawn + videos * np.arange(rows)[:, None]
    return np.bincount(flat.ravel(), minlength=rows * videos).reshape(rows, videos).astype(float)


def _standardised(values: Array) -> Array:
    """Zero mean and unit spread, so that products below keep their digits."""
    spread = values.std()
    return (values - values.mean()) / (spread if spread > 0 else 1.0)


def _ranks(counts: Array, values: Array) -> Array:
    """Average ranks (R, N) of the values within each resample, from 0.5 / N to about 1."""
    _, place = np.unique(values, return_inverse=True)
    order = np.argsort(place, kind="stable")
    starts = np.searchsorted(place[order], np.arange(place.max() + 1))
    drawn = np.add.reduceat(counts[:, order], starts, axis=1)
    below = np.cumsum(drawn, axis=1) - drawn
    return (below + (drawn + 1) / 2)[:, place] / len(values)


def _pearson(counts: Array, a: Array, b: Array) -> Array:
    """Weighted Pearson correlation (R,) of a and b, each (N,) or (R, N)."""
    total = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    a, b = np.broadcast_to(a, counts.shape), np.broadcast_to(b, counts.shape)
    a = a - (counts * a).sum(axis=1, keepdims=True) / total
    b = b - (counts * b).sum(axis=1, keepdims=True) / total
    power = (counts * a * a).sum(axis=1) * (counts * b * b).sum(axis=1)
    return _ratio((counts * a * b).sum(axis=1), power, counts)


def _tau_b(counts: Array, mos: Array, score: Array) -> Array:
    """Kendall's tau-b (R,): pairs i, j count `counts_i * counts_j` times, ties drop out.

    The N x N pair signs are made a block of rows at a time, so memory stays linear in N.
    """
    agree, mos_pairs, score_pairs = (np.zeros(len(counts)) for _ in range(3))
    for begin in range(0, len(mos), PAIR_BLOCK):
        rows = slice(begin, begin + PAIR_BLOCK)
        mos_sign = np.sign(mos[rows, None] - mos)
        score_sign = np.sign(score[rows, None] - score)
        own = counts[:, rows]
        agree += (own * (counts @ (mos_sign * score_sign).T)).sum(axis=1)
        mos_pairs += (own * (counts @ np.abs(mos_sign).T)).sum(axis=1)
        score_pairs += (own * (counts @ np.abs(score_sign).T)).sum(axis=1)
    return _ratio(agree, mos_pairs * score_pairs, counts)


def _ratio(covariance: Array, power: Array, counts: Array) -> Array:
    """`covariance / sqrt(power)`, nan where there is no variation or fewer than three videos."""
    defined = (power > 1e-20 * counts.sum(axis=1) ** 2) & (counts.sum(axis=1) >= 3)
    ratio = np.full(len(counts), np.nan)
    ratio[defined] = covariance[defined] / np.sqrt(power[defined])
    return np.clip(ratio, -1.0, 1.0)


def _rms(counts: Array, residual: Array) -> Array:
    """Weighted root mean square (R,), nan on empty rows."""
    total = counts.sum(axis=1)
    mean = (counts @ residual**2) / np.maximum(total, 1)
    return np.where(total > 0, np.sqrt(mean), np.nan)
