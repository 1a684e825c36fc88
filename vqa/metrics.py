"""Agreement between predicted scores and mean opinion scores.

Every function takes `mos` and `score`, each `(N,)`, in this order. `plcc` and `rmse` are measured
after a logistic mapping of the scores to the MOS scale (`fit_logistic`); `plcc_raw` and `rmse_raw`
take the scores as they are. Papers print either without saying which, so we always report both.

What cannot be measured is `nan`, never 0: fewer than three videos, or all scores (or all MOS)
equal. A log line says why.
"""

import itertools
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats
from scipy.special import expit

log = logging.getLogger(__name__)

METRICS = ("srocc", "krocc", "plcc", "plcc_raw", "rmse", "rmse_raw")
MIN_VIDEOS = 3
# The same bound under which scipy.stats.pearsonr calls an input nearly constant.
CONSTANT_TOLERANCE = 1e-13

Array = NDArray[np.float64]


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


def srocc(mos: ArrayLike, score: ArrayLike) -> float:
    """Spearman's rank-order correlation, ties at their average rank."""
    return _measure("srocc", _srocc, mos, score)


def krocc(mos: ArrayLike, score: ArrayLike) -> float:
    """Kendall's rank-order correlation tau-b."""
    return _measure("krocc", _krocc, mos, score)


def plcc_raw(mos: ArrayLike, score: ArrayLike) -> float:
    """Pearson's linear correlation of MOS and the scores as they are."""
    return _measure("plcc_raw", _pearson, mos, score)


def plcc(mos: ArrayLike, score: ArrayLike) -> float:
    """Pearson's linear correlation after the 4-parameter logistic mapping.

    The mapping may fall as well as rise, so this is never negative; the sign is in `srocc`.
    """
    return _measure("plcc", lambda y, x: _mapped_plcc(y, fit_logistic(x, y)(x)), mos, score)


def rmse(mos: ArrayLike, score: ArrayLike) -> float:
    """Root mean square error in MOS units after the 4-parameter logistic mapping."""
    return _measure("rmse", lambda y, x: _rms(y - fit_logistic(x, y)(x)), mos, score)


def rmse_raw(mos: ArrayLike, score: ArrayLike) -> float:
    """Root mean square difference between MOS and the scores as they are; nan without videos."""
    mos, score = checked_pair(mos, score)
    return _rms(mos - score)


def score_all(mos: ArrayLike, score: ArrayLike) -> dict[str, float | int]:
    """All of `METRICS` and the number of videos `n`, with one mapping fit for `plcc` and `rmse`.

    Raises:
        ValueError: Lengths differ, or a value is not finite.
    """
    mos, score = checked_pair(mos, score)
    values: dict[str, float | int] = dict.fromkeys(METRICS, math.nan)
    values |= {"rmse_raw": _rms(mos - score), "n": len(mos)}
    if reason := undefined(mos, score):
        log.warning("all metrics but rmse_raw are undefined: %s", reason)
        return values
    mapped = fit_logistic(score, mos)(score)
    return values | {
        "srocc": _srocc(mos, score),
        "krocc": _krocc(mos, score),
        "plcc": _mapped_plcc(mos, mapped),
        "plcc_raw": _pearson(mos, score),
        "rmse": _rms(mos - mapped),
    }


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


def checked_pair(mos: ArrayLike, score: ArrayLike) -> tuple[Array, Array]:
    """Both as float64 `(N,)`.

    Raises:
        ValueError: Not one-dimensional, lengths differ, or values that are NaN or infinite.
    """
    mos, score = np.asarray(mos, dtype=np.float64), np.asarray(score, dtype=np.float64)
    if mos.ndim != 1 or mos.shape != score.shape:
        raise ValueError(
            f"expected mos and score of one shape (N,), found {mos.shape} and {score.shape}"
        )
    bad = {"mos": int((~np.isfinite(mos)).sum()), "score": int((~np.isfinite(score)).sum())}
    if any(bad.values()):
        raise ValueError(
            f"of {len(mos)} videos {bad['mos']} mos and {bad['score']} score values are NaN or "
            "infinite; a diverged model or a gap in the table? remove or predict them again"
        )
    return mos, score


def _measure(
    name: str, metric: Callable[[Array, Array], float], mos: ArrayLike, score: ArrayLike
) -> float:
    """The metric, or nan with a log line where it has no meaning."""
    mos, score = checked_pair(mos, score)
    if reason := undefined(mos, score):
        log.warning("%s is undefined: %s", name, reason)
        return math.nan
    return metric(mos, score)


def undefined(mos: Array, score: Array) -> str | None:
    """Why no correlation of checked MOS and scores exists, or None where one does."""
    if len(mos) < MIN_VIDEOS:
        return f"{len(mos)} videos, at least {MIN_VIDEOS} are needed"
    for name, values in (("MOS", mos), ("scores", score)):
        mean = values.mean()
        if np.linalg.norm(values - mean) <= CONSTANT_TOLERANCE * abs(mean) * math.sqrt(len(values)):
            return f"all {len(values)} {name} are {mean:.6g}"
    return None


def _srocc(mos: Array, score: Array) -> float:
    return float(stats.spearmanr(mos, score).statistic)


def _krocc(mos: Array, score: Array) -> float:
    return float(stats.kendalltau(mos, score).statistic)


def _pearson(a: Array, b: Array) -> float:
    return float(stats.pearsonr(a, b).statistic)


def _mapped_plcc(mos: Array, mapped: Array) -> float:
    """Pearson with a least-squares mapping; a flat one (nothing to explain) correlates by 0."""
    return 0.0 if undefined(mos, mapped) else _pearson(mos, mapped)


def _rms(residual: Array) -> float:
    return float(np.sqrt(np.mean(residual**2))) if len(residual) else math.nan


def _line(x: Array, slope: float, intercept: float) -> Array:
    return slope * x + intercept


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
