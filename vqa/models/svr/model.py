"""A fitted support vector regression: arrays and a card, no pickle."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vqa.models.svr.kernels import distances_between, gaussian
from vqa.models.svr.preprocessing import Array, Conditioning, as_matrix, column_blocks
from vqa.models.svr.search import Candidate

KERNELS = ("rbf", "linear")
VECTORS = ("fill", "gain", "shift")
FACTS = ("kernel", "C", "gamma", "intercept", "offset", "scale", "limit", "candidates")


@dataclass(frozen=True, eq=False)
class FittedSVR:
    """Scores videos by their features.

    Attributes:
        kernel: `rbf` or `linear`.
        C: Price of an error beyond the tube, as chosen.
        gamma: Of the Gaussian kernel, as chosen; None for the linear one.
        conditioning: How features are filled and scaled, learned from all training videos.
        coefficients: `rbf`: one for each support vector (S,); `linear`: one for each feature (D,).
        support: `rbf`: the support vectors (S, D), neither filled nor scaled; None for `linear`.
        intercept: The constant.
        offset: Added to what the kernel expansion gives, after `scale`.
        scale: Factor from there to the MOS scale.
        candidates: The grid as it was judged; empty where there was nothing to choose.
    """

    kernel: str
    C: float
    gamma: float | None
    conditioning: Conditioning
    coefficients: Array
    support: NDArray | None
    intercept: float
    offset: float = 0.0
    scale: float = 1.0
    candidates: tuple[Candidate, ...] = ()

    @property
    def dim(self) -> int:
        """Features that it expects of a video."""
        return len(self.conditioning.gain)

    def predict(self, features: ArrayLike) -> Array:
        """Scores (N,) on the MOS scale, from features (N, D).

        Raises:
            ValueError: Another number of features than it was fitted on.
        """
        features = as_matrix(features)
        if features.ndim != 2 or features.shape[1] != self.dim:
            raise ValueError(
                f"expected features (N, {self.dim}), found {features.shape}; "
                "take the feature set that the regression was fitted on"
            )
        score = np.full(len(features), self.intercept)
        if self.support is None:
            for columns in column_blocks(features):
                block = self.conditioning(features[:, columns], columns)
                score += block @ self.coefficients[columns]
        else:
            distances = distances_between(self.conditioning, features, self.support)
            score += gaussian(distances, self.gamma) @ self.coefficients
        return score * self.scale + self.offset

    def state(self) -> dict[str, NDArray]:
        """The arrays that belong into a file: with `card`, all that `from_state` needs."""
        arrays = {name: getattr(self.conditioning, name) for name in VECTORS}
        arrays["coefficients"] = self.coefficients
        if self.support is not None:
            arrays["support"] = self.support
        return {name: np.ascontiguousarray(array) for name, array in arrays.items()}

    def card(self) -> dict[str, Any]:
        """The numbers and words beside the arrays, fit for JSON (which keeps every digit)."""
        facts = {name: getattr(self, name) for name in FACTS if name not in ("limit", "candidates")}
        candidates = [asdict(candidate) for candidate in self.candidates]
        return facts | {"limit": self.conditioning.limit, "candidates": candidates}

    @classmethod
    def from_state(cls, arrays: dict[str, NDArray], card: dict[str, Any]) -> "FittedSVR":
        """The regression that `state` and `card` describe.

        Raises:
            ValueError: Something is absent, or shapes do not fit.
        """
        kernel = card.get("kernel")
        needed = {*VECTORS, "coefficients", *(["support"] if kernel == "rbf" else [])}
        absent = sorted(needed - arrays.keys()) + [name for name in FACTS if name not in card]
        if absent or kernel not in KERNELS:
            raise ValueError(
                f"no stored regression: kernel {kernel!r}, absent: {', '.join(absent) or 'none'}; "
                f"expected one of {', '.join(KERNELS)} and all of it; save it again"
            )
        support = arrays["support"] if kernel == "rbf" else None
        coefficients = arrays["coefficients"]
        dim = len(arrays["gain"])
        shape = (dim,) if support is None else (len(coefficients), dim)
        fits = (coefficients if support is None else support).shape == shape
        if not fits or any(arrays[name].shape != (dim,) for name in VECTORS):
            found = {name: array.shape for name, array in arrays.items()}
            raise ValueError(f"shapes of a stored regression do not fit: {found}; save it again")
        facts = {name: card[name] for name in FACTS if name not in ("limit", "candidates")}
        return cls(
            conditioning=Conditioning(*(arrays[name] for name in VECTORS), card["limit"]),
            coefficients=coefficients,
            support=support,
            candidates=tuple(Candidate(**candidate) for candidate in card["candidates"]),
            **facts,
        )
