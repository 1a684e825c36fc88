"""Which of several models is better, by the bootstrap over videos that all of them scored.

The models meet the same resamples, so what makes a resample hard for all of them cancels in the
difference. Differences are first minus second, in the metric's unit: above 0 favours the first
for correlations, the second for `rmse` and `rmse_raw`. Like the intervals, the tests are about the
choice of test videos and hold the trained models fixed. Over several splits the mean of the
differences is tested: bootstrap tests of their median alarm too rarely or too often.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from vqa.evaluation.metrics import lower_is_better
from vqa.evaluation.uncertainty.bootstrap import percentile_interval, percentile_p, resample
from vqa.evaluation.uncertainty.counts import (
    Counts,
    Statistic,
    on_counts,
    over_splits,
    side_by_side,
)
from vqa.evaluation.uncertainty.ranks import Array
from vqa.evaluation.uncertainty.significance import Difference, holm

COLUMNS = ["split", "video", "mos", "score"]


@dataclass(frozen=True, slots=True)
class SignificanceMatrix:
    """Every pair of M models, row minus column.

    Attributes:
        models: Names (M,).
        metric: What was compared.
        difference: (M, M), antisymmetric; nan where undefined.
        low: Lower ends (M, M) of the intervals, which are not adjusted for their number.
        high: Upper ends (M, M).
        p_alone: Two-sided p (M, M) of each pair by itself; nan on the diagonal.
        p: The same adjusted by Holm over all pairs.
        better: 1 where the row's model is significantly better, -1 where it is worse, else 0.
    """

    models: tuple[str, ...]
    metric: str
    difference: Array
    low: Array
    high: Array
    p_alone: Array
    p: Array
    better: NDArray[np.int64]


def paired_bootstrap(
    mos: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    metric: str,
    *,
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
) -> Difference:
    """Difference of a metric of two models on the same videos, with interval and p.

    Args:
        mos: Opinions (N,).
        first: Predictions of the first model (N,).
        second: Predictions of the second model (N,), in the same order.
        metric: One of `vqa.evaluation.metrics.METRICS`.
        resamples: How many times N videos are drawn with replacement.
        level: Coverage of the interval.
        seed: Of the draw.

    Returns:
        First minus second; all nan where the metric is undefined for one of them.

    Raises:
        ValueError: Unknown metric, lengths differ, or values that are not finite.
    """
    both = side_by_side([on_counts(mos, score, metric) for score in (first, second)])
    statistic = _differences(both, [0], [1])
    drawn = resample(statistic, len(np.asarray(mos)), resamples=resamples, seed=seed)
    return _difference(drawn.estimate, percentile_interval(drawn, level), percentile_p(drawn))


def compare_splits(
    first: pd.DataFrame,
    second: pd.DataFrame,
    metric: str,
    *,
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
) -> Difference:
    """Mean over shared splits of the difference of two models, with interval and p.

    Whole videos are resampled, in all splits that test them at once.

    Args:
        first: Predictions of the first model: columns `split, video, mos, score`.
        second: Predictions of the second model for the same videos of the same splits.
        metric: One of `vqa.evaluation.metrics.METRICS`.
        resamples: Bootstrap resamples.
        level: Coverage of the interval.
        seed: Of the draw.

    Raises:
        ValueError: Tables that do not hold the same videos, splits and MOS; unknown metric.
    """
    predictions = {"first": first, "second": second}
    return _difference(*_tested_pairs(predictions, metric, resamples, level, seed))


def significance_matrix(
    predictions: Mapping[str, pd.DataFrame],
    metric: str,
    *,
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
) -> SignificanceMatrix:
    """All pairs of models on shared splits (or one), from one draw of resamples.

    Args:
        predictions: By model's name a table as for `compare_splits`, at least two.
        metric: One of `vqa.evaluation.metrics.METRICS`.
        resamples: Bootstrap resamples.
        level: Coverage of the intervals; a pair is significant at adjusted p < 1 - level.
        seed: Of the draw.

    Raises:
        ValueError: Fewer than two models, tables that do not go together, unknown metric.
    """
    estimate, intervals, p_alone = _tested_pairs(predictions, metric, resamples, level, seed)
    rows, columns = _pairs(len(predictions))
    p, (low, high) = holm(p_alone), intervals.T
    direction = -1 if lower_is_better(metric) else 1
    wins = np.where(p < 1 - level, direction * np.sign(np.nan_to_num(estimate)), 0)

    def square(upper: Array, lower: Array, diagonal: float) -> Array:
        matrix = np.full((len(predictions), len(predictions)), diagonal)
        matrix[rows, columns], matrix[columns, rows] = upper, lower
        return matrix

    return SignificanceMatrix(
        tuple(predictions),
        metric,
        square(estimate, -estimate, 0.0),
        square(low, -high, 0.0),
        square(high, -low, 0.0),
        square(p_alone, p_alone, np.nan),
        square(p, p, np.nan),
        square(wins, -wins, 0).astype(np.int64),
    )


def _pairs(models: int) -> tuple[list[int], list[int]]:
    """Row and column of every pair of models."""
    first, second = zip(*itertools.combinations(range(models), 2), strict=True)
    return list(first), list(second)


def _differences(statistic: Statistic, first: list[int], second: list[int]) -> Statistic:
    """Differences (R, P) between values of a statistic."""

    def difference(counts: Counts) -> Array:
        values = statistic(counts)
        return values[:, first] - values[:, second]

    return difference


def _difference(estimate: Array, intervals: Array, p: Array) -> Difference:
    """The first of the pairs."""
    low, high = intervals[0]
    return Difference(float(estimate[0]), (float(low), float(high)), float(p[0]))


def _tested_pairs(
    predictions: Mapping[str, pd.DataFrame], metric: str, resamples: int, level: float, seed: int
) -> tuple[Array, Array, Array]:
    """Mean differences (P,) of all pairs over all splits, intervals (P, 2) and p (P,)."""
    if len(predictions) < 2:
        raise ValueError(f"{len(predictions)} models: expected at least two to compare")
    joined = _joined(predictions)
    videos = pd.Index(joined["video"].unique())
    members = []
    for _, part in joined.groupby("split", sort=False):
        scores = [part[place].to_numpy(float) for place in range(len(predictions))]
        mos = part["mos"].to_numpy(float)
        models = side_by_side([on_counts(mos, score, metric) for score in scores])
        pairs = _differences(models, *_pairs(len(predictions)))
        members.append((videos.get_indexer(part["video"]), pairs))
    statistic = over_splits(members, "mean")
    drawn = resample(statistic, len(videos), resamples=resamples, seed=seed)
    return drawn.estimate, percentile_interval(drawn, level), percentile_p(drawn)


def _joined(predictions: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One table `split, video, mos, 0, 1, ...` with a column of scores per model.

    Joined by split and video, never by row; anything that does not match is an error.
    """
    reference = next(iter(predictions))
    joined = None
    for place, (name, table) in enumerate(predictions.items()):
        missing = [column for column in COLUMNS if column not in table]
        if missing:
            raise ValueError(
                f"{name}: no column {', '.join(missing)}; expected {', '.join(COLUMNS)}"
            )
        if table.empty or table.duplicated(["split", "video"]).any():
            raise ValueError(f"{name}: expected one row per split and video, and at least one")
        part = table[COLUMNS].rename(columns={"score": place})
        if joined is None:
            joined = part
            continue
        found = joined.merge(part, on=["split", "video"], how="inner", suffixes=("", "_other"))
        if not len(found) == len(joined) == len(part):
            raise ValueError(
                f"{name} and {reference} share {len(found)} of {len(part)} and {len(joined)} "
                "tested videos; expected the same videos in the same splits, predict them again"
            )
        differing = ~np.isclose(found["mos"], found["mos_other"], rtol=1e-6)
        if differing.any():
            video = found.loc[differing, "video"].iloc[0]
            raise ValueError(
                f"{name} and {reference} differ in the MOS of {int(differing.sum())} videos, "
                f"first {video!r}; expected predictions for one label table"
            )
        joined = found.drop(columns="mos_other")
    return joined
