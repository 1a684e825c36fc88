"""Compute the results of predictions: every number that we print comes from here."""

import logging
import math
from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd

from vqa.evaluation.metrics import cards, fit_logistic, score_all, undefined
from vqa.evaluation.predictions import check_predictions
from vqa.evaluation.results import Bootstrap, Interval, Results, SplitResults, Summary
from vqa.evaluation.uncertainty.bootstrap import (
    Resampled,
    bca_interval,
    percentile_interval,
    resample,
)
from vqa.evaluation.uncertainty.counts import Statistic, on_counts, over_splits

log = logging.getLogger(__name__)


def summarise(
    predictions: pd.DataFrame,
    *,
    ci95: pd.Series | None = None,
    resamples: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> Results:
    """Compute all metrics of every split, and their summary over the splits.

    The interval of the summary is that of the median over splits (for one split, that of its
    value). Whole videos are resampled, in all splits that test them at once, and the median is
    taken again. So repeated splits of one small database do not pass as independent. The trained
    models stay fixed.

    Args:
        predictions: Columns `split, video, mos, score`.
        ci95: By video the half-width of the confidence interval of its MOS. Metrics that need it
            are NaN in splits with a video that it lacks.
        resamples: Number of bootstrap resamples.
        level: Coverage of the intervals.
        seed: Seed of the bootstrap.

    Raises:
        ValueError: Missing columns, no rows, a video twice in a split, values that are not finite,
            or a metric that failed (`MetricError`); the text names the split.

    Examples:
        >>> import pandas as pd
        >>> from vqa.evaluation.summary import summarise
        >>> scores = {"mos": [1.2, 2.0, 2.9, 3.5, 4.4], "score": [1.5, 1.9, 3.1, 3.0, 4.6]}
        >>> predictions = pd.DataFrame({"split": "split0", "video": list("abcde"), **scores})
        >>> results = summarise(predictions, resamples=100)
        >>> round(results.summary.value("srocc"), 2), round(results.summary.value("rmse_raw"), 2)
        (0.9, 0.29)
    """
    check_predictions(predictions)
    settings = Bootstrap(resamples, level, seed)
    parts = {str(name): part for name, part in predictions.groupby("split", sort=False)}
    splits, statistics = {}, {}
    for name, part in parts.items():
        splits[name], statistics[name] = _split_results(name, part, settings, ci95)
    videos = predictions["video"].unique()
    if len(parts) == 1:
        intervals = next(iter(splits.values())).intervals
    else:
        members = [
            (pd.Index(videos).get_indexer(part["video"]), statistics[name])
            for name, part in parts.items()
        ]
        # Over splits that share videos BCa covers less than it states; percentiles do not.
        intervals = _intervals(over_splits(members), len(videos), settings, percentile_interval)
    table, alongside = cards.table(), cards.alongside()
    known = {name: _known(splits.values(), name) for name in (*table, *alongside)}
    summary = Summary(
        splits=len(parts),
        videos=len(videos),
        predictions=len(predictions),
        median={name: _median(known[name]) for name in table},
        mean={name: float(known[name].mean()) if len(known[name]) else math.nan for name in table},
        std={name: _std(known[name]) for name in table},
        intervals=intervals,
        undefined={name: len(parts) - len(known[name]) for name in table},
        alongside={name: _median(known[name]) for name in alongside},
    )
    return Results(splits, summary, settings)


def _split_results(
    name: str, part: pd.DataFrame, settings: Bootstrap, ci95: pd.Series | None
) -> tuple[SplitResults, Statistic]:
    """Compute metrics, curve and intervals of one split; also return its statistic on counts."""
    mos, score = part["mos"].to_numpy(float), part["score"].to_numpy(float)
    spread = None if ci95 is None else part["video"].map(ci95).to_numpy(float)
    if spread is not None and not np.isfinite(spread).all():
        spread = None
    try:
        values = score_all(mos, score, spread)
        # All metrics with intervals, as a function of counts over the videos of the split.
        statistic = on_counts(mos, score, *cards.rankable())
        intervals = _intervals(statistic, len(mos), settings, bca_interval)
    except ValueError as error:
        raise ValueError(f"split {name}: {error}") from error
    curve = None if undefined(mos, score) else fit_logistic(score, mos).kind
    if curve == "linear":
        log.info("split %s: plcc and rmse are after a straight line, not a logistic curve", name)
    results = SplitResults(
        n=len(mos),
        table={metric: values[metric] for metric in cards.table()},
        alongside={metric: values[metric] for metric in cards.alongside()},
        intervals=intervals,
        curve=curve,
    )
    return results, statistic


def _intervals(
    statistic: Statistic,
    videos: int,
    settings: Bootstrap,
    interval_of: Callable[[Resampled, float], np.ndarray],
) -> dict[str, Interval]:
    """Return both ends of each metric's interval, from one draw of resamples."""
    drawn = resample(statistic, videos, resamples=settings.resamples, seed=settings.seed)
    ends = interval_of(drawn, settings.level).tolist()
    return {name: (low, high) for name, (low, high) in zip(cards.rankable(), ends, strict=True)}


def _known(splits: Iterable[SplitResults], metric: str) -> np.ndarray:
    """Return the values of a metric on the splits where it is defined."""
    values = np.array([split.value(metric) for split in splits])
    return values[~np.isnan(values)]


def _median(known: np.ndarray) -> float:
    return float(np.median(known)) if len(known) else math.nan


def _std(known: np.ndarray) -> float:
    return float(known.std(ddof=1)) if len(known) > 1 else math.nan
