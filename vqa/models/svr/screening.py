"""Fast approximation of a support vector regression: soft tube edges and Newton's method.

libsvm changes two coefficients at a time, 10^5 times if C is large. Here the corner of the loss at
`epsilon` is replaced by a parabola of some `width`, which makes the problem smooth enough for steps
that change all coefficients at once. With residuals `r = y - Kb - c`, the objective is
`b'Kb / 2 + C sum L(|r|)`. L is 0 up to `inner = epsilon - width / 2` and has slope 1 from
`inner + width` on; in between the slope rises linearly. At the minimum `b = C L'(|r|) sign(r)`:
rows inside the tube have coefficient 0, rows outside it C or -C. The coefficients of the rows on
its edge, E, solve (with O the rows outside)

    (K_EE + width / C) b_E + c = y_E - inner sign(r_E) - K_EO b_O,    sum b = 0.

A step solves this for the rows that are on the edge now, and moves in that direction to the lowest
point of the objective, which is convex with a continuous slope. The result meets the optimality
conditions of the exact regression to within about half the width.

Sources: Chapelle 2007 (Newton's method for support vector machines in the primal), Madsen and
Nielsen 1990 (Newton's method with a line search for Huber's loss).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve
from scipy.optimize import brentq

from vqa.models.svr.preprocessing import Array

# Video features take 3 to 20 steps when started from the solution for half of C.
MAX_STEPS = 60
# The search ends after a step that changes no residual by more than this fraction of the width.
SETTLED = 0.02


@dataclass(frozen=True, slots=True)
class Point:
    """An intermediate or final regression; its scores are `response + intercept`.

    Attributes:
        coefficients: One per row (N,).
        response: Kernel matrix (N, N) times the coefficients (N,).
        intercept: Constant term.
    """

    coefficients: Array
    response: Array
    intercept: float


def screen(
    kernel: Array,
    target: Array,
    C: float,
    epsilon: float,
    *,
    width: float,
    start: Point | None = None,
) -> Point | None:
    """Fit a support vector regression with soft tube edges.

    Args:
        kernel: Symmetric, positive semidefinite (N, N).
        target: Values to predict (N,).
        C: Regularisation parameter, the bound of the coefficients.
        epsilon: Half the width of the tube.
        width: Width of the tube's edge, in units of the target. A smaller width is closer to the
            exact regression and takes more steps.
        start: A nearby solution, such as the one for a lower C.

    Returns:
        The solution. None if no row is on the edge, because nothing determines the intercept
        then, if the step limit is reached, or if rounding errors prevent a step.
    """
    start = start or Point(np.zeros_like(target), np.zeros_like(target), float(np.median(target)))
    coefficients, response, intercept = start.coefficients, start.response, start.intercept
    inner = max(epsilon - width / 2, 0.0)
    for _ in range(MAX_STEPS):
        residual = target - response - intercept
        sides = _sides(residual, inner, width)
        aim = _solution(kernel, target, C, inner, width, sides)
        if aim is None:
            return None
        # Changes by the full step: of the coefficients, the response and the scores.
        added = aim.coefficients - coefficients
        risen = aim.response - response
        change = risen + (aim.intercept - intercept)
        settled = np.abs(change).max() <= SETTLED * width
        if settled or np.array_equal(_sides(residual - change, inner, width), sides):
            return aim

        line = residual, change, inner, width, C, added @ response, added @ risen
        if _slope(1.0, *line) <= 0:
            coefficients, response, intercept = aim.coefficients, aim.response, aim.intercept
        elif _slope(0.0, *line) < 0:
            share = brentq(_slope, 0.0, 1.0, args=line, xtol=1e-4)
            coefficients = coefficients + share * added
            response = response + share * risen
            intercept += share * (aim.intercept - intercept)
        else:
            return None
    return None


def _slope(
    share: float,
    residual: Array,
    change: Array,
    inner: float,
    width: float,
    C: float,
    at_start: float,
    growth: float,
) -> float:
    """Return the objective's slope along a step; `b'Kb / 2` has `at_start + share * growth`."""
    pull = _pull(residual - share * change, inner, width)
    return at_start + share * growth - C * (pull @ change)


def _pull(residual: Array, inner: float, width: float) -> Array:
    """Return the slope of the loss, -1 to 1."""
    return np.sign(residual) * np.clip((np.abs(residual) - inner) / width, 0, 1)


def _sides(residual: Array, inner: float, width: float) -> NDArray[np.intp]:
    """Return 0 inside the tube, 1 on its edge, 2 outside, with the sign of the residual."""
    size = np.abs(residual)
    return np.sign(residual).astype(np.intp) * (
        (size > inner).astype(np.intp) + (size >= inner + width)
    )


def _solution(
    kernel: Array, target: Array, C: float, inner: float, width: float, sides: NDArray[np.intp]
) -> Point | None:
    """Return the minimum under the assumption that every row stays on its side."""
    edge = np.flatnonzero(np.abs(sides) == 1)
    if not edge.size:
        return None
    coefficients = np.where(np.abs(sides) == 2, C * np.sign(sides), 0.0)
    matrix = kernel.take(edge, axis=0).take(edge, axis=1)
    matrix.flat[:: len(edge) + 1] += width / C
    wanted = target[edge] - inner * sides[edge] - (kernel @ coefficients)[edge]
    try:
        # numpy's version releases the GIL for the threads of other gammas, scipy's does not.
        lower = np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        return None
    both = np.stack([wanted, np.ones(len(edge))], axis=1)
    by_target, by_one = cho_solve((lower.T, False), both, check_finite=False).T
    intercept = float((by_target.sum() + coefficients.sum()) / by_one.sum())
    coefficients[edge] = by_target - intercept * by_one
    return Point(coefficients, kernel @ coefficients, intercept)
