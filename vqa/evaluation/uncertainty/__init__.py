"""How sure a number is, and whether two models differ.

`bootstrap` gives intervals of metrics, `comparison` pits models against each other on the same
videos, `significance` has the tests in closed form. `counts`, `ranks` and `mapped` make metrics
functions of resample counts, on which all of it is built.
"""

from vqa.evaluation.uncertainty.bootstrap import (
    Resampled,
    bca_interval,
    bootstrap_interval,
    percentile_interval,
    percentile_p,
    resample,
)
from vqa.evaluation.uncertainty.counts import Statistic, on_counts, over_splits
from vqa.evaluation.uncertainty.paired import (
    SignificanceMatrix,
    compare_splits,
    paired_bootstrap,
    significance_matrix,
)
from vqa.evaluation.uncertainty.significance import (
    Difference,
    Outcome,
    corrected_resampled_t,
    f_test,
    fisher_z,
    holm,
)

__all__ = [
    "Difference",
    "Outcome",
    "Resampled",
    "SignificanceMatrix",
    "Statistic",
    "bca_interval",
    "bootstrap_interval",
    "compare_splits",
    "corrected_resampled_t",
    "f_test",
    "fisher_z",
    "holm",
    "on_counts",
    "over_splits",
    "paired_bootstrap",
    "percentile_interval",
    "percentile_p",
    "resample",
    "significance_matrix",
]
