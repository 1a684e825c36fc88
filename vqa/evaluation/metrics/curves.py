"""Logistic curves from scores to the MOS scale, fitted by least squares."""

import itertools
import logging
import math
import sys
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from vqa.evaluation.metrics.checks import Array, checked_pair, undefined

log = logging.getLogger(__name__)

# The curves that metrics know by name, with their number of parameters.
CURVES = {"none": 0, "logistic4": 4, "logistic5": 5}


@dataclass(frozen=True, slots=True)
class Curve:
    """A fitted curve from scores to the MOS scale; call it with scores of any shape.

    Attributes:
        kind: `logistic4`, `logistic5` or `linear`.
        parameters: The betas of the function of that name; for `linear` slope and intercept.

    Raises:
        ValueError: An unknown kind, or other parameters than it takes.
    """

    kind: str
    parameters: tuple[float, ...]

    def __post_init__(self) -> None:
        count = {"linear": 2, "logistic4": 4, "logistic5": 5}.get(self.kind)
        numbers = [value for value in self.parameters if isinstance(value, int | float)]
        if count is None or not len(numbers) == len(self.parameters) == count:
            raise ValueError(
                f"curve {self.kind} with {self.parameters}: expected linear with 2, logistic4 with "
                "4 or logistic5 with 5 numbers"
            )

    def __call__(self, score: ArrayLike) -> Array:
        """Map scores to the MOS scale."""
        functions = {"logistic4": logistic4, "logistic5": logistic5, "linear": _line}
        return functions[self.kind](np.asarray(score, dtype=np.float64), *self.parameters)


def logistic4(x: ArrayLike, b1: float, b2: float, b3: float, b4: float) -> Array:
    """`b2 + (b1 - b2) / (1 + exp(-(x - b3) / |b4|))`: levels, centre, width (VQEG 2003)."""
    return b2 + (b1 - b2) * sigmoid((np.asarray(x, dtype=np.float64) - b3) / abs(b4))


def logistic5(x: ArrayLike, b1: float, b2: float, b3: float, b4: float, b5: float) -> Array:
    """`b1 (1/2 - 1/(1 + exp(b2 (x - b3)))) + b4 x + b5` (Sheikh et al. 2006, Eq. 8)."""
    x = np.asarray(x, dtype=np.float64)
    return b1 * (0.5 - sigmoid(-b2 * (x - b3))) + b4 * x + b5


def sigmoid(x: Array) -> Array:
    """Logistic function `1 / (1 + exp(-x))` of float64 values of any shape.

    `scipy.special.expit` computes it if SciPy is loaded. If not, the same C function `exp` gives
    the same values, bit for bit (NumPy's own `exp` rounds differently), so that a trained model can
    score a video without the time that the import of SciPy takes.
    """
    if expit := getattr(sys.modules.get("scipy.special"), "expit", None):
        return expit(x)
    values = [_sigmoid(value) for value in np.ravel(x).tolist()]
    return np.array(values, dtype=np.float64).reshape(np.shape(x))


def fit_logistic(score: ArrayLike, mos: ArrayLike, parameters: int = 4) -> Curve:
    """Fit a logistic curve from scores to MOS by least squares.

    Given centre and width, the other parameters are linear. Only these two are searched for, by
    Nelder-Mead from the best point of a grid, so rising and falling curves are found alike and no
    start has to be chosen. The centre is kept near the range of the scores, the width within ten
    times that range. The straight line is the limit of both curves. It is returned if it fits
    better than the curve, or if there are no more videos than parameters: the result is never
    worse than the line.

    Args:
        score: Predictions (N,).
        mos: Opinions (N,).
        parameters: 4 or 5.

    Raises:
        ValueError: Bad input, fewer than three videos, or constant input.

    Examples:
        >>> from vqa.evaluation.metrics import fit_logistic
        >>> score = [10, 20, 30, 40, 50, 60, 70, 80]
        >>> curve = fit_logistic(score, mos=[1.0, 1.1, 1.3, 2.0, 4.0, 4.7, 4.9, 5.0])
        >>> curve.kind
        'logistic4'
        >>> curve([25, 45, 65]).round(1).tolist()
        [1.1, 3.0, 4.9]
    """
    if parameters not in (4, 5):
        raise ValueError(f"parameters={parameters!r}: expected 4 or 5")
    mos, score = checked_pair(mos, score)
    if reason := undefined(mos, score):
        raise ValueError(f"no curve can be fitted: {reason}")
    return _fitted(score.tobytes(), mos.tobytes(), parameters)


# Metrics, intervals, the name of the curve and the page need the same fits, of every split.
@lru_cache(maxsize=32)
def _fitted(score: bytes, mos: bytes, parameters: int) -> Curve:
    """Fit a curve to checked scores and MOS, the bytes of float64 arrays."""
    from scipy import stats

    score, mos = np.frombuffer(score), np.frombuffer(mos)
    line = stats.linregress(score, mos)
    linear = Curve("linear", (float(line.slope), float(line.intercept)))
    if len(mos) <= parameters:
        log.info("%d videos for %d parameters: fitted a straight line", len(mos), parameters)
        return linear
    centre, scale = score.mean(), score.std()
    level, spread = mos.mean(), mos.std()
    z, y = (score - centre) / scale, (mos - level) / spread
    best = _search(z, y, parameters)
    if best is None:
        log.warning("no logistic fit converged on %d videos: used a straight line", len(mos))
        return linear
    (rise, bottom, *slope), _ = _levels(z, y, *best, parameters)
    b3, width = best[0] * scale + centre, best[1] * scale
    if parameters == 4:
        betas = ((bottom + rise) * spread + level, bottom * spread + level, b3, width)
    else:
        b4 = slope[0] * spread / scale
        b5 = (bottom + rise / 2) * spread + level - b4 * centre
        betas = (rise * spread, 1 / width, b3, b4, b5)
    fitted = Curve(f"logistic{parameters}", tuple(float(beta) for beta in betas))
    return fitted if _rms(mos - fitted(score)) <= _rms(mos - linear(score)) else linear


def map_scores(mos: ArrayLike, score: ArrayLike, curve: str = "logistic4") -> Array:
    """Return the scores (N,) on the MOS scale; with curve `none` unchanged.

    Raises:
        ValueError: Unknown curve, or input that `fit_logistic` refuses.
    """
    parameters = parameters_of(curve)
    mos, score = checked_pair(mos, score)
    return fit_logistic(score, mos, parameters)(score) if parameters else score


def parameters_of(curve: str) -> int:
    """Return the number of parameters of a curve, by its name.

    Raises:
        ValueError: Unknown curve.
    """
    if curve not in CURVES:
        raise ValueError(f"curve={curve!r}: expected {', '.join(CURVES)}")
    return CURVES[curve]


def _sigmoid(x: float) -> float:
    try:
        return 1 / (1 + math.exp(-x))
    except OverflowError:
        return 0.0


def _line(x: Array, slope: float, intercept: float) -> Array:
    return slope * x + intercept


def _rms(residual: Array) -> float:
    return float(np.sqrt(np.mean(residual**2)))


def _search(z: Array, y: Array, parameters: int) -> tuple[float, float] | None:
    """Find centre and width of the best curve on standardised data; None without convergence.

    The other parameters follow from these two by `_levels`.
    """
    from scipy import optimize

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
    """Fit the coefficients of sigmoid, constant (and z); also return these columns (N, 2 or 3)."""
    columns = np.empty((len(z), parameters - 2))
    columns[:, 0], columns[:, 1] = sigmoid((z - centre) / width), 1.0
    columns[:, 2:] = z[:, None]
    return np.linalg.lstsq(columns, y, rcond=None)[0], columns
