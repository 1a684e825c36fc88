"""Tests of significance in closed form, for figures that carry no videos to resample.

Each says which samples it needs to be independent. Where two models were tested on the same
videos, prefer the bootstrap of `comparison`: it knows that their errors go together.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference of two models, first minus second.

    Attributes:
        difference: In the metric's unit.
        interval: Its two ends.
        p: Two-sided p of no difference.
    """

    difference: float
    interval: tuple[float, float]
    p: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """A test's statistic and its two-sided p."""

    statistic: float
    p: float


def corrected_resampled_t(
    differences: ArrayLike, train: int, test: int, *, level: float = 0.95
) -> Difference:
    """Mean difference of two models over J random splits of one database (Nadeau & Bengio 2003).

    Random splits share videos, so their differences are not independent and the ordinary t test
    finds something far too often. Here the variance of the mean is `1/J + test/train` times that
    of the differences, with J - 1 degrees of freedom.

    Args:
        differences: The metric's difference on the test part of each split (J,).
        train: Videos in a training part.
        test: Videos in a test part.
        level: Coverage of the interval.

    Raises:
        ValueError: Fewer than two splits, a value that is not finite, empty parts, bad level.
    """
    differences = np.asarray(differences, dtype=np.float64)
    if differences.ndim != 1 or len(differences) < 2 or not np.isfinite(differences).all():
        raise ValueError(
            f"expected finite differences of at least two splits (J,), found shape "
            f"{differences.shape} with {int((~np.isfinite(differences)).sum())} not finite; "
            "leave out the splits on which a metric is undefined"
        )
    if train < 1 or test < 1:
        raise ValueError(f"train={train}, test={test}: expected at least one video in each part")
    if not 0 < level < 1:
        raise ValueError(f"level={level}: expected a share between 0 and 1, for instance 0.95")
    splits = len(differences)
    mean = float(differences.mean())
    error = math.sqrt((1 / splits + test / train) * differences.var(ddof=1))
    half = float(stats.t.ppf((1 + level) / 2, splits - 1)) * error
    if error > 0:
        p = 2 * float(stats.t.sf(abs(mean) / error, splits - 1))
    else:
        p = 1.0 if mean == 0 else 0.0
    return Difference(mean, (mean - half, mean + half), p)


def fisher_z(
    first: float, n_first: int, second: float, n_second: int, *, kind: str = "pearson"
) -> Outcome:
    """Whether two correlations on independent sets of videos differ, by Fisher's z.

    The variance of z is `1 / (n - 3)` for Pearson (ITU-T P.1401, 7.6.1) and
    `(1 + r^2 / 2) / (n - 3)` for Spearman (Bonett & Wright 2000). Not for two models on the same
    videos.

    Args:
        first: A correlation.
        n_first: Its number of videos, at least 4.
        second: The other correlation.
        n_second: Its number of videos.
        kind: `pearson` or `spearman`.

    Raises:
        ValueError: Correlations not within -1 and 1 (both excluded), too few videos, unknown kind.
    """
    if kind not in ("pearson", "spearman"):
        raise ValueError(f"kind={kind!r}: expected pearson or spearman")
    if not (abs(first) < 1 and abs(second) < 1):
        raise ValueError(f"correlations {first} and {second}: expected both between -1 and 1")
    if min(n_first, n_second) < 4:
        raise ValueError(f"{n_first} and {n_second} videos: expected at least 4 in each set")
    variance = sum(
        (1 + (r * r / 2 if kind == "spearman" else 0)) / (n - 3)
        for r, n in ((first, n_first), (second, n_second))
    )
    z = (math.atanh(first) - math.atanh(second)) / math.sqrt(variance)
    return Outcome(z, 2 * float(stats.norm.sf(abs(z))))


def f_test(
    rmse_first: float, n_first: int, rmse_second: float, n_second: int, *, parameters: int = 4
) -> Outcome:
    """Whether two residual variances after a mapping differ (ITU-T P.1401, 7.6.4).

    The statistic is the ratio of the sums of squares over N - d, d the mapping's parameters. The
    test wants independent residuals that are near normal: of two sets of videos. For two models on
    the same videos, whose residuals go together, it finds too little; for heavy tails too much.

    Args:
        rmse_first: Root mean square of the residuals, with N in the divisor as `vqa.evaluation.metrics.rmse`.
        n_first: Its number of videos, more than `parameters`.
        rmse_second: The other one, in the same unit.
        n_second: Its number of videos.
        parameters: d, fitted on each set; 4 or 5 for a logistic curve.

    Raises:
        ValueError: RMSE not above 0, or no more videos than parameters.
    """
    if not (0 < rmse_first < math.inf and 0 < rmse_second < math.inf):
        raise ValueError(f"rmse {rmse_first} and {rmse_second}: expected both finite and above 0")
    free = n_first - parameters, n_second - parameters
    if min(free) < 1:
        raise ValueError(
            f"{n_first} and {n_second} videos: expected more than the {parameters} parameters"
        )
    ratio = (rmse_first**2 * n_first / free[0]) / (rmse_second**2 * n_second / free[1])
    tails = stats.f.cdf(ratio, *free), stats.f.sf(ratio, *free)
    return Outcome(ratio, min(1.0, 2 * float(min(tails))))


def holm(p_values: ArrayLike) -> Array:
    """P values adjusted for their number (Holm 1979), of the same shape; nan stays and counts not.

    Where the adjusted values below 0.05 are called significant, the chance of even one false
    alarm among them is at most 5 %, however the tests depend on each other.

    Raises:
        ValueError: A value outside 0..1.
    """
    p_values = np.asarray(p_values, dtype=np.float64)
    known = p_values[~np.isnan(p_values)]
    if ((known < 0) | (known > 1)).any():
        raise ValueError("p values outside 0..1; expected probabilities")
    order = np.argsort(known)
    factors = np.arange(len(known), 0, -1)
    raised = np.minimum(np.maximum.accumulate(known[order] * factors), 1.0)
    adjusted = p_values.copy()
    adjusted[~np.isnan(p_values)] = raised[np.argsort(order)]
    return adjusted
