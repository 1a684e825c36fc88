"""The grid search of one split: every candidate judged on the inner validation part."""

import itertools
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.svm import SVR

from vqa.regression.conditioning import Array
from vqa.regression.criteria import CRITERIA
from vqa.regression.kernels import distances_within, gaussian


@dataclass(frozen=True, slots=True)
class Candidate:
    """One point of the grid.

    Attributes:
        C: Price of an error beyond the tube.
        gamma: Of the Gaussian kernel `exp(-gamma * squared distance)`; None for the linear one.
        value: What the criterion gave on the inner validation part.
    """

    C: float
    gamma: float | None
    value: float


@dataclass(frozen=True, slots=True)
class Solution:
    """A support vector regression `kernel(x, support) @ coefficients + intercept`.

    Attributes:
        support: Which of the rows it was fitted on (S,).
        coefficients: One each (S,), in absolute value at most C.
        intercept: The constant.
    """

    support: NDArray[np.intp]
    coefficients: Array
    intercept: float


def solve(kernel: Array, target: Array, C: float, epsilon: float) -> Solution:
    """Fit a support vector regression to a kernel matrix (N, N) and targets (N,)."""
    fitted = SVR(kernel="precomputed", C=C, epsilon=epsilon).fit(kernel, target)
    return Solution(fitted.support_, fitted.dual_coef_[0], float(fitted.intercept_[0]))


def search(
    products: Array,
    mos: Array,
    train: NDArray[np.intp],
    val: NDArray[np.intp],
    *,
    C: Sequence[float],
    gamma: Sequence[float | None],
    epsilon: float,
    level: tuple[float, float],
    criterion: str,
    workers: int,
) -> tuple[Candidate, ...]:
    """Judge every pair of C and gamma.

    Args:
        products: Inner products of all videos (N, N), conditioned by what `train` says.
        mos: Opinions (N,).
        train: Rows to fit on.
        val: Rows to judge on.
        C: Candidates.
        gamma: Candidates; `[None]` is the linear kernel.
        epsilon: Half the width of the tube in which errors are free, in units of the target.
        level: Offset and scale of the MOS: the target is `(mos - offset) / scale`.
        criterion: A name of `CRITERIA`.
        workers: Threads, among which the gammas are dealt out (the solver frees Python's lock).

    Returns:
        The candidates, C by C and gamma by gamma inside each.
    """
    judge, _ = CRITERIA[criterion]
    offset, scale = level
    target = (mos[train] - offset) / scale
    distances = None if gamma[0] is None else distances_within(products)

    def row(width: float | None) -> dict[tuple[float, float | None], float]:
        whole = products if width is None else gaussian(distances, width)
        within, between = whole[np.ix_(train, train)], whole[np.ix_(val, train)]
        values: dict[tuple[float, float | None], float] = {}
        value = None
        for price in sorted(C):
            if value is None:
                found = solve(within, target, price, epsilon)
                score = between[:, found.support] @ found.coefficients + found.intercept
                value = judge(score * scale + offset, mos[val])
            values[price, width] = value
            # Where no coefficient meets its bound C, a higher bound has the same solution.
            if np.abs(found.coefficients).max(initial=0) >= price:
                value = None
        return values

    with ThreadPoolExecutor(workers) as pool:
        judged = dict(itertools.chain(*(values.items() for values in pool.map(row, gamma))))
    return tuple(Candidate(*key, judged[key]) for key in itertools.product(C, gamma))


def best_of(candidates: Iterable[Candidate], criterion: str) -> Candidate:
    """The candidate with the best value; the first of these, where they are several."""
    _, pick = CRITERIA[criterion]
    return pick(candidates, key=lambda candidate: candidate.value)
