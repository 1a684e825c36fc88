"""Significance tests in closed form, for numbers without videos to resample.

Each test states which samples must be independent. If two models were tested on the same videos,
prefer the bootstrap of `paired`: it accounts for their correlated errors.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from vqa.evaluation.metrics.checks import Array


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference between two models, first minus second.

    Attributes:
        difference: In the unit of the metric.
        interval: Lower and upper end.
        p: Two-sided p value of no difference.
    """

    difference: float
    interval: tuple[float, float]
    p: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """The statistic of a test and its two-sided p value."""

    statistic: float
    p: float


def corrected_resampled_t(
    differences: ArrayLike, train: int, test: int, *, level: float = 0.95
) -> Difference:
    """Test the mean difference of two models over J random splits (Nadeau & Bengio 2003).

    Random splits of one database share videos, so their differences are not independent and the
    ordinary t test raises far too many false alarms. Here the variance of the mean is
    `1/J + test/train` times that of the differences, with J - 1 degrees of freedom.

    Args:
        differences: Difference of the metric on the test part of each split (J,).
        train: Videos in a training part.
        test: Videos in a test part.
        level: Coverage of the interval.

    Raises:
        ValueError: Fewer than two splits, values that are not finite, empty parts, or a level
            outside 0..1.

    Examples:
        >>> from vqa.evaluation.uncertainty import corrected_resampled_t
        >>> srocc_differences = [0.02, 0.01, 0.03, 0.00, 0.02, 0.04]
        >>> found = corrected_resampled_t(srocc_differences, train=960, test=240)
        >>> round(found.difference, 3), round(found.p, 3)
        (0.02, 0.08)
    """
    differences = np.asarray(differences, dtype=np.float64)
    if differences.ndim != 1 or len(differences) < 2 or not np.isfinite(differences).all():
        raise ValueError(
            f"expected finite differences of at least two splits (J,), found shape "
            f"{differences.shape} with {int((~np.isfinite(differences)).sum())} not finite; "
            "remove the splits on which the metric is undefined"
        )
    if train < 1 or test < 1:
        raise ValueError(f"train={train}, test={test}: expected at least one video in each part")
    if not 0 < level < 1:
        raise ValueError(f"level={level}: expected a share between 0 and 1, for example 0.95")
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
    """Test the difference of two correlations on independent sets of videos, by Fisher's z.

    The variance of z is `1 / (n - 3)` for Pearson (ITU-T P.1401, 7.6.1) and
    `(1 + r^2 / 2) / (n - 3)` for Spearman (Bonett & Wright 2000). Not valid for two models on the
    same videos.

    Args:
        first: A correlation.
        n_first: Its number of videos, at least 4.
        second: The other correlation.
        n_second: Its number of videos.
        kind: `pearson` or `spearman`.

    Raises:
        ValueError: A correlation not strictly between -1 and 1, too few videos, or unknown kind.
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
    """Test the difference of two residual variances after a curve (ITU-T P.1401, 7.6.4).

    The statistic is the ratio of the sums of squares over N - d, with d parameters of the curve.
    The residuals must be independent and nearly normal, so of two sets of videos. For two models on
    the same videos the residuals are correlated and the test finds too little; with heavy tails it
    finds too much.

    Args:
        rmse_first: Root mean square of the residuals, divided by N as in
            `vqa.evaluation.metrics.rmse`.
        n_first: Its number of videos, more than `parameters`.
        rmse_second: The other root mean square, in the same unit.
        n_second: Its number of videos.
        parameters: d, fitted on each set; 4 or 5 for a logistic curve.

    Raises:
        ValueError: RMSE not above 0, or at most as many videos as parameters.
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
    """Adjust p values for their number (Holm 1979); same shape, NaN stays and does not count.

    If all adjusted values below 0.05 are called significant, the chance of a single false alarm
    among them is at most 5 %, whatever the dependence between the tests.

    Raises:
        ValueError: A value outside 0..1.

    Examples:
        >>> from vqa.evaluation.uncertainty import holm
        >>> holm([0.01, 0.04, 0.03]).round(2).tolist()
        [0.03, 0.06, 0.06]
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
