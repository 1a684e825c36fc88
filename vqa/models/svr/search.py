"""The grid search of one split: every candidate judged on the inner validation part.

libsvm, which the published scripts use, spends most of its time on candidates of high C, which are
seldom chosen. So once it becomes slow along C, `screening` looks at the rest of that gamma. Then
the best of these, and all that could still win if the look at them was misleading, are solved by
libsvm after all: its values alone decide.
"""

import itertools
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.svm import SVR
from threadpoolctl import threadpool_limits

from vqa.models.svr.criteria import CRITERIA
from vqa.models.svr.kernels import distances_within, gaussian
from vqa.models.svr.preprocessing import Array
from vqa.models.svr.screening import Point, screen

# Iterations of libsvm for each row that it is fitted on, above which the next C is screened.
PATIENCE = 5
# With fewer rows libsvm is always fast enough.
FEWEST_ROWS = 200
# Width of the screen's soft edges, in standard deviations of the target.
WIDTH = 0.05
# Screened values may be wrong by this many times the worst error seen in the same search.
DOUBT = 3


@dataclass(frozen=True, slots=True)
class Candidate:
    """One point of the grid.

    Attributes:
        C: Price of an error beyond the tube.
        gamma: Of the Gaussian kernel `exp(-gamma * squared distance)`; None for the linear one.
        value: What the criterion gave on the inner validation part. Where libsvm is slow and the
            value too bad to be chosen, it is off by a percent or so, seldom by some more.
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
        iterations: Steps of libsvm.
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
        workers: Threads, among which the gammas are dealt out (libsvm and numpy free Python's
            lock; linear algebra has no threads of its own meanwhile).

    Returns:
        The candidates, C by C and gamma by gamma inside each.
    """
    whole = products if gamma[0] is None else distances_within(products)
    offset, scale = level
    problem = _Problem(
        within=whole[np.ix_(train, train)],
        between=whole[np.ix_(val, train)],
        target=(mos[train] - offset) / scale,
        mos=mos[val],
        C=tuple(sorted(set(C))),
        epsilon=epsilon,
        level=level,
        criterion=criterion,
    )
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(workers) as pool:
        rows = list(pool.map(lambda width: _row(problem, width), gamma))
        exact = dict(itertools.chain(*(solved.items() for solved, _ in rows)))
        screened = dict(itertools.chain(*(looked.items() for _, looked in rows)))
        values = _confirmed(problem, exact, screened)
    return tuple(Candidate(*key, values[key]) for key in itertools.product(C, gamma))


def best_of(candidates: Iterable[Candidate], criterion: str) -> Candidate:
    """The candidate with the best value; the first of these, where they are several."""
    _, pick = CRITERIA[criterion]
    return pick(candidates, key=lambda candidate: candidate.value)


# Values by C and gamma.
Values = dict[tuple[float, float | None], float]


@dataclass(frozen=True, slots=True)
class _Problem:
    """What candidates have in common; `within` and `between` are products or squared distances."""

    within: Array
    between: Array
    target: Array
    mos: Array
    C: tuple[float, ...]
    epsilon: float
    level: tuple[float, float]
    criterion: str

    def kernels(self, width: float | None) -> tuple[Array, Array]:
        """Of the rows to fit on with themselves, and of those to judge on with them."""
        if width is None:
            return self.within, self.between
        return gaussian(self.within, width), gaussian(self.between, width)

    def judged(self, point: Point, between: Array) -> float:
        """What the criterion gives."""
        judge, _ = CRITERIA[self.criterion]
        offset, scale = self.level
        return judge((between @ point.coefficients + point.intercept) * scale + offset, self.mos)

    def solved(self, within: Array, price: float) -> tuple[Point, int]:
        """Libsvm's regression, and its iterations."""
        found = solve(within, self.target, price, self.epsilon)
        coefficients = np.zeros_like(self.target)
        coefficients[found.support] = found.coefficients
        return Point(coefficients, within @ coefficients, found.intercept), found.iterations


def _row(problem: _Problem, width: float | None) -> tuple[Values, Values]:
    """Values of one gamma: libsvm's, and the screen's from where libsvm has become slow."""
    within, between = problem.kernels(width)
    rows = len(problem.target)
    edge = WIDTH * float(problem.target.std())
    exact: Values = {}
    screened: Values = {}
    point = value = None
    slow, looked = False, None
    for price in problem.C:
        if value is None:
            looked = None
            if slow:
                looked = screen(
                    within, problem.target, price, problem.epsilon, width=edge, start=point
                )
            if looked is None:
                point, iterations = problem.solved(within, price)
                slow = slow or (rows >= FEWEST_ROWS and iterations > PATIENCE * rows)
            else:
                point = looked
            value = problem.judged(point, between)
        (exact if looked is None else screened)[price, width] = value
        # Where no coefficient meets its bound C, a higher bound has the same solution.
        if _bounded(point, price):
            value = None
    return exact, screened


def _confirmed(problem: _Problem, exact: Values, screened: Values) -> Values:
    """All values, where every screened one that could be the best has become libsvm's."""
    _, pick = CRITERIA[problem.criterion]
    sign = 1 if pick is min else -1
    exact, screened = dict(exact), dict(screened)
    errors: list[float] = []
    while screened:
        best = min(sign * value for value in exact.values())
        price, width = min(screened, key=lambda key: (sign * screened[key], key[0]))
        # One error alone may be small by chance.
        doubt = DOUBT * max(errors) if len(errors) > 1 else np.inf
        if sign * screened[price, width] - doubt > best:
            break
        within, between = problem.kernels(width)
        point, _ = problem.solved(within, price)
        value = problem.judged(point, between)
        # As along the row, a higher bound makes no difference to what met none.
        highest = price if _bounded(point, price) else np.inf
        same = [key for key in screened if key[1] == width and price <= key[0] <= highest]
        errors += [abs(screened.pop(key) - value) for key in same]
        exact |= dict.fromkeys(same, value)
    return exact | screened


def _bounded(point: Point, price: float) -> bool:
    """Whether a coefficient has reached C."""
    return bool(np.abs(point.coefficients).max() >= price)
