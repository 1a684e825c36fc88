"""Support vector regression of MOS on features, with the grid search inside the training part."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vqa.models.svr.criteria import CRITERIA
from vqa.models.svr.kernels import (
    distances_within,
    gaussian,
    gram,
    scale_gamma,
    weighted_sum,
)
from vqa.models.svr.model import KERNELS, FittedSVR
from vqa.models.svr.preprocessing import LIMIT, Array, Conditioning, as_matrix, fit_conditioning
from vqa.models.svr.search import best_of, search, solve

# The grid of VIDEVAL and RAPIQUE, and of the studies that follow them.
GRID_C = tuple(2.0**power for power in range(1, 11))
GRID_GAMMA = tuple(2.0**power for power in range(-8, 2))


def fit_svr(
    features: ArrayLike,
    mos: ArrayLike,
    inner_train: ArrayLike | None = None,
    inner_val: ArrayLike | None = None,
    *,
    kernel: str = "rbf",
    C: float | Sequence[float] = GRID_C,
    gamma: float | str | Sequence[float | str] = GRID_GAMMA,
    epsilon: float = 0.1,
    scaler: str = "minmax",
    scale_target: bool = False,
    impute: str = "zero",
    limit: float | None = LIMIT,
    criterion: str = "logistic_rmse",
    workers: int | None = None,
) -> FittedSVR:
    """Choose C and gamma on an inner split of the training part, then fit to all of it.

    Filling, scaling and gamma `scale` are learned from the inner training videos for the search,
    and anew from all videos for the fit. Source of protocol and defaults: VIDEVAL (Tu et al. 2021).

    Videos keep their order on the way to the solver, whose result depends on it in the fourth
    digit or so. Memory: three N x N matrices of float64, and two more for each worker.

    Args:
        features: One vector for each training video (N, D), gaps and infinities allowed. float32
            stays as it is until it is needed.
        mos: Opinions (N,).
        inner_train: Row numbers to fit candidates on; not needed without a grid.
        inner_val: Row numbers to judge candidates on, none of them in `inner_train`.
        kernel: `rbf`, or `linear`, for which `gamma` says nothing.
        C: Price of an error beyond the tube, or several to choose from.
        gamma: Of the Gaussian kernel `exp(-gamma * squared distance)`, or several; `scale` is 1
            over dimensions times variance.
        epsilon: Errors up to it are free; in MOS units, or standard deviations with `scale_target`.
        scaler: `minmax` to [0, 1] or `standard`.
        scale_target: Standardise the MOS too, for the solver alone.
        impute: What stands for a missing value: `zero`, or the column's `mean`.
        limit: Absolute values above it are missing, like NaN and infinities; None: only these.
        criterion: `logistic_rmse` or `r2`. On ties the first counts, in the order of C, then gamma.
        workers: Threads of the search; None takes one for each processor. Results do not depend
            on it.

    Raises:
        ValueError: Bad input or options, or a grid without an inner split.
    """
    features, mos = _checked(features, mos)
    if kernel not in KERNELS:
        raise ValueError(f"kernel={kernel!r} is not known; expected {', '.join(KERNELS)}")
    if criterion not in CRITERIA:
        raise ValueError(f"criterion={criterion!r} is not known; expected {', '.join(CRITERIA)}")
    if not epsilon >= 0:
        raise ValueError(f"epsilon={epsilon}: expected 0 or more")
    if workers is not None and workers < 1:
        raise ValueError(f"workers={workers}: expected 1 or more")
    prices = _listed("C", C)
    widths = _listed("gamma", gamma, words=("scale",)) if kernel == "rbf" else [None]
    options = {"scaler": scaler, "impute": impute, "limit": limit}
    price, width, candidates = prices[0], widths[0], ()
    if len(prices) * len(widths) > 1:
        train, val = _inner(inner_train, inner_val, len(mos))
        condition = fit_conditioning(features, train, **options)
        candidates = search(
            gram(condition, features),
            mos,
            train,
            val,
            C=prices,
            gamma=[_number(width, condition, features, train) for width in widths],
            epsilon=epsilon,
            level=_level(mos[train], scale_target),
            criterion=criterion,
            workers=workers or os.cpu_count() or 1,
        )
        # By place in the grid: `scale` is another number for all videos than for the inner part.
        place = candidates.index(best_of(candidates, criterion))
        price, width = prices[place // len(widths)], widths[place % len(widths)]
    everyone = np.arange(len(mos))
    condition = fit_conditioning(features, everyone, **options)
    width = _number(width, condition, features, everyone)
    products = gram(condition, features)
    matrix = products if width is None else gaussian(distances_within(products), width)
    offset, scale = _level(mos, scale_target)
    found = solve(matrix, (mos - offset) / scale, price, epsilon)
    support, coefficients = features[found.support], found.coefficients
    if width is None:
        support, coefficients = None, weighted_sum(condition, support, coefficients)
    return FittedSVR(
        kernel=kernel,
        C=price,
        gamma=width,
        conditioning=condition,
        coefficients=coefficients,
        support=support,
        intercept=found.intercept,
        offset=offset,
        scale=scale,
        candidates=candidates,
    )


def _checked(features: ArrayLike, mos: ArrayLike) -> tuple[NDArray, Array]:
    features, mos = as_matrix(features), np.asarray(mos, dtype=np.float64)
    if features.ndim != 2 or not features.size or mos.shape != features.shape[:1]:
        raise ValueError(
            f"expected features (N, D) and mos (N,), found {features.shape} and {mos.shape}"
        )
    if not np.isfinite(mos).all():
        raise ValueError(f"{(~np.isfinite(mos)).sum()} of {len(mos)} MOS are not finite")
    return features, mos


def _listed(name: str, value: ArrayLike, words: tuple[str, ...] = ()) -> list[Any]:
    """One value or several, as a list of positive numbers and known words."""
    values = [value] if np.ndim(value) == 0 else list(value)
    known = [one in words if isinstance(one, str) else 0 < one < np.inf for one in values]
    if not values or not all(known):
        expected = " or ".join(["numbers above 0", *words])
        raise ValueError(f"{name}={value!r}: expected one or several {expected}")
    return [one if isinstance(one, str) else float(one) for one in values]


def _inner(train: ArrayLike | None, val: ArrayLike | None, count: int) -> tuple[NDArray, NDArray]:
    """Both parts as row numbers."""
    if train is None or val is None:
        raise ValueError(
            "a grid of C and gamma needs an inner split: give inner_train and inner_val, or one "
            "value of each"
        )
    train, val = (np.asarray(rows, dtype=np.intp) for rows in (train, val))
    both = np.concatenate([train, val])
    if not (train.size and val.size) or len(np.unique(both)) < len(both):
        raise ValueError(
            f"inner_train and inner_val have {train.size} and {val.size} rows, "
            f"{len(both) - len(np.unique(both))} of them twice; expected two disjoint parts"
        )
    if both.min() < 0 or both.max() >= count:
        raise ValueError(f"inner rows {both.min()} to {both.max()}: expected 0 to {count - 1}")
    return train, val


def _number(
    gamma: float | str | None, condition: Conditioning, features: NDArray, rows: NDArray
) -> float | None:
    """Gamma as a number, None for the linear kernel."""
    return scale_gamma(condition, features, rows) if gamma == "scale" else gamma


def _level(mos: Array, scaled: bool) -> tuple[float, float]:
    """Offset and scale that take the solver's target to MOS."""
    return (float(mos.mean()), float(mos.std()) or 1.0) if scaled else (0.0, 1.0)
