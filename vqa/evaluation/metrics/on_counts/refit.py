"""PLCC and RMSE after the logistic curve on counts, with the curve refitted to first order.

A curve fitted to the videos it is judged on flatters the error. If it stayed fixed on every
resample, the bootstrap would not notice, and intervals of the RMSE of 100 videos would miss the
truth too often. A real refit takes thousands of times longer than everything else. So the
linearised curve is refitted: with J the derivatives of the curve by its parameters and e the
residuals, the weighted sum of squares falls by `g' H^-1 g`, where `g = J' C e` and `H = J' C J` are
sums over the counts C like all others.
"""

import numpy as np

from vqa.evaluation.metrics.checks import Array
from vqa.evaluation.metrics.curves import Curve, fit_logistic, sigmoid
from vqa.evaluation.metrics.on_counts.forms import Sums

# Directions that hardly change the curve are dropped; the bound is relative to the strongest.
SMALLEST_DIRECTION = 1e-7


def refitted_on_counts(mos: Array, score: Array) -> Sums:
    """PLCC and RMSE (R, 2) after the 4-parameter curve, from MOS and scores (N,).

    Both are NaN without variation or with fewer than three draws.
    """
    curve = fit_logistic(score, mos)
    residual = mos - curve(score)
    basis = _basis(curve, score)
    # On the full sample no better fit exists, even if a bound has stopped the search.
    free = residual - basis @ (basis.T @ residual) / len(mos)
    upper = np.triu_indices(basis.shape[1])
    squares = basis[:, upper[0]] * basis[:, upper[1]]
    level = mos - mos.mean()
    columns = np.hstack(
        [np.stack([level, level**2, residual**2]).T, basis * free[:, None], squares]
    )
    directions = basis.shape[1]

    def finish(sums: Array, drawn: Array) -> Array:
        total = np.maximum(drawn, 1)[:, None]
        means = sums / total
        slope = means[:, 3 : 3 + directions]
        curvature = np.zeros((len(sums), directions, directions))
        curvature[:, *upper] = means[:, 3 + directions :]
        curvature[:, *upper[::-1]] = means[:, 3 + directions :]
        curvature += 1e-9 * np.eye(directions)
        step = np.linalg.solve(curvature, slope[:, :, None])[:, :, 0]
        error = np.maximum(means[:, 2] - np.einsum("rd,rd->r", slope, step), 0.0)
        spread = means[:, 1] - means[:, 0] ** 2
        defined = (drawn >= 3) & (spread > 1e-12 * level.var())
        explained = 1 - error / np.where(defined, spread, 1.0)
        values = np.stack([np.sqrt(np.maximum(explained, 0.0)), np.sqrt(error)], axis=1)
        return np.where(defined[:, None], values, np.nan)

    return Sums(columns, finish)


def _basis(curve: Curve, score: Array) -> Array:
    """Orthogonal columns (N, D) of unit mean square that span the curve's derivatives."""
    if curve.kind == "linear":
        derivatives = np.stack([score - score.mean(), np.ones_like(score)], axis=1)
    else:
        _, _, centre, width = curve.parameters
        place = (score - centre) / abs(width)
        rise = sigmoid(place)
        derivatives = np.stack(
            [rise, np.ones_like(rise), rise * (1 - rise), rise * (1 - rise) * place], axis=1
        )
    derivatives = derivatives / np.linalg.norm(derivatives, axis=0).clip(1e-300)
    left, strength, _ = np.linalg.svd(derivatives, full_matrices=False)
    return left[:, strength > SMALLEST_DIRECTION * strength[0]] * np.sqrt(len(score))
