"""The change between two scores of the same videos, for example before and after a new encoder."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from vqa.evaluation.metrics.checks import Array


@dataclass(frozen=True, slots=True)
class Change:
    """Paired differences, after minus before, in the unit of the scores.

    Attributes:
        differences: (n,).
        mean: Their mean.
        interval: Interval of the mean by Student's t; None for a single pair.
        level: Coverage of the interval.
        median: Their median.
        p: Two-sided p value of Wilcoxon's signed-rank test that they are symmetric around 0,
            without those that are 0; 1 if all are.
        better: Share of the videos with a higher score after.
        worse: Share of the videos with a lower one; the others did not change.
    """

    differences: Array
    mean: float
    interval: tuple[float, float] | None
    level: float
    median: float
    p: float
    better: float
    worse: float


def change(before: ArrayLike, after: ArrayLike, *, level: float = 0.95) -> Change:
    """Describe how scores changed.

    The interval and the test are about the videos as a sample: what a further video like these
    would tell. Errors that the model makes on both versions of a video cancel.

    Args:
        before: Scores (n,).
        after: Scores of the same videos (n,).
        level: Coverage of the interval.

    Raises:
        ValueError: No pair, different lengths, or values that are not finite.

    Examples:
        >>> from vqa.evaluation.uncertainty import change
        >>> found = change([3.0, 3.5, 4.0, 2.0], [2.5, 3.25, 3.5, 2.0])
        >>> found.mean, found.median, found.worse
        (-0.3125, -0.375, 0.75)
        >>> [round(end, 3) for end in found.interval]
        [-0.693, 0.068]
    """
    from scipy import stats  # here: it takes half a second

    first, second = np.asarray(before, np.float64), np.asarray(after, np.float64)
    differences = second - first if first.shape == second.shape else np.empty(0)
    if differences.ndim != 1 or not differences.size or not np.isfinite(differences).all():
        raise ValueError(
            f"expected the same number of finite scores twice, found {first.shape} and "
            f"{second.shape}"
        )
    mean = float(differences.mean())
    interval = None
    if len(differences) > 1:
        error = float(stats.sem(differences))
        half = float(stats.t.ppf((1 + level) / 2, len(differences) - 1)) * error
        interval = (mean - half, mean + half)
    changed = differences[differences != 0]
    return Change(
        differences=differences,
        mean=mean,
        interval=interval,
        level=level,
        median=float(np.median(differences)),
        p=float(stats.wilcoxon(changed).pvalue) if len(changed) else 1.0,
        better=float(np.mean(differences > 0)),
        worse=float(np.mean(differences < 0)),
    )
