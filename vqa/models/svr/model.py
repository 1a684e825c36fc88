"""A fitted support vector regression, stored as arrays and a JSON card instead of a pickle."""

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vqa.models.svr.kernels import distances_between, gaussian
from vqa.models.svr.preprocessing import Array, Preprocessing, as_matrix, column_blocks

KERNELS = ("rbf", "linear")
VECTORS = ("fill", "gain", "shift")
FACTS = ("kernel", "C", "gamma", "intercept", "offset", "scale", "limit", "candidates")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One point of the grid of C and gamma.

    Attributes:
        C: Regularisation parameter.
        gamma: Width parameter of the Gaussian kernel `exp(-gamma * squared distance)`; None for
            the linear kernel.
        value: Criterion on the inner validation part. It is approximate (about a percent off,
            rarely more) if libsvm is slow for this candidate and the candidate cannot win.
    """

    C: float
    gamma: float | None
    value: float


@dataclass(frozen=True, eq=False)
class FittedSVR:
    """Score videos from their feature vectors.

    Attributes:
        kernel: `rbf` or `linear`.
        C: Chosen regularisation parameter.
        gamma: Chosen width parameter of the Gaussian kernel; None for the linear kernel.
        preprocessing: Imputation and scaling, fitted to all training videos.
        coefficients: `rbf`: one per support vector (S,); `linear`: one per feature (D,).
        support: `rbf`: support vectors (S, D) before preprocessing; None for `linear`.
        intercept: Constant term.
        offset: Added to the output of the kernel expansion after `scale`.
        scale: Factor from the output of the kernel expansion to the MOS scale.
        candidates: The judged grid; empty if there was nothing to choose.
    """

    kernel: str
    C: float
    gamma: float | None
    preprocessing: Preprocessing
    coefficients: Array
    support: NDArray | None
    intercept: float
    offset: float = 0.0
    scale: float = 1.0
    candidates: tuple[Candidate, ...] = ()

    @property
    def dim(self) -> int:
        """Number of features per video, D."""
        return len(self.preprocessing.gain)

    def predict(self, features: ArrayLike) -> Array:
        """Return scores (N,) on the MOS scale for features (N, D).

        Raises:
            ValueError: The number of features differs from the one it was fitted to.
        """
        features = as_matrix(features)
        if features.ndim != 2 or features.shape[1] != self.dim:
            raise ValueError(
                f"expected features (N, {self.dim}), found {features.shape}; "
                "use the feature set that the regression was fitted to"
            )
        score = np.full(len(features), self.intercept)
        if self.support is None:
            for columns in column_blocks(features):
                block = self.preprocessing(features[:, columns], columns)
                score += block @ self.coefficients[columns]
        else:
            distances = distances_between(self.preprocessing, features, self.support)
            score += gaussian(distances, self.gamma) @ self.coefficients
        return score * self.scale + self.offset

    def state(self) -> dict[str, NDArray]:
        """Return the arrays to store; `from_state` needs them and the `card`."""
        arrays = {name: getattr(self.preprocessing, name) for name in VECTORS}
        if self.preprocessing.quantiles is not None:
            arrays["quantiles"] = self.preprocessing.quantiles
        arrays["coefficients"] = self.coefficients
        if self.support is not None:
            arrays["support"] = self.support
        return {name: np.ascontiguousarray(array) for name, array in arrays.items()}

    def card(self) -> dict[str, Any]:
        """Return the scalars to store, suitable for JSON (which keeps every digit)."""
        facts = {name: getattr(self, name) for name in FACTS if name not in ("limit", "candidates")}
        candidates = [asdict(candidate) for candidate in self.candidates]
        return facts | {"limit": self.preprocessing.limit, "candidates": candidates}

    @classmethod
    def from_state(cls, arrays: dict[str, NDArray], card: dict[str, Any]) -> Self:
        """Rebuild the regression that `state` and `card` describe.

        Raises:
            ValueError: An array or an entry of the card is missing, or shapes do not match.
        """
        kernel = card.get("kernel")
        needed = {*VECTORS, "coefficients", *(["support"] if kernel == "rbf" else [])}
        absent = sorted(needed - arrays.keys()) + [name for name in FACTS if name not in card]
        if absent or kernel not in KERNELS:
            raise ValueError(
                f"not a stored SVR: kernel {kernel!r} (expected {' or '.join(KERNELS)}), "
                f"missing: {', '.join(absent) or 'nothing'}; save it again"
            )
        numbers = [card[name] for name in ("intercept", "offset", "scale")]
        numbers += [card["gamma"]] if kernel == "rbf" else []
        if not all(isinstance(number, int | float) for number in numbers):
            raise ValueError(f"not a stored SVR: {numbers} are not all numbers; save it again")
        support = arrays["support"] if kernel == "rbf" else None
        coefficients = arrays["coefficients"]
        dim = len(arrays["gain"])
        shape = (dim,) if support is None else (len(coefficients), dim)
        quantiles = arrays.get("quantiles")
        fits = (coefficients if support is None else support).shape == shape
        fits &= quantiles is None or (quantiles.ndim == 2 and quantiles.shape[1] == dim)
        if not fits or any(arrays[name].shape != (dim,) for name in VECTORS):
            found = {name: array.shape for name, array in arrays.items()}
            raise ValueError(f"shapes of a stored SVR do not match: {found}; save it again")
        facts = {name: card[name] for name in FACTS if name not in ("limit", "candidates")}
        return cls(
            preprocessing=Preprocessing(
                *(arrays[name] for name in VECTORS), card["limit"], quantiles
            ),
            coefficients=coefficients,
            support=support,
            candidates=tuple(Candidate(**candidate) for candidate in card["candidates"]),
            **facts,
        )
