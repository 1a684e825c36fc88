"""Intervals for single scores, from the errors on videos that the model has not seen.

Split conformal prediction (Vovk et al. 2005): if a new video is exchangeable with n rated ones that
the model has not seen, its MOS lies within the ceil((n + 1) level)-th smallest of their absolute
errors around its score with at least the probability `level`. With the held-out parts of several
splits it is the cross-conformal form (Barber et al. 2021), whose guarantee is weaker and whose
coverage is measured in the benchmarks. If several splits test a video, its errors are pooled with
the others', and n stays the number of videos.

Errors are first divided by a scale that depends on the score if that makes better intervals, as
models err less near the ends of the rating scale than in its middle.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from vqa.evaluation.metrics.checks import Array

ARRAYS = ("relative", "scores", "scales")
KNOTS = 9
FEWEST_FOR_SCALE = 100  # videos; below it the scale is constant
NEIGHBOURS = 0.2  # share of the videos that a local scale is the mean of
GAIN = 0.02  # least gain in the interval score that makes a local scale worth it
COMPARED_LEVEL = 0.9  # of the intervals whose scores are compared


@dataclass(frozen=True, slots=True)
class Errors:
    """Absolute errors on held-out videos.

    Attributes:
        relative: (n,) errors divided by the local scale, ascending.
        scores: (k,) ascending scores at which the scale is known; empty if it is constant.
        scales: (k,) the scale at these scores.
        videos: Number of videos, at most n.
    """

    relative: Array
    scores: Array
    scales: Array
    videos: int

    def half_width(self, score: ArrayLike, level: float = 0.9) -> Array | None:
        """Return the half-width of the interval around scores of any shape.

        Args:
            score: On the scale that the errors were measured on.
            level: Share of the videos whose MOS the interval shall hold.

        Returns:
            None if there are too few errors for this level, for example below 9 for 0.9.

        Raises:
            ValueError: The level is not between 0 and 1.
        """
        if not 0 < level < 1:
            raise ValueError(f"level={level}: expected a share between 0 and 1, such as 0.9")
        rank = math.ceil((self.videos + 1) * level)
        if rank > self.videos:
            return None
        pooled = -(-rank * len(self.relative) // self.videos)  # rounded up
        return self.relative[pooled - 1] * self.scale_at(score)

    def scale_at(self, score: ArrayLike) -> Array:
        """Return the scale of the errors at scores of any shape."""
        score = np.asarray(score, dtype=np.float64)
        if not len(self.scores):
            return np.ones_like(score)
        return np.interp(score, self.scores, self.scales)

    def as_json(self) -> dict[str, Any]:
        """Return plain values; `from_json` reads them."""
        arrays = {name: np.round(getattr(self, name), 5).tolist() for name in ARRAYS}
        return {**arrays, "videos": self.videos}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Rebuild the errors.

        Raises:
            ValueError: Not what `as_json` returns.
        """
        arrays = [np.asarray(content[name], dtype=np.float64) for name in ARRAYS]
        (relative, scores, scales), videos = arrays, int(content["videos"])
        if (
            any(array.ndim != 1 or not np.isfinite(array).all() for array in arrays)
            or np.any(relative < 0)
            or np.any(np.diff(relative) < 0)
            or np.any(np.diff(scores) <= 0)
            or scores.shape != scales.shape
            or np.any(scales <= 0)
            or not 0 < videos <= len(relative)
        ):
            raise ValueError("errors: expected ascending finite numbers and positive scales")
        return cls(relative, scores, scales, videos)


def held_out_errors(score: ArrayLike, mos: ArrayLike, videos: int | None = None) -> Errors:
    """Collect the errors of calibrated scores on held-out videos.

    Args:
        score: Scores (n,), on the MOS scale.
        mos: Opinions (n,).
        videos: Number of videos, if several splits test a video; None: n.
    """
    score, mos = np.asarray(score, dtype=np.float64), np.asarray(mos, dtype=np.float64)
    error, videos = np.abs(mos - score), len(score) if videos is None else videos
    scale = np.empty(0), np.empty(0)
    if videos >= FEWEST_FOR_SCALE and _local_is_better(score, mos):
        scale = _local_scale(score, error)
    return replace(_errors(score, error, *scale), videos=videos)


def interval_score(low: ArrayLike, high: ArrayLike, mos: ArrayLike, level: float) -> float:
    """Mean width plus 2 / (1 - level) times the distance of missed MOS (Winkler 1972).

    Examples:
        >>> from vqa.evaluation.conformal import interval_score
        >>> interval_score([1.0, 1.0], [3.0, 3.0], [2.0, 3.5], level=0.9)
        7.0
    """
    low, high, mos = (np.asarray(one, dtype=np.float64) for one in (low, high, mos))
    missed = np.maximum(low - mos, 0) + np.maximum(mos - high, 0)
    return float(np.mean(high - low + 2 / (1 - level) * missed).round(12))


def _errors(score: Array, error: Array, scores: Array, scales: Array) -> Errors:
    unsorted = Errors(error, scores, scales, len(error))
    return replace(unsorted, relative=np.sort(error / unsorted.scale_at(score)))


def _local_scale(score: Array, error: Array) -> tuple[Array, Array]:
    """Return scores (k,) and the mean error of their neighbours (k,)."""
    at = np.unique(np.quantile(score, np.linspace(0, 1, KNOTS)))
    count = math.ceil(NEIGHBOURS * len(score))
    order = np.argsort(np.abs(score[None] - at[:, None]), axis=1, kind="stable")[:, :count]
    floor = 1e-3 * max(float(error.mean()), 1e-12)
    return at, np.maximum(error[order].mean(axis=1), floor)


def _local_is_better(score: Array, mos: Array) -> bool:
    """Compare both kinds by the score of their intervals, each half of the videos by the other."""
    order = np.argsort(score, kind="stable")
    halves = order[::2], order[1::2]
    totals = [0.0, 0.0]
    for fitted, judged in (halves, halves[::-1]):
        error = np.abs(mos[fitted] - score[fitted])
        constant = _errors(score[fitted], error, np.empty(0), np.empty(0))
        local = _errors(score[fitted], error, *_local_scale(score[fitted], error))
        for place, errors in enumerate((constant, local)):
            half = errors.half_width(score[judged], COMPARED_LEVEL)
            low, high = score[judged] - half, score[judged] + half
            totals[place] += interval_score(low, high, mos[judged], COMPARED_LEVEL)
    return totals[1] < (1 - GAIN) * totals[0]
