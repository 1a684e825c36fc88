"""Metrics as functions of resample counts.

A resample of N videos is a row of counts `(N,)`: how often each video was drawn. On counts a
thousand resamples are a few matrix products, and several splits that share videos can be
resampled together: one draw of counts serves all metrics, models and splits.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from vqa.evaluation.metrics import METRICS, checked_pair, undefined
from vqa.evaluation.uncertainty.mapped import mapped_moments
from vqa.evaluation.uncertainty.ranks import Array, Counts, krocc_on_counts, ratio, srocc_on_counts

# From counts (R, N) to values (R, K), nan where undefined.
Statistic = Callable[[Counts], Array]
# Draws made at once: their table stays in the cache.
DRAWS_AT_ONCE = 2**16


def draw_counts(rng: np.random.Generator, rows: int, videos: int) -> Counts:
    """Counts (rows, videos) of `videos` draws with replacement in each row."""
    counts = np.zeros((rows, videos), np.float32)
    some = max(1, DRAWS_AT_ONCE // max(1, videos))
    for begin in range(0, rows if videos else 0, some):
        part = counts[begin : begin + some]
        drawn = rng.integers(0, videos, size=part.shape)
        drawn += videos * np.arange(len(part))[:, None]
        part[:] = np.bincount(drawn.ravel(), minlength=part.size).reshape(part.shape)
    return counts


def on_counts(mos: ArrayLike, score: ArrayLike, *metrics: str) -> Statistic:
    """Metrics as one function of resample counts.

    Args:
        mos: Opinions (N,).
        score: Predictions (N,).
        *metrics: K names of `vqa.evaluation.metrics.METRICS`.

    Returns:
        From counts (R, N), where row r draws video i `counts[r, i]` times, to values (R, K); nan
        on rows with fewer than three draws or without variation.

    Raises:
        ValueError: No or unknown metrics, or values that are not finite.
    """
    mos, score = checked_pair(mos, score)
    wrong = [metric for metric in metrics if metric not in METRICS]
    if wrong or not metrics:
        found = ", ".join(map(repr, wrong)) or "none"
        raise ValueError(f"metrics: expected some of {', '.join(METRICS)}; found {found}")
    ranks: dict[str, Callable[[Counts], Array]] = {}
    # Metrics that are made of weighted sums: their names, columns (N, k), and what is made of sums.
    moments: list[tuple[tuple[str, ...], Array, Callable[[Array, Array], Array]]] = []
    if "rmse_raw" in metrics:
        moments.append((("rmse_raw",), ((mos - score) ** 2)[:, None], _rms))
    if not undefined(mos, score):
        if "srocc" in metrics:
            ranks["srocc"] = srocc_on_counts(mos, score)
        if "krocc" in metrics:
            ranks["krocc"] = krocc_on_counts(mos, score)
        if "plcc_raw" in metrics:
            moments.append((("plcc_raw",), _pearson_moments(mos, score), _pearson))
        if "plcc" in metrics or "rmse" in metrics:
            moments.append((("plcc", "rmse"), *mapped_moments(mos, score)))
    columns = np.hstack([np.empty((len(mos), 0)), *(part for _, part, _ in moments)])
    ends = np.cumsum([part.shape[1] for _, part, _ in moments])

    def statistic(counts: Counts) -> Array:
        drawn = counts.sum(axis=1).astype(np.float64)
        sums = np.split(counts.astype(np.float64) @ columns, ends, axis=1)
        found = {name: rank(counts) for name, rank in ranks.items()}
        for (names, _, finish), part in zip(moments, sums, strict=False):
            found |= zip(names, finish(part, drawn).T, strict=True)
        nowhere = np.full(len(counts), np.nan)
        return np.stack([found.get(metric, nowhere) for metric in metrics], axis=1)

    return statistic


def side_by_side(statistics: Sequence[Statistic]) -> Statistic:
    """Several statistics of the same videos as one, their values one after the other."""
    return lambda counts: np.concatenate([statistic(counts) for statistic in statistics], axis=1)


def over_splits(
    members: Sequence[tuple[ArrayLike, Statistic]], combine: str = "median"
) -> Statistic:
    """What a statistic comes to over splits, as a function of counts over all their videos.

    Args:
        members: Per split the places (n,) of its videos among all N, and its statistic.
        combine: `median` or `mean` over the splits on which it is defined.

    Raises:
        ValueError: Unknown `combine`.
    """
    if combine not in ("median", "mean"):
        raise ValueError(f"combine={combine!r}: expected median or mean")
    central = {"median": np.nanmedian, "mean": np.nanmean}[combine]
    members = [(np.asarray(places, dtype=np.intp), statistic) for places, statistic in members]

    def combined(counts: Counts) -> Array:
        values = np.stack([part(np.take(counts, places, axis=1)) for places, part in members])
        known = ~np.isnan(values).all(axis=0)
        result = np.full(values.shape[1:], np.nan)
        result[known] = central(values[:, known], axis=0)
        return result

    return combined


def _pearson_moments(a: Array, b: Array) -> Array:
    """Columns (N, 5) whose weighted sums give Pearson's correlation.

    Standardised first, so that the differences of sums in `_pearson` keep their digits.
    """
    a, b = ((x - x.mean()) / (x.std() or 1.0) for x in (a, b))
    return np.stack([a, b, a * a, b * b, a * b], axis=1)


def _pearson(sums: Array, drawn: Array) -> Array:
    a, b, aa, bb, ab = sums.T / np.maximum(drawn, 1)
    varies = (aa - a * a > 1e-12) & (bb - b * b > 1e-12)
    power = np.where(varies, (aa - a * a) * (bb - b * b), 0.0)
    return ratio(ab - a * b, power, drawn)[:, None]


def _rms(sums: Array, drawn: Array) -> Array:
    return np.where(drawn[:, None] > 0, np.sqrt(sums / np.maximum(drawn, 1)[:, None]), np.nan)
