"""Comparison of models by the bootstrap over videos that all of them scored.

All models share the same resamples, so the difficulty of a resample cancels in the difference.
Differences are row minus column, in the unit of the metric: above 0 favours the row for
correlations, the column for errors. Like the intervals, the tests describe the choice of test
videos and keep the trained models fixed. Over several splits the mean of the differences is tested:
bootstrap tests of their median raise too few or too many false alarms.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vqa.evaluation.metrics import cards
from vqa.evaluation.metrics.checks import Array
from vqa.evaluation.metrics.on_counts import Counts
from vqa.evaluation.uncertainty.bootstrap import percentile_interval, percentile_p, resample
from vqa.evaluation.uncertainty.counts import Statistic, on_counts, over_splits, side_by_side
from vqa.evaluation.uncertainty.significance import holm

COLUMNS = ["split", "video", "mos", "score"]


@dataclass(frozen=True, slots=True)
class SignificanceMatrix:
    """Every pair of M models, row minus column.

    Attributes:
        models: Names (M,).
        metric: Name of the metric that was compared.
        difference: (M, M), antisymmetric; NaN where undefined.
        low: Lower ends (M, M) of the intervals, which are not adjusted for their number.
        high: Upper ends (M, M).
        p_alone: Two-sided p (M, M) of each pair by itself; NaN on the diagonal.
        p: The same, adjusted by Holm over all pairs.
        better: 1 if the row's model is significantly better, -1 if it is worse, else 0.
    """

    models: tuple[str, ...]
    metric: str
    difference: Array
    low: Array
    high: Array
    p_alone: Array
    p: Array
    better: NDArray[np.int64]


def significance_matrix(
    predictions: Mapping[str, pd.DataFrame],
    metric: str,
    *,
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
) -> SignificanceMatrix:
    """Compare all pairs of models on shared splits (or one split), from one draw of resamples.

    The difference of a pair is the mean over the splits. Whole videos are resampled, in all splits
    that test them at once.

    Args:
        predictions: By model name a table with the columns `split, video, mos, score`; at least
            two, all with the same videos of the same splits.
        metric: One of `vqa.evaluation.metrics.cards.rankable()`.
        resamples: Number of bootstrap resamples.
        level: Coverage of the intervals; a pair is significant at adjusted p < 1 - level.
        seed: Seed of the draw.

    Raises:
        ValueError: Fewer than two models, tables with different videos, splits or MOS, or an
            unknown metric.
    """
    if len(predictions) < 2:
        raise ValueError(f"{len(predictions)} models: expected at least two to compare")
    joined = _joined(predictions)
    rows, columns = _pairs(len(predictions))
    videos = pd.Index(joined["video"].unique())
    members = []
    for _, part in joined.groupby("split", sort=False):
        scores = [part[place].to_numpy(float) for place in range(len(predictions))]
        mos = part["mos"].to_numpy(float)
        models = side_by_side([on_counts(mos, score, metric) for score in scores])
        members.append((videos.get_indexer(part["video"]), _differences(models, rows, columns)))
    drawn = resample(over_splits(members, "mean"), len(videos), resamples=resamples, seed=seed)
    low, high = percentile_interval(drawn, level).T
    p_alone = percentile_p(drawn)
    p = holm(p_alone)
    direction = -1 if cards.METRICS[metric].lower_is_better else 1
    wins = np.where(p < 1 - level, direction * np.sign(np.nan_to_num(drawn.estimate)), 0)

    def square(upper: Array, lower: Array, diagonal: float) -> Array:
        matrix = np.full((len(predictions), len(predictions)), diagonal)
        matrix[rows, columns], matrix[columns, rows] = upper, lower
        return matrix

    return SignificanceMatrix(
        tuple(predictions),
        metric,
        square(drawn.estimate, -drawn.estimate, 0.0),
        square(low, -high, 0.0),
        square(high, -low, 0.0),
        square(p_alone, p_alone, np.nan),
        square(p, p, np.nan),
        square(wins, -wins, 0).astype(np.int64),
    )


def _pairs(models: int) -> tuple[list[int], list[int]]:
    """Return row and column of every pair of models."""
    first, second = zip(*itertools.combinations(range(models), 2), strict=True)
    return list(first), list(second)


def _differences(statistic: Statistic, first: list[int], second: list[int]) -> Statistic:
    """Return differences (R, P) between values of a statistic."""

    def difference(counts: Counts) -> Array:
        values = statistic(counts)
        return values[:, first] - values[:, second]

    return difference


def _joined(predictions: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Join all models in one table `split, video, mos, 0, 1, ...`, a column of scores for each.

    Rows are joined by split and video, never by position; any mismatch is an error.
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
                f"first {video!r}; expected predictions for the same label table"
            )
        joined = found.drop(columns="mos_other")
    return joined
