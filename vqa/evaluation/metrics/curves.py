"""Logistic mappings from scores to the MOS scale, fitted by least squares."""

import itertools
import logging
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, stats
from scipy.special import expit

from vqa.evaluation.metrics.checks import Array, checked_pair, undefined

log = logging.getLogger(__name__)

# The kinds of mapping by name, and how many parameters each has.
MAPPINGS = {"none": 0, "logistic4": 4, "logistic5": 5}


@dataclass(frozen=True, slots=True)
class Mapping:
    """A fitted mapping from scores to the MOS scale; call it with scores of any shape.

    Attributes:
        kind: `logistic4`, `logistic5` or `linear`.
        parameters: The betas of the function of that name; for `linear` slope and intercept.
    """

    kind: str
    parameters: tuple[float, ...]

    def __call__(self, score: ArrayLike) -> Array:
        """Map scores to the MOS scale."""
        curves = {"logistic4": logistic4, "logistic5": logistic5, "linear": _line}
        return curves[self.kind](np.asarray(score, dtype=np.float64), *self.parameters)


def logistic4(x: ArrayLike, b1: float, b2: float, b3: float, b4: float) -> Array:
    """`b2 + (b1 - b2) / (1 + exp(-(x - b3) / |b4|))`: levels, centre, width (VQEG 2003)."""
    return b2 + (b1 - b2) * expit((np.asarray(x, dtype=np.float64) - b3) / abs(b4))


def logistic5(x: ArrayLike, b1: float, b2: float, b3: float, b4: float, b5: float) -> Array:
    """`b1 (1/2 - 1/(1 + exp(b2 (x - b3)))) + b4 x + b5` (Sheikh et al. 2006, Eq. 8)."""
    x = np.asarray(x, dtype=np.float64)
    return b1 * (0.5 - expit(-b2 * (x - b3))) + b4 * x + b5


def fit_logistic(score: ArrayLike, mos: ArrayLike, parameters: int = 4) -> Mapping:
    """Least-squares logistic mapping from scores to MOS.

    Given centre and width the other parameters are linear, so only these two are searched for
    (Nelder-Mead from the best point of a grid): rising and falling curves alike, and no start to
    choose. The centre is held near the scores' range, the width within ten times it. The
    straight line is the limit of both curves, so where it is better than what was found (or there
    are no more videos than parameters) it is what we return: a mapping is never worse than it.

    Args:
        score: Predictions (N,).
        mos: Opinions (N,).
        parameters: 4 or 5.

    Raises:
        ValueError: Bad input, or fewer than three videos, or constant input.
    """
    if parameters not in (4, 5):
        raise ValueError(f"parameters={parameters!r}: expected 4 or 5")
    mos, score = checked_pair(mos, score)
    if reason := undefined(mos, score):
        raise ValueError(f"no mapping can be fitted: {reason}")
    line = stats.linregress(score, mos)
    linear = Mapping("linear", (float(line.slope), float(line.intercept)))
    if len(mos) <= parameters:
        log.info("%d videos for %d parameters: a straight line is fitted", len(mos), parameters)
        return linear
    centre, scale = score.mean(), score.std()
    level, spread = mos.mean(), mos.std()
    z, y = (score - centre) / scale, (mos - level) / spread
    best = _search(z, y, parameters)
    if best is None:
        log.warning("no logistic fit converged on %d videos: a straight line is used", len(mos))
        return linear
    (rise, bottom, *slope), _ = _levels(z, y, *best, parameters)
    b3, width = best[0] * scale + centre, best[1] * scale
    if parameters == 4:
        betas = ((bottom + rise) * spread + level, bottom * spread + level, b3, width)
    else:
        b4 = slope[0] * spread / scale
        b5 = (bottom + rise / 2) * spread + level - b4 * centre
        betas = (rise * spread, 1 / width, b3, b4, b5)
    fitted = Mapping(f"logistic{parameters}", tuple(float(beta) for beta in betas))
    return fitted if _rms(mos - fitted(score)) <= _rms(mos - linear(score)) else linear


def map_scores(mos: ArrayLike, score: ArrayLike, mapping: str = "logistic4") -> Array:
    """The scores (N,) on the MOS scale; with mapping `none` as they are.

    Raises:
        ValueError: Unknown mapping, or what `fit_logistic` refuses.
    """
    parameters = parameters_of(mapping)
    mos, score = checked_pair(mos, score)
    return fit_logistic(score, mos, parameters)(score) if parameters else score


def parameters_of(mapping: str) -> int:
    """How many parameters a mapping has.

    Raises:
        ValueError: Unknown mapping.
    """
    if mapping not in MAPPINGS:
        raise ValueError(f"mapping={mapping!r} is not known; expected {', '.join(MAPPINGS)}")
    return MAPPINGS[mapping]


def _line(x: Array, slope: float, intercept: float) -> Array:
    return slope * x + intercept


def _rms(residual: Array) -> float:
    return float(np.sqrt(np.mean(residual**2)))


def _search(z: Array, y: Array, parameters: int) -> tuple[float, float] | None:
    """Centre and width of the best curve on standardised data, None without convergence.

    Only these two are searched for; the rest follows from them by `_levels`.
    """

    def cost(point: ArrayLike) -> float:
        centre, log_width = point
        levels, columns = _levels(z, y, centre, math.exp(log_width), parameters)
        return _rms(y - columns @ levels)

    reach = float(np.ptp(z))
    log_widths = np.log(np.geomspace(0.02, 2.0, 7))
    starts = itertools.product(np.quantile(z, np.linspace(0.02, 0.98, 17)), log_widths)
    found = optimize.minimize(
        cost,
        min(starts, key=cost),
        method="Nelder-Mead",
        bounds=[(z.min() - reach, z.max() + reach), (math.log(1e-3), math.log(10 * reach))],
        options={"xatol": 1e-4, "fatol": 1e-7, "maxiter": 2000},
    )
    return (float(found.x[0]), math.exp(found.x[1])) if found.success else None


def _levels(
    z: Array, y: Array, centre: float, width: float, parameters: int
) -> tuple[Array, Array]:
    """Least-squares coefficients of sigmoid, constant (and z), and these columns (N, 2 or 3)."""
    columns = np.stack([expit((z - centre) / width), np.ones_like(z), z][: parameters - 2], axis=1)
    return np.linalg.lstsq(columns, y, rcond=None)[0], columns
