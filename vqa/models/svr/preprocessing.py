"""Preprocessing of features before an SVR: missing values are filled, columns are scaled."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vqa.models.scalings import LIMIT, QUANTILES, mapped, quantiles_of

log = logging.getLogger(__name__)

Array = NDArray[np.float64]

SCALERS = ("minmax", "standard", "rank_gauss")
IMPUTATIONS = ("zero", "mean")
# Number of float64 values processed at once, in addition to the features themselves: 128 MiB.
BLOCK_SIZE = 2**24


@dataclass(frozen=True, eq=False)
class Preprocessing:
    """Imputation and scaling with the statistics of each column; call it with features.

    Attributes:
        fill: Replacement for missing values, before scaling (D,).
        gain: Factor of each column (D,).
        shift: Added after the factor (D,).
        limit: Values above it in magnitude count as missing, like NaN and infinities; None:
            only NaN and infinities do.
        quantiles: Of each column (Q, D), for the rank-Gaussian map, which comes before factor and
            summand and maps missing values to 0; None: no map.
    """

    fill: Array
    gain: Array
    shift: Array
    limit: float | None
    quantiles: Array | None = None

    def __call__(self, features: NDArray, columns: slice = slice(None)) -> Array:
        """Preprocess features (N, d), which are the given columns of all D, to float64."""
        gap = missing(features, self.limit)
        if self.quantiles is None:
            filled = np.where(gap, self.fill[columns], features)
        else:
            filled = mapped(np.where(gap, np.nan, features), self.quantiles[:, columns])
        filled *= self.gain[columns]
        filled += self.shift[columns]
        return filled


def fit_preprocessing(
    features: NDArray,
    rows: NDArray[np.intp],
    *,
    scaler: str = "minmax",
    impute: str = "zero",
    limit: float | None = LIMIT,
) -> Preprocessing:
    """Fit imputation and scaling to some of the rows.

    Args:
        features: One vector per video (N, D).
        rows: The videos to fit to; the others have no influence.
        scaler: `minmax` to [0, 1], `standard` to mean 0 and standard deviation 1, or `rank_gauss`:
            the rank-Gaussian map, divided by the square root of D, so that squared distances are
            about 2 for any number of features. Constant columns become 0.
        impute: Replacement for missing values: `zero`, or the column's `mean` (0 if the column
            has no value at all). With `rank_gauss` both are the median.
        limit: Values above it in magnitude count as missing, like NaN and infinities; None:
            only NaN and infinities do.

    Raises:
        ValueError: Unknown scaler or imputation, or a limit that is not positive.
    """
    if scaler not in SCALERS:
        raise ValueError(f"scaler={scaler!r}: expected {' or '.join(SCALERS)}")
    if impute not in IMPUTATIONS:
        raise ValueError(f"impute={impute!r}: expected {' or '.join(IMPUTATIONS)}")
    if limit is not None and not 0 < limit < np.inf:
        raise ValueError(f"limit={limit}: expected a finite number above 0, or null for no limit")
    fill, gain, shift = np.zeros((3, features.shape[1]))
    ranked = scaler == "rank_gauss"
    quantiles = np.zeros((QUANTILES, features.shape[1])) if ranked else None
    gaps = 0
    for columns in column_blocks(features):
        block = features[rows, columns].astype(np.float64)
        gap = missing(block, limit)
        gaps += int(gap.sum())
        if quantiles is not None:
            quantiles[:, columns] = quantiles_of(np.where(gap, np.nan, block))
            gain[columns] = features.shape[1] ** -0.5
            continue
        if impute == "mean":
            counts = (~gap).sum(axis=0)
            fill[columns] = np.where(gap, 0, block).sum(axis=0) / np.maximum(counts, 1)
        block = np.where(gap, fill[columns], block)
        gain[columns], shift[columns] = _scaling(block, scaler)
    if gaps:
        log.info(
            "%d of %d feature values are missing (not finite, or above %s), replaced by %s",
            gaps,
            len(rows) * features.shape[1],
            limit,
            "the median" if ranked else impute,
        )
    return Preprocessing(fill, gain, shift, limit, quantiles)


def missing(features: NDArray, limit: float | None) -> NDArray[np.bool_]:
    """Mark values that are NaN, infinite, or above a limit in magnitude."""
    return ~np.isfinite(features) if limit is None else ~(np.abs(features) <= limit)


def as_matrix(features: ArrayLike) -> NDArray:
    """Return features unchanged if they are float32 or float64, otherwise as float64."""
    features = np.asarray(features)
    return features if features.dtype in (np.float32, np.float64) else features.astype(np.float64)


def column_blocks(features: NDArray) -> Iterator[slice]:
    """Yield runs of columns whose float64 copy has at most `BLOCK_SIZE` values."""
    rows, columns = features.shape
    step = max(1, BLOCK_SIZE // max(1, rows))
    for start in range(0, columns, step):
        yield slice(start, min(start + step, columns))


def _scaling(block: Array, scaler: str) -> tuple[Array, Array]:
    """Return the factor and the summand of each column."""
    # Imported here because scoring with a stored SVR does not need scikit-learn.
    from sklearn.preprocessing import MinMaxScaler, StandardScaler

    if scaler == "minmax":
        fitted = MinMaxScaler().fit(block)
        return fitted.scale_, fitted.min_
    fitted = StandardScaler().fit(block)
    return 1 / fitted.scale_, -fitted.mean_ / fitted.scale_
