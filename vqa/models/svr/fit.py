"""Support vector regression of MOS on features, with a grid search inside the training part."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vqa.models.svr.kernels import (
    distances_within,
    gaussian,
    gram,
    scale_gamma,
    weighted_sum,
)
from vqa.models.svr.model import KERNELS, FittedSVR
from vqa.models.svr.preprocessing import (
    LIMIT,
    Array,
    Preprocessing,
    as_matrix,
    fit_preprocessing,
)

# The grid of VIDEVAL, RAPIQUE and the studies that follow them.
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

    Imputation, scaling and gamma `scale` are fitted to the inner training videos for the search,
    and to all videos for the final fit. Protocol and defaults follow VIDEVAL (Tu et al., 2021).

    The solver gets the videos in the given order; its result depends on the order in about the
    fourth digit. Memory: three N x N matrices of float64, plus two per worker.

    Args:
        features: One vector per training video (N, D); may contain NaN and infinities. float32 is
            converted block by block, when it is needed.
        mos: Mean opinion scores (N,).
        inner_train: Row numbers to fit candidates to; not needed without a grid.
        inner_val: Row numbers to judge candidates on, disjoint from `inner_train`.
        kernel: `rbf`, or `linear`, which ignores `gamma`.
        C: Regularisation parameter, or several to choose from.
        gamma: Width parameter of the Gaussian kernel `exp(-gamma * squared distance)`, or several
            to choose from; `scale` is 1 / (dimensions * variance).
        epsilon: Errors up to it cost nothing; in MOS units, or in standard deviations with
            `scale_target`.
        scaler: `minmax` to [0, 1], `standard`, or `rank_gauss`, see `vqa.models.scalings`.
        scale_target: Standardise the MOS as well, for the solver only.
        impute: Replacement for missing values: `zero`, or the column's `mean`.
        limit: Values above it in magnitude count as missing, like NaN and infinities; None:
            only NaN and infinities do.
        criterion: `logistic_rmse` or `r2`. The first candidate wins a tie, in the order of C, then
            of gamma.
        workers: Threads of the search; None uses one per processor. Results do not depend on it.

    Raises:
        ValueError: Invalid input or options, or a grid without an inner split.

    Examples:
        >>> import numpy as np
        >>> from vqa.models.svr import fit_svr
        >>> features = np.linspace(0, 1, 11)[:, None] * [1.0, 2.0]
        >>> mos = 1 + 4 * features[:, 0]
        >>> train, val = np.arange(0, 11, 2), np.arange(1, 11, 2)
        >>> model = fit_svr(features, mos, train, val, C=[1, 100], gamma=[0.1, 1.0])
        >>> model.predict([[0.5, 1.0]]).round(1).tolist()
        [3.0]
    """
    # Imported here because they need scipy and scikit-learn, and scoring with a stored SVR does
    # not.
    from vqa.models.svr.criteria import CRITERIA
    from vqa.models.svr.search import best_of, search
    from vqa.models.svr.solver import solve

    features, mos = _checked(features, mos)
    if kernel not in KERNELS:
        raise ValueError(f"kernel={kernel!r}: expected {' or '.join(KERNELS)}")
    if criterion not in CRITERIA:
        raise ValueError(f"criterion={criterion!r}: expected {' or '.join(CRITERIA)}")
    if not epsilon >= 0:
        raise ValueError(f"epsilon={epsilon}: expected 0 or more")
    if workers is not None and workers < 1:
        raise ValueError(f"workers={workers}: expected 1 or more")
    c_grid = _listed("C", C)
    gamma_grid = _listed("gamma", gamma, words=("scale",)) if kernel == "rbf" else [None]
    options = {"scaler": scaler, "impute": impute, "limit": limit}
    best_c, best_gamma, candidates = c_grid[0], gamma_grid[0], ()
    if len(c_grid) * len(gamma_grid) > 1:
        train, val = _inner(inner_train, inner_val, len(mos))
        preprocess = fit_preprocessing(features, train, **options)
        candidates = search(
            gram(preprocess, features),
            mos,
            train,
            val,
            C=c_grid,
            gamma=[_number(one, preprocess, features, train) for one in gamma_grid],
            epsilon=epsilon,
            level=_level(mos[train], scale_target),
            criterion=criterion,
            workers=workers or os.cpu_count() or 1,
        )
        # By position in the grid, because `scale` is one number for the inner training videos and
        # another for all videos.
        place = candidates.index(best_of(candidates, criterion))
        best_c, best_gamma = c_grid[place // len(gamma_grid)], gamma_grid[place % len(gamma_grid)]
    everyone = np.arange(len(mos))
    preprocess = fit_preprocessing(features, everyone, **options)
    best_gamma = _number(best_gamma, preprocess, features, everyone)
    products = gram(preprocess, features)
    if best_gamma is not None:
        products = gaussian(distances_within(products), best_gamma)
    offset, scale = _level(mos, scale_target)
    found = solve(products, (mos - offset) / scale, best_c, epsilon)
    support, coefficients = features[found.support], found.coefficients
    if best_gamma is None:
        support, coefficients = None, weighted_sum(preprocess, support, coefficients)
    return FittedSVR(
        kernel=kernel,
        C=best_c,
        gamma=best_gamma,
        preprocessing=preprocess,
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
    """Return one or several values as a list of positive numbers and allowed words."""
    values = [value] if np.ndim(value) == 0 else list(value)
    valid = [one in words if isinstance(one, str) else 0 < one < np.inf for one in values]
    if not values or not all(valid):
        expected = " or ".join(["numbers above 0", *words])
        raise ValueError(f"{name}={value!r}: expected one or several {expected}")
    return [one if isinstance(one, str) else float(one) for one in values]


def _inner(train: ArrayLike | None, val: ArrayLike | None, count: int) -> tuple[NDArray, NDArray]:
    """Return both parts of the inner split as arrays of row numbers."""
    if train is None or val is None:
        raise ValueError(
            "a grid of C and gamma needs an inner split: give inner_train and inner_val, or one "
            "value of each"
        )
    train, val = (np.asarray(rows, dtype=np.intp) for rows in (train, val))
    both = np.concatenate([train, val])
    if not (train.size and val.size) or len(np.unique(both)) < len(both):
        raise ValueError(
            "expected two disjoint parts, each with rows: inner_train has "
            f"{train.size} rows and inner_val {val.size}, {len(both) - len(np.unique(both))} of "
            "them repeated"
        )
    if both.min() < 0 or both.max() >= count:
        raise ValueError(f"inner rows {both.min()} to {both.max()}: expected 0 to {count - 1}")
    return train, val


def _number(
    gamma: float | str | None, preprocess: Preprocessing, features: NDArray, rows: NDArray
) -> float | None:
    """Return gamma as a number; None for the linear kernel."""
    return scale_gamma(preprocess, features, rows) if gamma == "scale" else gamma


def _level(mos: Array, scaled: bool) -> tuple[float, float]:
    """Return offset and scale from the solver's target to the MOS scale."""
    return (float(mos.mean()), float(mos.std()) or 1.0) if scaled else (0.0, 1.0)
