"""Agreement between predicted scores and mean opinion scores.

Every function takes `mos` and `score`, each `(N,)`, in this order. `plcc` and `rmse` are measured
after a logistic curve has mapped the scores to the MOS scale (`fit_logistic`); `plcc_raw` and
`rmse_raw` take the scores as they are. Papers print either without saying which, so we always
report both.

`cards.METRICS` lists all metrics: the columns of every table, and those reported alongside, such as
`pwrc` and the ones that need to know how far the raters agree (`outlier_ratio`, `rmse_star`).

An undefined metric is NaN, never 0: fewer than three videos, or constant scores or MOS. A log line
gives the reason.
"""

from vqa.evaluation.metrics.agreement import krocc, plcc, plcc_raw, rmse, rmse_raw, srocc
from vqa.evaluation.metrics.cards import METRICS, Metric
from vqa.evaluation.metrics.checks import checked_pair, undefined
from vqa.evaluation.metrics.curves import (
    CURVES,
    Curve,
    fit_logistic,
    logistic4,
    logistic5,
    map_scores,
)
from vqa.evaluation.metrics.perceptual import pwrc, pwrc_curve
from vqa.evaluation.metrics.raters import mos_ci95, outlier_ratio, rmse_star
from vqa.evaluation.metrics.together import MetricError, score_all

__all__ = [
    "CURVES",
    "METRICS",
    "Curve",
    "Metric",
    "MetricError",
    "checked_pair",
    "fit_logistic",
    "krocc",
    "logistic4",
    "logistic5",
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
