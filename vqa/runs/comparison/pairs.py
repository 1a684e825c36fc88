"""Which of two models is better: every pair's difference over the shared splits, with its tests.

The bootstrap draws its resamples of the videos once for all pairs, and Holm adjusts its p for their
number: it alone decides. The t-test and the F-test stand beside it because papers use them.
"""

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import pandas as pd

from vqa.evaluation.uncertainty import corrected_resampled_t, f_test, significance_matrix
from vqa.protocols.splits import Split

LEVEL = 0.95


def tested_pairs(
    predictions: Mapping[str, pd.DataFrame],
    results: Mapping[str, Mapping[str, Any]],
    splits: Sequence[Split],
    metric: str,
    *,
    resamples: int,
    seed: int,
) -> list[dict[str, Any]]:
    """Every pair of models: its mean difference over splits (a minus b) and what tests say of it.

    Args:
        predictions: By model's label columns `split, video, mos, score`, all of the same videos.
        results: By label what `vqa.evaluation.results.summarise` made of them.
        splits: The shared splits.
        metric: What pairs are compared by.
        resamples: Of the paired bootstrap.
        seed: Of the paired bootstrap.

    Returns:
        Per pair `a`, `b`, `metric`, `difference`, `interval` (two ends), `p_bootstrap`, `p_t` (None
        for a single split), `p_f` (median over splits), `p_holm`, and `better`: the label of the
        model that is significantly better, or None.
    """
    options = {"resamples": resamples, "level": LEVEL, "seed": seed}
    matrix = significance_matrix(predictions, metric, **options)
    pairs = []
    for (i, a), (j, b) in combinations(enumerate(matrix.models), 2):
        one, two = (results[label]["splits"] for label in (a, b))
        pairs.append(
            {
                "a": a,
                "b": b,
                "metric": metric,
                "difference": float(matrix.difference[i, j]),
                "interval": [float(matrix.low[i, j]), float(matrix.high[i, j])],
                "p_bootstrap": float(matrix.p_alone[i, j]),
                "p_t": _t_test(one, two, splits, metric),
                "p_f": statistics.median(list(_f_tests(one, two, splits)) or [math.nan]),
                "p_holm": float(matrix.p[i, j]),
                "better": {1: a, -1: b}.get(int(matrix.better[i, j])),
            }
        )
    return pairs


def _t_test(
    one: Mapping[str, Any], two: Mapping[str, Any], splits: Sequence[Split], metric: str
) -> float | None:
    """P of the corrected resampled t-test on splits where both are defined; None below two."""
    differences = [one[split.name][metric] - two[split.name][metric] for split in splits]
    known = [value for value in differences if not math.isnan(value)]
    if len(known) < 2:
        return None
    return corrected_resampled_t(known, len(splits[0].train), len(splits[0].test)).p


def _f_tests(
    one: Mapping[str, Any], two: Mapping[str, Any], splits: Sequence[Split]
) -> Iterator[float]:
    """P of the F-test of each split on which both models have residuals.

    It is meant for independent sets; of models on the same videos it finds too little.
    """
    for split in splits:
        n, rmse = len(split.test), (one[split.name]["rmse"], two[split.name]["rmse"])
        if n > 4 and all(value > 0 for value in rmse):
            yield f_test(rmse[0], n, rmse[1], n).p
