"""Uncertainty of a metric, and differences between models.

`bootstrap` gives intervals, `paired` compares models on the same videos, `significance` has tests
in closed form, `changes` compares two scores of the same videos. All resampling works on `counts`.
"""

from vqa.evaluation.uncertainty.bootstrap import (
    Resampled,
    bca_interval,
    percentile_interval,
    percentile_p,
    resample,
)
from vqa.evaluation.uncertainty.changes import Change, change
from vqa.evaluation.uncertainty.counts import Statistic, on_counts, over_splits
from vqa.evaluation.uncertainty.paired import SignificanceMatrix, significance_matrix
from vqa.evaluation.uncertainty.significance import (
    Difference,
    Outcome,
    corrected_resampled_t,
    f_test,
    fisher_z,
    holm,
)

__all__ = [
    "Change",
    "Difference",
    "Outcome",
    "Resampled",
    "SignificanceMatrix",
    "Statistic",
    "bca_interval",
    "change",
    "corrected_resampled_t",
    "f_test",
    "fisher_z",
    "holm",
    "on_counts",
    "over_splits",
    "percentile_interval",
    "percentile_p",
    "resample",
    "significance_matrix",
]
