"""Grid search of one split: every candidate is judged on the inner validation part.

libsvm, the solver of the published scripts, spends most of its time on candidates with a high C,
which are rarely chosen. Once libsvm becomes slow along C, `screening` approximates the remaining
candidates of that gamma. Afterwards libsvm solves the best of these, and every other one that could
still win given the screening errors seen so far. The choice depends on libsvm's values only.
"""

import itertools
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vqa.cores import one_blas_thread
from vqa.models.svr.criteria import CRITERIA
from vqa.models.svr.kernels import distances_within, gaussian
from vqa.models.svr.model import Candidate
from vqa.models.svr.preprocessing import Array
from vqa.models.svr.screening import Point, screen
from vqa.models.svr.solver import solve

# libsvm counts as slow above this number of iterations per row; the next C is then screened.
PATIENCE = 5
# libsvm is always fast enough with fewer rows.
FEWEST_ROWS = 200
# Width of the soft edges in screening, in standard deviations of the target.
WIDTH = 0.05
# Screened values may be wrong by up to this many times the worst error seen in the same search.
DOUBT = 3


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
        products: Inner products of all videos (N, N), with the preprocessing fitted to `train`.
        mos: Mean opinion scores (N,).
        train: Rows to fit to.
        val: Rows to judge on.
        C: Candidates.
        gamma: Candidates; `[None]` for the linear kernel.
        epsilon: Half the width of the tube in which errors cost nothing, in units of the target.
        level: Offset and scale of the MOS: the target is `(mos - offset) / scale`.
        criterion: A key of `CRITERIA`.
        workers: Threads that share the values of gamma. libsvm and numpy release the GIL; BLAS is
            limited to one thread in the meantime.

    Returns:
        The candidates, ordered by C, then by gamma.
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
    with one_blas_thread(), ThreadPoolExecutor(workers) as pool:
        rows = list(pool.map(lambda one: _row(problem, one), gamma))
        exact = dict(itertools.chain(*(solved.items() for solved, _ in rows)))
        screened = dict(itertools.chain(*(approximate.items() for _, approximate in rows)))
        values = _confirmed(problem, exact, screened)
    return tuple(Candidate(*key, values[key]) for key in itertools.product(C, gamma))


def best_of(candidates: Iterable[Candidate], criterion: str) -> Candidate:
    """Return the candidate with the best value, the first one if several tie."""
    _, pick = CRITERIA[criterion]
    return pick(candidates, key=lambda candidate: candidate.value)


# Values by C and gamma.
Values = dict[tuple[float, float | None], float]


@dataclass(frozen=True, slots=True)
class _Problem:
    """Data shared by all candidates; `within` and `between` are products or squared distances."""

    within: Array
    between: Array
    target: Array
    mos: Array
    C: tuple[float, ...]
    epsilon: float
    level: tuple[float, float]
    criterion: str

    def kernels(self, gamma: float | None) -> tuple[Array, Array]:
        """Return the kernel among the rows to fit to, and from the rows to judge to them."""
        if gamma is None:
            return self.within, self.between
        return gaussian(self.within, gamma), gaussian(self.between, gamma)

    def judged(self, point: Point, between: Array) -> float:
        """Return the criterion of a regression."""
        judge, _ = CRITERIA[self.criterion]
        offset, scale = self.level
        return judge((between @ point.coefficients + point.intercept) * scale + offset, self.mos)

    def solved(self, within: Array, C: float) -> tuple[Point, int]:
        """Return libsvm's regression and its number of iterations."""
        found = solve(within, self.target, C, self.epsilon)
        coefficients = np.zeros_like(self.target)
        coefficients[found.support] = found.coefficients
        return Point(coefficients, within @ coefficients, found.intercept), found.iterations


def _row(problem: _Problem, gamma: float | None) -> tuple[Values, Values]:
    """Return the values of one gamma: libsvm's, and screened ones from where libsvm is slow."""
    within, between = problem.kernels(gamma)
    rows = len(problem.target)
    edge = WIDTH * float(problem.target.std())
    exact: Values = {}
    screened: Values = {}
    point = value = None
    slow, approximate = False, None
    for c in problem.C:
        if value is None:
            approximate = None
            if slow:
                approximate = screen(
                    within, problem.target, c, problem.epsilon, width=edge, start=point
                )
            if approximate is None:
                point, iterations = problem.solved(within, c)
                slow = slow or (rows >= FEWEST_ROWS and iterations > PATIENCE * rows)
            else:
                point = approximate
            value = problem.judged(point, between)
        (exact if approximate is None else screened)[c, gamma] = value
        # If no coefficient reaches its bound C, a higher C has the same solution.
        if _bounded(point, c):
            value = None
    return exact, screened


def _confirmed(problem: _Problem, exact: Values, screened: Values) -> Values:
    """Return all values after solving every screened candidate that could win with libsvm."""
    _, pick = CRITERIA[problem.criterion]
    sign = 1 if pick is min else -1
    exact, screened = dict(exact), dict(screened)
    errors: list[float] = []
    while screened:
        best = min(sign * value for value in exact.values())
        c, gamma = min(screened, key=lambda key: (sign * screened[key], key[0]))
        # A single error may be small by chance.
        doubt = DOUBT * max(errors) if len(errors) > 1 else np.inf
        if sign * screened[c, gamma] - doubt > best:
            break
        within, between = problem.kernels(gamma)
        point, _ = problem.solved(within, c)
        value = problem.judged(point, between)
        # As in `_row`, a higher C has the same solution if no coefficient reaches its bound.
        highest = c if _bounded(point, c) else np.inf
        same = [key for key in screened if key[1] == gamma and c <= key[0] <= highest]
        errors += [abs(screened.pop(key) - value) for key in same]
        exact |= dict.fromkeys(same, value)
    return exact | screened


def _bounded(point: Point, C: float) -> bool:
    """Return whether a coefficient has reached its bound C."""
    return bool(np.abs(point.coefficients).max() >= C)
