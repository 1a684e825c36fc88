"""Gaps filled and columns scaled: what happens to features before they meet a kernel."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.preprocessing import MinMaxScaler, StandardScaler

log = logging.getLogger(__name__)

Array = NDArray[np.float64]

SCALERS = ("minmax", "standard")
IMPUTATIONS = ("zero", "mean")
# Statistics of nearly constant maps come out as infinities or as finite numbers up to 1e26, as
# rounding falls; both stand for "no value".
LIMIT = 1e6
# Numbers of float64 held at once, beside the features themselves: 128 MiB.
BLOCK_SIZE = 2**24


@dataclass(frozen=True, eq=False)
class Conditioning:
    """A filler and scaler with what it has learned of each column; call it with features.

    Attributes:
        fill: What stands for a missing value, before scaling (D,).
        gain: Factor of each column (D,).
        shift: Added after the factor (D,).
        limit: Absolute values above it are missing, like NaN and infinities; None: only these.
    """

    fill: Array
    gain: Array
    shift: Array
    limit: float | None

    def __call__(self, features: NDArray, columns: slice = slice(None)) -> Array:
        """Condition features (N, d), which are these columns of all, as float64."""
        filled = np.where(missing(features, self.limit), self.fill[columns], features)
        filled *= self.gain[columns]
        filled += self.shift[columns]
        return filled


def fit_conditioning(
    features: NDArray,
    rows: NDArray[np.intp],
    *,
    scaler: str = "minmax",
    impute: str = "zero",
    limit: float | None = LIMIT,
) -> Conditioning:
    """Learn filling and scaling from some rows.

    Args:
        features: One vector per video (N, D).
        rows: The videos to learn from; nothing is taken from the others.
        scaler: `minmax` to [0, 1], or `standard` to mean 0 and standard deviation 1. Constant
            columns become 0.
        impute: What stands for a missing value: `zero`, or the column's `mean` (0 where it has no
            value at all).
        limit: Absolute values above it are missing, like NaN and infinities; None: only these.

    Raises:
        ValueError: Unknown scaler or imputation, or a limit that is not positive.
    """
    if scaler not in SCALERS:
        raise ValueError(f"scaler={scaler!r} is not known; expected {', '.join(SCALERS)}")
    if impute not in IMPUTATIONS:
        raise ValueError(f"impute={impute!r} is not known; expected {', '.join(IMPUTATIONS)}")
    if limit is not None and not 0 < limit < np.inf:
        raise ValueError(f"limit={limit}: expected a finite number above 0, or null for none")
    fill, gain, shift = np.zeros((3, features.shape[1]))
    gaps = 0
    for columns in column_blocks(features):
        block = features[rows, columns].astype(np.float64)
        gap = missing(block, limit)
        gaps += int(gap.sum())
        if impute == "mean":
            counts = (~gap).sum(axis=0)
            fill[columns] = np.where(gap, 0, block).sum(axis=0) / np.maximum(counts, 1)
        block = np.where(gap, fill[columns], block)
        gain[columns], shift[columns] = _scaling(block, scaler)
    if gaps:
        log.info(
            "%d of %d feature values are missing (not finite, or above %s) and count as %s",
            gaps,
            len(rows) * features.shape[1],
            limit,
            impute,
        )
    return Conditioning(fill, gain, shift, limit)


def missing(features: NDArray, limit: float | None) -> NDArray[np.bool_]:
    """Which values are NaN, infinite, or in absolute value above a limit."""
    return ~np.isfinite(features) if limit is None else ~(np.abs(features) <= limit)


def as_matrix(features: ArrayLike) -> NDArray:
    """Features as they are, where they are float32 or float64; others as float64."""
    features = np.asarray(features)
    return features if features.dtype in (np.float32, np.float64) else features.astype(np.float64)


def column_blocks(features: NDArray) -> Iterator[slice]:
    """Runs of columns of which a float64 copy takes no more than `BLOCK_SIZE` numbers."""
    rows, columns = features.shape
    step = max(1, BLOCK_SIZE // max(1, rows))
    for start in range(0, columns, step):
        yield slice(start, min(start + step, columns))


def _scaling(block: Array, scaler: str) -> tuple[Array, Array]:
    """Factor and summand of each column."""
    if scaler == "minmax":
        fitted = MinMaxScaler().fit(block)
        return fitted.scale_, fitted.min_
    fitted = StandardScaler().fit(block)
    return 1 / fitted.scale_, -fitted.mean_ / fitted.scale_
