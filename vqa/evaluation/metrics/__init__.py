"""Agreement between predicted scores and mean opinion scores.

Every function takes `mos` and `score`, each `(N,)`, in this order. `plcc` and `rmse` are measured
after a logistic mapping of the scores to the MOS scale (`fit_logistic`); `plcc_raw` and `rmse_raw`
take the scores as they are. Papers print either without saying which, so we always report both.

`METRICS` are the columns of every table. Beside them stand `pwrc` (`perceptual`), and what needs
to know how far the raters agreed: `outlier_ratio` and `rmse_star` (`uncertainty`).

What cannot be measured is `nan`, never 0: fewer than three videos, or all scores (or all MOS)
equal. A log line says why.
"""

from vqa.evaluation.metrics.agreement import (
    METRICS,
    krocc,
    lower_is_better,
    plcc,
    plcc_raw,
    rmse,
    rmse_raw,
    score_all,
    srocc,
)
from vqa.evaluation.metrics.checks import checked_pair, undefined
from vqa.evaluation.metrics.curves import (
    MAPPINGS,
    Mapping,
    fit_logistic,
    logistic4,
    logistic5,
    map_scores,
)
from vqa.evaluation.metrics.opinions import mos_ci95, outlier_ratio, rmse_star
from vqa.evaluation.metrics.perceptual import pwrc, pwrc_curve

__all__ = [
    "MAPPINGS",
    "METRICS",
    "Mapping",
    "checked_pair",
    "fit_logistic",
    "krocc",
    "logistic4",
    "logistic5",
    "lower_is_better",
    "map_scores",
    "mos_ci95",
    "outlier_ratio",
    "plcc",
    "plcc_raw",
    "pwrc",
    "pwrc_curve",
    "rmse",
    "rmse_raw",
    "rmse_star",
    "score_all",
    "srocc",
    "undefined",
]
