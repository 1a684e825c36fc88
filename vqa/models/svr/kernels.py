"""Linear and Gaussian kernel matrices, computed from blocks of feature columns.

Inner products of preprocessed features are summed over blocks in float64. No scaled or widened copy
of all features is held in memory, so vectors of 150,000 dimensions are no problem. All values of
gamma share one matrix of squared distances.
"""

import numpy as np
from numpy.typing import NDArray

from vqa.models.svr.preprocessing import Array, Preprocessing, column_blocks

# Smaller kernel values are set to 0. libsvm keeps kernels in float32, where such values are
# denormal: they slow it down threefold and are far too small to change any of its sums.
SMALLEST = np.finfo(np.float32).tiny


def gram(preprocess: Preprocessing, features: NDArray) -> Array:
    """Return the inner products (N, N) of all pairs of preprocessed features (N, D)."""
    products = np.zeros((len(features), len(features)))
    for columns in column_blocks(features):
        block = preprocess(features[:, columns], columns)
        products += block @ block.T
    return products


def distances_within(products: Array) -> Array:
    """Convert inner products (N, N) of vectors to their squared distances (N, N)."""
    squares = np.diagonal(products)
    return np.maximum(squares[:, None] + squares - 2 * products, 0)


def distances_between(preprocess: Preprocessing, features: NDArray, others: NDArray) -> Array:
    """Return squared distances (N, M) between preprocessed features (N, D) and (M, D)."""
    total = np.zeros((len(features), len(others)))
    for columns in column_blocks(others):
        a, b = (preprocess(some[:, columns], columns) for some in (features, others))
        total += (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * (a @ b.T)
    return np.maximum(total, 0)


def gaussian(distances: Array, gamma: float) -> Array:
    """Return the Gaussian kernel `exp(-gamma * squared distance)`."""
    kernel = np.exp(-gamma * distances)
    kernel[kernel < SMALLEST] = 0
    return kernel


def scale_gamma(preprocess: Preprocessing, features: NDArray, rows: NDArray[np.intp]) -> float:
    """Return scikit-learn's `gamma="scale"`: 1 / (dimensions * variance of all values)."""
    total = squares = 0.0
    for columns in column_blocks(features):
        block = preprocess(features[rows, columns], columns)
        total += block.sum()
        squares += (block**2).sum()
    count = len(rows) * features.shape[1]
    variance = squares / count - (total / count) ** 2
    return 1 / (features.shape[1] * variance) if variance > 0 else 1.0


def weighted_sum(preprocess: Preprocessing, features: NDArray, weights: Array) -> Array:
    """Return the sum (D,) of preprocessed features (N, D) with weights (N,)."""
    total = np.zeros(features.shape[1])
    for columns in column_blocks(features):
        total[columns] = weights @ preprocess(features[:, columns], columns)
    return total
