"""Linear and Gaussian kernel matrices, from features a block of columns at a time.

Inner products of conditioned features are summed over blocks in float64, so that neither a scaled
nor a widened copy of all features is ever held: vectors of 150,000 dimensions are taken as they
are. All widths of the Gaussian kernel share one matrix of squared distances.
"""

import numpy as np
from numpy.typing import NDArray

from vqa.models.svr.preprocessing import Array, Conditioning, column_blocks

# Kernel values below it are 0. The solver keeps kernels in float32, where smaller numbers are
# denormal: they slow it down threefold, and are far too small to change any of its sums.
SMALLEST = np.finfo(np.float32).tiny


def gram(condition: Conditioning, features: NDArray) -> Array:
    """Inner products of conditioned features (N, D) with one another (N, N)."""
    products = np.zeros((len(features), len(features)))
    for columns in column_blocks(features):
        block = condition(features[:, columns], columns)
        products += block @ block.T
    return products


def distances_within(products: Array) -> Array:
    """Squared distances (N, N) of the vectors with these inner products (N, N)."""
    squares = np.diagonal(products)
    return np.maximum(squares[:, None] + squares - 2 * products, 0)


def distances_between(condition: Conditioning, features: NDArray, others: NDArray) -> Array:
    """Squared distances of conditioned features (N, D) from others (M, D): (N, M)."""
    total = np.zeros((len(features), len(others)))
    for columns in column_blocks(others):
        a, b = (condition(some[:, columns], columns) for some in (features, others))
        total += (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * (a @ b.T)
    return np.maximum(total, 0)


def gaussian(distances: Array, gamma: float) -> Array:
    """`exp(-gamma * squared distance)`."""
    kernel = np.exp(-gamma * distances)
    kernel[kernel < SMALLEST] = 0
    return kernel


def scale_gamma(condition: Conditioning, features: NDArray, rows: NDArray[np.intp]) -> float:
    """Scikit-learn's `gamma="scale"`: 1 over dimensions times variance of all values together."""
    total = squares = 0.0
    for columns in column_blocks(features):
        block = condition(features[rows, columns], columns)
        total += block.sum()
        squares += (block**2).sum()
    count = len(rows) * features.shape[1]
    variance = squares / count - (total / count) ** 2
    return 1 / (features.shape[1] * variance) if variance > 0 else 1.0


def weighted_sum(condition: Conditioning, features: NDArray, weights: Array) -> Array:
    """The sum (D,) of conditioned features (N, D) by weights (N,)."""
    total = np.zeros(features.shape[1])
    for columns in column_blocks(features):
        total[columns] = weights @ condition(features[:, columns], columns)
    return total
