"""Statistics on resample counts: what the bootstrap resamples.

One draw of counts serves all metrics, models and splits, so splits that share videos are resampled
together.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from vqa.evaluation.metrics import cards
from vqa.evaluation.metrics.checks import Array, checked_pair, undefined
from vqa.evaluation.metrics.on_counts import Counts, Form, Sums
from vqa.evaluation.metrics.together import naming

if TYPE_CHECKING:
    import pandas as pd

# From counts (R, N) to values (R, K), NaN where undefined.
Statistic = Callable[[Counts], Array]
# Draws made at once; their table stays in the processor's cache.
DRAWS_AT_ONCE = 2**16


def draw_counts(rng: np.random.Generator, rows: int, videos: int) -> Counts:
    """Draw `videos` times with replacement in each row; return the counts (rows, videos)."""
    counts = np.zeros((rows, videos), np.float32)
    some = max(1, DRAWS_AT_ONCE // max(1, videos))
    for begin in range(0, rows if videos else 0, some):
        part = counts[begin : begin + some]
        drawn = rng.integers(0, videos, size=part.shape)
        drawn += videos * np.arange(len(part))[:, None]
        part[:] = np.bincount(drawn.ravel(), minlength=part.size).reshape(part.shape)
    return counts


def on_counts(mos: ArrayLike, score: ArrayLike, *metrics: str) -> Statistic:
    """Combine metrics into one function of resample counts.

    Args:
        mos: Opinions (N,).
        score: Predictions (N,).
        *metrics: K names of `vqa.evaluation.metrics.cards.rankable()`.

    Returns:
        From counts (R, N), where row r draws video i `counts[r, i]` times, to values (R, K); NaN
        on rows with fewer than three draws or without variation.

    Raises:
        MetricError: The form of a metric failed.
        ValueError: No or unknown metrics, or values that are not finite.
    """
    mos, score = checked_pair(mos, score)
    wrong = [metric for metric in metrics if metric not in cards.rankable()]
    if wrong or not metrics:
        found = ", ".join(map(repr, wrong)) or "none"
        raise ValueError(f"metrics: expected some of {', '.join(cards.rankable())}; found {found}")
    chosen = [cards.METRICS[metric] for metric in metrics]
    defined = undefined(mos, score) is None
    made: dict[Form, Callable[[Counts], Array] | Sums] = {}
    for card in chosen:
        if (defined or not card.needs_variation) and card.on_counts.form not in made:
            with naming(card):
                made[card.on_counts.form] = card.on_counts.form(mos, score)
    # The order of the columns is part of the rounding of stored intervals: do not change it.
    sums = {form: made[form] for form in reversed(made) if isinstance(made[form], Sums)}
    columns = np.hstack([np.empty((len(mos), 0)), *(part.columns for part in sums.values())])
    ends = np.cumsum([part.columns.shape[1] for part in sums.values()])

    def statistic(counts: Counts) -> Array:
        drawn = counts.sum(axis=1).astype(np.float64)
        parts = np.split(counts.astype(np.float64) @ columns, ends, axis=1)
        totals = dict(zip(sums, parts, strict=False))
        values: dict[Form, Array] = {}
        result = np.full((len(counts), len(chosen)), np.nan)
        for place, card in enumerate(chosen):
            form, column = card.on_counts.form, card.on_counts.column
            if form not in made:
                continue
            with naming(card):
                if form in totals and form not in values:
                    values[form] = made[form].finish(totals[form], drawn)
                elif form not in values:
                    values[form] = made[form](counts)
                result[:, place] = values[form].reshape(len(counts), -1)[:, column]
        return result

    return statistic


def side_by_side(statistics: Sequence[Statistic]) -> Statistic:
    """Join statistics of the same videos; their values follow one another."""
    return lambda counts: np.concatenate([statistic(counts) for statistic in statistics], axis=1)


def of_predictions(
    predictions: "pd.DataFrame",
    videos: "pd.Index",
    statistic: Callable[[Array, Array], Statistic],
    combine: str = "median",
) -> Statistic:
    """Combine a statistic over the splits of stored predictions.

    Args:
        predictions: Columns `split, video, mos, score`.
        videos: All videos that are drawn (N).
        statistic: Makes the statistic of a split from its MOS (n,) and scores (n,).
        combine: As for `over_splits`.

    Returns:
        A function of counts over `videos`.
    """
    members = [
        (
            videos.get_indexer(part["video"]),
            statistic(part["mos"].to_numpy(float), part["score"].to_numpy(float)),
        )
        for _, part in predictions.groupby("split", sort=False)
    ]
    return over_splits(members, combine)


def over_splits(
    members: Sequence[tuple[ArrayLike, Statistic]], combine: str = "median"
) -> Statistic:
    """Combine a statistic over splits, as a function of counts over all their videos.

    Args:
        members: Per split the positions (n,) of its videos among all N, and its statistic.
        combine: `median` or `mean` over the splits on which the statistic is defined.

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
