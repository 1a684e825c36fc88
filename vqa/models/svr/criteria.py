"""Criteria that judge the candidates of the grid on the inner validation part."""

from collections.abc import Callable

import numpy as np
from scipy import optimize
from scipy.special import expit

from vqa.evaluation.metrics import logistic4
from vqa.models.svr.preprocessing import Array

PARAMETERS = 4
# Fits to real data take a few hundred steps. Further steps of a slow fit change nothing that
# matters.
MAX_STEPS = 5000
USABLE = (1, 2, 3, 4, 5)  # MINPACK's codes: converged by one of its rules, or out of steps


def logistic_rmse(score: Array, mos: Array) -> float:
    """Return the root mean square error after a 4-parameter logistic fit.

    The fit is the local one of the published scripts: Levenberg-Marquardt, starting from the
    extremes of the MOS, the mean score and a width of 0.5. (`vqa.evaluation.metrics.fit_logistic`
    searches globally, which takes longer.) The scores are used unmapped if the fit fails or if
    there are no more videos than parameters.
    """
    mapped = _mapped(score, mos)
    error = mos - (score if mapped is None else mapped)
    return float(np.sqrt(np.mean(error**2)))


def r2(score: Array, mos: Array) -> float:
    """Return the coefficient of determination of unmapped scores; 0 if all MOS are equal."""
    spread = np.sum((mos - mos.mean()) ** 2)
    return float(1 - np.sum((mos - score) ** 2) / spread) if spread else 0.0


# By name: the function, and the function that picks the best of its values.
CRITERIA: dict[str, tuple[Callable[[Array, Array], float], Callable]] = {
    "logistic_rmse": (logistic_rmse, min),
    "r2": (r2, max),
}


def _mapped(score: Array, mos: Array) -> Array | None:
    """Map scores to the MOS scale; None if no curve was found."""
    if len(mos) <= PARAMETERS:
        return None

    def error(betas: Array) -> Array:
        return logistic4(score, *betas) - mos

    def slopes(betas: Array) -> Array:
        b1, b2, b3, b4 = betas
        z = (score - b3) / abs(b4)
        rise = expit(z)
        steep = (b1 - b2) * rise * (1 - rise) / abs(b4)
        return np.stack([rise, 1 - rise, -steep, -steep * z * np.sign(b4)])

    start = (mos.max(), mos.min(), score.mean(), 0.5)
    # A fit can fail by shrinking the width to 0, which divides by zero.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        betas, *_, code = optimize.leastsq(
            error, start, Dfun=slopes, col_deriv=True, full_output=True, maxfev=MAX_STEPS
        )
        mapped = logistic4(score, *betas)
    return mapped if code in USABLE and np.isfinite(mapped).all() else None
