"""libsvm, the solver behind scikit-learn's SVR, on a kernel matrix."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.svm import SVR

from vqa.models.svr.preprocessing import Array


@dataclass(frozen=True, slots=True)
class Solution:
    """A support vector regression `kernel(x, support) @ coefficients + intercept`.

    Attributes:
        support: Row numbers of the support vectors (S,).
        coefficients: One per support vector (S,), at most C in magnitude.
        intercept: Constant term.
        iterations: Iterations that libsvm took.
    """

    support: NDArray[np.intp]
    coefficients: Array
    intercept: float
    iterations: int


def solve(kernel: Array, target: Array, C: float, epsilon: float) -> Solution:
    """Fit a support vector regression to a kernel matrix (N, N) and targets (N,)."""
    fitted = SVR(kernel="precomputed", C=C, epsilon=epsilon).fit(kernel, target)
    return Solution(
        support=fitted.support_,
        coefficients=fitted.dual_coef_[0],
        intercept=float(fitted.intercept_[0]),
        iterations=int(np.ravel(fitted.n_iter_)[0]),
    )
