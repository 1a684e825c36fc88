"""Significance of the difference of every pair of models over the shared splits.

The bootstrap draws its resamples of the videos once for all pairs, and Holm adjusts its p values
for their number: only this decides which model is better. The t-test and the F-test are reported
alongside because papers use them.
"""

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import pandas as pd

from vqa.evaluation.results import Results
from vqa.evaluation.uncertainty import corrected_resampled_t, f_test, significance_matrix
from vqa.protocols.splits import Split

LEVEL = 0.95


def tested_pairs(
    predictions: Mapping[str, pd.DataFrame],
    results: Mapping[str, Results],
    splits: Sequence[Split],
    metric: str,
    *,
    resamples: int,
    seed: int,
) -> list[dict[str, Any]]:
    """Test every pair of models: the mean difference over splits (a minus b) and its p values.

    Args:
        predictions: By label of the model columns `split, video, mos, score`, all of the same
            videos.
        results: By label the results of these predictions.
        splits: The shared splits.
        metric: Metric that pairs are compared by.
        resamples: Resamples of the paired bootstrap.
        seed: Seed of the paired bootstrap.

    Returns:
        Per pair `a`, `b`, `metric`, `difference`, `interval` (two ends), `p_bootstrap`, `p_t` (None
        for a single split), `p_f` (median over splits), `p_holm`, and `better`: the label of the
        significantly better model, or None.
    """
    options = {"resamples": resamples, "level": LEVEL, "seed": seed}
    matrix = significance_matrix(predictions, metric, **options)
    pairs = []
    for (i, a), (j, b) in combinations(enumerate(matrix.models), 2):
        pairs.append(
            {
                "a": a,
                "b": b,
                "metric": metric,
                "difference": float(matrix.difference[i, j]),
                "interval": [float(matrix.low[i, j]), float(matrix.high[i, j])],
                "p_bootstrap": float(matrix.p_alone[i, j]),
                "p_t": _t_test(results[a], results[b], splits, metric),
                "p_f": statistics.median(
                    list(_f_tests(results[a], results[b], splits)) or [math.nan]
                ),
                "p_holm": float(matrix.p[i, j]),
                "better": {1: a, -1: b}.get(int(matrix.better[i, j])),
            }
        )
    return pairs


def _t_test(a: Results, b: Results, splits: Sequence[Split], metric: str) -> float | None:
    """Return p of the corrected resampled t-test; None if fewer than two splits are defined."""
    names = [split.name for split in splits]
    differences = [a.splits[name].value(metric) - b.splits[name].value(metric) for name in names]
    known = [value for value in differences if not math.isnan(value)]
    if len(known) < 2:
        return None
    return corrected_resampled_t(known, len(splits[0].train), len(splits[0].test)).p


def _f_tests(a: Results, b: Results, splits: Sequence[Split]) -> Iterator[float]:
    """Yield p of the F-test of each split on which both models have residuals.

    The test is meant for independent sets; for models on the same videos it finds too little.
    """
    for split in splits:
        n, rmse = len(split.test), [one.splits[split.name].value("rmse") for one in (a, b)]
        if n > 4 and all(value > 0 for value in rmse):
            yield f_test(rmse[0], n, rmse[1], n).p
