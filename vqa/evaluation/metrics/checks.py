"""Checks of a metric's input, and the conditions under which no correlation exists."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

MIN_VIDEOS = 3
# scipy.stats.pearsonr uses the same bound to call an input nearly constant.
CONSTANT_TOLERANCE = 1e-13


def checked_pair(mos: ArrayLike, score: ArrayLike) -> tuple[Array, Array]:
    """Return MOS and scores as float64 `(N,)`.

    Raises:
        ValueError: Not one-dimensional, different lengths, or values that are NaN or infinite.
    """
    mos, score = np.asarray(mos, dtype=np.float64), np.asarray(score, dtype=np.float64)
    if mos.ndim != 1 or mos.shape != score.shape:
        raise ValueError(
            f"expected mos and score of the same shape (N,), found {mos.shape} and {score.shape}"
        )
    bad = {"mos": int((~np.isfinite(mos)).sum()), "score": int((~np.isfinite(score)).sum())}
    if any(bad.values()):
        raise ValueError(
            f"of {len(mos)} videos {bad['mos']} mos and {bad['score']} score values are NaN or "
            "infinite; did the model diverge or does the table have a gap? Remove these videos or "
            "predict them again"
        )
    return mos, score


def checked_spread(name: str, values: ArrayLike, videos: int) -> Array:
    """Return one finite, non-negative value per video `(N,)`: a standard deviation or an interval.

    Raises:
        ValueError: Another shape, or a value that is negative, NaN or infinite.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.shape != (videos,):
        raise ValueError(
            f"expected {name} of shape ({videos},), one per video; found {values.shape}"
        )
    bad = int((~np.isfinite(values) | (values < 0)).sum())
    if bad:
        raise ValueError(
            f"{bad} of {videos} values of {name} are negative, NaN or infinite; "
            "remove the videos whose spread is unknown"
        )
    return values


def undefined(mos: Array, score: Array) -> str | None:
    """Return why no correlation of checked MOS and scores exists, or None if one does."""
    if len(mos) < MIN_VIDEOS:
        return f"{len(mos)} videos, expected at least {MIN_VIDEOS}"
    for name, values in (("MOS", mos), ("scores", score)):
        mean = values.mean()
        if np.linalg.norm(values - mean) <= CONSTANT_TOLERANCE * abs(mean) * math.sqrt(len(values)):
            return f"all {len(values)} {name} are {mean:.6g}"
    return None
