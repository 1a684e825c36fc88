"""What every metric asks of its input, and when it has no meaning."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

MIN_VIDEOS = 3
# The same bound under which scipy.stats.pearsonr calls an input nearly constant.
CONSTANT_TOLERANCE = 1e-13


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


def checked_spread(name: str, values: ArrayLike, videos: int) -> Array:
    """One finite value of at least 0 per video, `(N,)`: a standard deviation or an interval.

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
            "leave out the videos without a known spread"
        )
    return values


def undefined(mos: Array, score: Array) -> str | None:
    """Why no correlation of checked MOS and scores exists, or None where one does."""
    if len(mos) < MIN_VIDEOS:
        return f"{len(mos)} videos, at least {MIN_VIDEOS} are needed"
    for name, values in (("MOS", mos), ("scores", score)):
        mean = values.mean()
        if np.linalg.norm(values - mean) <= CONSTANT_TOLERANCE * abs(mean) * math.sqrt(len(values)):
            return f"all {len(values)} {name} are {mean:.6g}"
    return None
