"""A number of a table: a metric of stored predictions, or a weighted sum of several such metrics.

Averages over databases and differences of models are such sums. Terms that were tested on one
database are resampled together, so what they share cancels in a difference; databases are drawn
independently of each other.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from vqa.evaluation.metrics import cards, score_all, undefined
from vqa.evaluation.metrics.checks import Array
from vqa.evaluation.uncertainty.bootstrap import (
    Resampled,
    bca_interval,
    percentile_interval,
    resample,
)
from vqa.evaluation.uncertainty.counts import Statistic, of_predictions, on_counts

# Pairs of videos times resamples, for metrics that are computed anew on each resample.
MOST_PAIRS = 2e8
FEWEST_RESAMPLES = 200


@dataclass(frozen=True, slots=True)
class Term:
    """One term of a combination.

    Attributes:
        weight: Its factor.
        database: Key of the database it was tested on.
        predictions: Columns `split, video, mos, score`.
    """

    weight: float
    database: str
    predictions: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Combined:
    """A number with its interval.

    Attributes:
        value: NaN if a term is undefined.
        low: Lower end of the interval, NaN if there is none.
        high: Upper end.
        std: Deviation over the splits (n - 1 in the divisor), of a single term with several.
        std_population: The same with n in the divisor.
        splits: Number of splits.
        videos: Number of different test videos.
    """

    value: float
    low: float
    high: float
    std: float
    std_population: float
    splits: int
    videos: int


def combined(
    terms: Sequence[Term],
    metric: str,
    *,
    aggregate: str = "median",
    resamples: int = 2000,
    level: float = 0.95,
) -> Combined:
    """Compute a weighted sum of a metric over several tests.

    Args:
        terms: At least one.
        metric: Name of a metric's card.
        aggregate: Over the splits of each term: `median` or `mean`.
        resamples: Number of bootstrap resamples over videos; fewer for a metric without a form on
            resample counts, of many videos.
        level: Coverage of the interval: BCa for one term of one split, else percentiles.

    Examples:
        >>> import pandas as pd
        >>> from vqa.evaluation.combinations import Term, combined
        >>> scores = {"mos": [1.0, 2, 3, 4], "score": [1.0, 2, 4, 3]}
        >>> test = pd.DataFrame({"split": "split0", "video": list("abcd"), **scores})
        >>> round(combined([Term(1, "konvid", test)], "srocc", resamples=50).value, 3)
        0.8
        >>> combined([Term(1, "a", test), Term(-1, "a", test)], "srocc", resamples=50).high
        0.0
    """
    groups: dict[str, list[Term]] = {}
    for term in terms:
        groups.setdefault(term.database, []).append(term)
    drawn = [
        _drawn(group, metric, aggregate, resamples, seed)
        for seed, group in enumerate(groups.values())
    ]
    fewest = min(len(one.values) for one in drawn)
    total = Resampled(
        estimate=np.sum([one.estimate for one in drawn], axis=0),
        values=np.sum([one.values[:fewest] for one in drawn], axis=0),
        jackknife=drawn[0].jackknife,
    )
    of_terms = [_of_splits(term.predictions, metric) for term in terms]
    per_split = of_terms[0]
    single = len(terms) == 1 and len(per_split) == 1
    interval = bca_interval(total, level) if single else percentile_interval(total, level)
    (low, high) = interval[0].tolist()
    value = sum(
        term.weight * _central(values, aggregate)
        for term, values in zip(terms, of_terms, strict=True)
    )
    known = per_split[~np.isnan(per_split)]
    spread = len(terms) == 1 and len(known) > 1
    return Combined(
        value=float(value),
        low=low,
        high=high,
        std=float(known.std(ddof=1)) if spread else math.nan,
        std_population=float(known.std()) if spread else math.nan,
        splits=len(per_split),
        videos=sum(_videos(group).size for group in groups.values()),
    )


def _drawn(
    group: Sequence[Term], metric: str, aggregate: str, resamples: int, seed: int
) -> Resampled:
    """Resample the weighted sum of terms that were tested on one database."""
    videos = _videos(group)
    weights = [term.weight for term in group]
    of_split = on_counts if metric in cards.rankable() else _anew
    statistics = [
        of_predictions(term.predictions, videos, lambda *pair: of_split(*pair, metric), aggregate)
        for term in group
    ]

    def statistic(counts: Array) -> Array:
        parts = [weight * one(counts) for weight, one in zip(weights, statistics, strict=True)]
        return np.sum(parts, axis=0)

    if metric not in cards.rankable():
        affordable = int(MOST_PAIRS / max(1, len(videos)) ** 2)
        resamples = min(resamples, max(FEWEST_RESAMPLES, affordable))
    return resample(statistic, len(videos), resamples=resamples, seed=seed)


def _anew(mos: Array, score: Array, metric: str) -> Statistic:
    """Compute a metric that has no form on counts on each resample; NaN if it needs a curve."""
    card = cards.METRICS[metric]

    def value(counts: Array) -> float:
        times = counts.astype(int)
        drawn = np.repeat(mos, times), np.repeat(score, times)
        unknown = card.curve != "none" or card.needs_ci95 or undefined(*drawn)
        return math.nan if unknown else float(card.function(*drawn))

    return lambda counts: np.array([[value(row)] for row in counts])


def _central(values: Array, aggregate: str) -> float:
    """Return the median or mean of a metric over the splits on which it is defined."""
    known = values[~np.isnan(values)]
    if not len(known):
        return math.nan
    return float(np.median(known) if aggregate == "median" else np.mean(known))


def _of_splits(predictions: pd.DataFrame, metric: str) -> Array:
    """Return the metric of each split (S,)."""
    return np.array(
        [
            score_all(part["mos"].to_numpy(float), part["score"].to_numpy(float), names=[metric])[
                metric
            ]
            for _, part in predictions.groupby("split", sort=False)
        ]
    )


def _videos(group: Sequence[Term]) -> pd.Index:
    return pd.Index(pd.concat([term.predictions["video"] for term in group]).unique())
