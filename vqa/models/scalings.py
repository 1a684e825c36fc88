"""Scalings of feature vectors: by rank to a normal, or by value between the extremes.

The rank-Gaussian map gives each feature a standard normal distribution over the training videos. A
value is placed among the feature's quantiles of the training part, and the quantile of the normal
of the same rank replaces it. The map keeps the order of the values and removes skew, heavy tails
and units, so banks of statistics that span many orders of magnitude become comparable. Between two
quantiles it is linear. Values beyond the outermost quantiles are clipped to them, equal quantiles
share the mean of their normal values, and an undefined value (NaN or infinite) maps to 0, the
median.

Shapes: N videos, D features, Q quantiles.
"""

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

QUANTILES = 33
# Statistics of nearly constant maps come out as infinities or as finite numbers up to 1e26,
# depending on rounding. Both mean "no value".
LIMIT = 1e6


def quantiles_of(features: ArrayLike, count: int = QUANTILES) -> NDArray[np.float64]:
    """Return quantiles (Q, D) of features (N, D), at the ranks (k + 1/2) / Q.

    Args:
        features: Of the training videos; may contain NaN and infinities.
        count: Q.

    Returns:
        Float64. A feature without any defined value has quantiles of 0.
    """
    features = np.asarray(features, dtype=np.float64)
    defined = np.where(np.isfinite(features), features, np.nan)
    defined[:, np.isnan(defined).all(axis=0)] = 0
    return np.nanquantile(defined, (np.arange(count) + 0.5) / count, axis=0)


def rank_gauss(features: Tensor, quantiles: Tensor) -> Tensor:
    """Map features (..., D) to normal values by quantiles (Q, D); the type is that of `features`.

    A feature whose quantiles are all equal maps to 0.

    Examples:
        >>> import torch
        >>> from vqa.models.scalings import quantiles_of, rank_gauss
        >>> quantiles = torch.from_numpy(quantiles_of([[1.0], [10.0], [1000.0]], count=3))
        >>> values = torch.tensor([[1.0], [10.0], [505.0], [9000.0], [float("nan")]])
        >>> rank_gauss(values.double(), quantiles).flatten().round(decimals=2).tolist()
        [-0.97, 0.0, 0.73, 0.97, 0.0]
    """
    count = len(quantiles)
    ranks = (torch.arange(count, device=quantiles.device, dtype=quantiles.dtype) + 0.5) / count
    normal = torch.special.ndtri(ranks)
    known = quantiles.T.contiguous()
    values = features.reshape(-1, features.shape[-1]).T.to(known.dtype).contiguous()
    # The first quantile that is not below the value, and the last that is not above it.
    first = torch.searchsorted(known, values)
    last = torch.searchsorted(known, values, right=True) - 1
    low = torch.minimum(first, last).clamp(0, count - 1)
    high = torch.maximum(first, last).clamp(0, count - 1)
    left, right = known.gather(1, low), known.gather(1, high)
    share = torch.where(right > left, (values - left) / (right - left), 0.5)
    found = torch.lerp(normal[low], normal[high], share)
    spread = (known[:, -1] > known[:, 0])[:, None]
    found = torch.where(values.isfinite() & spread, found, 0.0)
    return found.T.reshape(features.shape).to(features.dtype)


def mapped(features: NDArray, quantiles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Map an array (N, D) by quantiles (Q, D), in float64."""
    values = torch.from_numpy(np.asarray(features, dtype=np.float64))
    return rank_gauss(values, torch.from_numpy(quantiles)).numpy()


class RankGauss(nn.Module):
    """The map as a layer of features (..., D); the identity, but clipped, until it is fitted.

    Values above 1e6 in magnitude count as undefined, as they do for an SVR.

    Args:
        dim: D.
        count: Q.
    """

    def __init__(self, dim: int, count: int = QUANTILES) -> None:
        super().__init__()
        ranks = (torch.arange(count) + 0.5) / count
        self.register_buffer("quantiles", torch.special.ndtri(ranks)[:, None].repeat(1, dim))

    def fit(self, features: Tensor) -> None:
        """Compute the quantiles of the training videos' features (N, D)."""
        values = _defined(features).cpu().numpy()
        self.quantiles.copy_(torch.from_numpy(quantiles_of(values, len(self.quantiles))))

    def forward(self, features: Tensor) -> Tensor:
        """(..., D) -> (..., D)."""
        return rank_gauss(_defined(features), self.quantiles)


class MinMax(nn.Module):
    """Scale features (..., D) to [0, 1] over the training videos; values beyond are clipped.

    Undefined values, and those above 1e6 in magnitude, count as 0 before scaling, as the published
    scripts of feature studies have it. A feature without spread becomes 0.

    Args:
        dim: D.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.register_buffer("low", torch.zeros(dim))
        self.register_buffer("high", torch.ones(dim))

    def fit(self, features: Tensor) -> None:
        """Find the extremes of the training videos' features (N, D)."""
        values = _defined(features).nan_to_num(0.0)
        self.low.copy_(values.amin(0))
        self.high.copy_(values.amax(0))

    def forward(self, features: Tensor) -> Tensor:
        """(..., D) -> (..., D)."""
        spread = self.high - self.low
        scaled = (_defined(features).nan_to_num(0.0) - self.low) / spread
        return torch.where(spread > 0, scaled, 0.0).clamp(0, 1)


def _defined(features: Tensor) -> Tensor:
    """Replace values above the limit by NaN."""
    return torch.where(features.abs() <= LIMIT, features, torch.nan)
