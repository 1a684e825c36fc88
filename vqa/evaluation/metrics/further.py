"""Metrics that stand beside the table: by other mappings, by pairs, by what the raters agree on."""

import math

from numpy.typing import ArrayLike

from vqa.evaluation.metrics.agreement import plcc, rmse
from vqa.evaluation.metrics.checks import checked_pair, undefined
from vqa.evaluation.metrics.opinions import outlier_ratio, rmse_star
from vqa.evaluation.metrics.perceptual import pwrc

FURTHER = {
    "pwrc": "PWRC",
    "plcc_logistic5": "PLCC (5-parameter mapping)",
    "rmse_logistic5": "RMSE (5-parameter mapping)",
    "outlier_ratio": "outlier ratio",
    "rmse_star": "RMSE*",
}


def further(mos: ArrayLike, score: ArrayLike, ci95: ArrayLike | None = None) -> dict[str, float]:
    """All of `FURTHER`; nan where undefined, the last two also where no `ci95` is known.

    Args:
        mos: Opinions (N,).
        score: Predictions (N,).
        ci95: Half-widths (N,) of the confidence intervals of the MOS, as from `mos_ci95`.

    Raises:
        ValueError: Lengths differ, or a value is not finite.
    """
    values = dict.fromkeys(FURTHER, math.nan)
    if undefined(*checked_pair(mos, score)):
        return values
    values |= {
        "pwrc": pwrc(mos, score),
        "plcc_logistic5": plcc(mos, score, "logistic5"),
        "rmse_logistic5": rmse(mos, score, "logistic5"),
    }
    if ci95 is not None:
        values["outlier_ratio"] = outlier_ratio(mos, score, ci95)
        values["rmse_star"] = rmse_star(mos, score, ci95)
    return values
