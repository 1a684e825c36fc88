"""Curves, scalings and support vector regressions as modules that can be exported.

They repeat `vqa.evaluation` and `vqa.models` with operations that ONNX has, in float64 where the
originals compute in float64; `vqa export` compares both.

Shapes: N videos or moments, D features, Q quantiles, S support vectors.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from vqa.evaluation.calibration import BEND, ScaleCurve
from vqa.evaluation.metrics.curves import Curve
from vqa.models.scalings import LIMIT
from vqa.models.svr import FittedSVR


class CurveModule(nn.Module):
    """`Curve` or `ScaleCurve` on float64 tensors of any shape.

    Args:
        curve: The curve; None leaves scores as they are.
    """

    def __init__(self, curve: Curve | ScaleCurve | None) -> None:
        super().__init__()
        inner = curve.curve if isinstance(curve, ScaleCurve) else curve
        self.kind = "linear" if inner is None else inner.kind
        self.parameters_ = (1.0, 0.0) if inner is None else inner.parameters
        self.ends = (curve.low, curve.high) if isinstance(curve, ScaleCurve) else None

    def forward(self, score: Tensor) -> Tensor:
        """Map scores, float64 of any shape."""
        value = self._inner(score)
        if self.ends is None:
            return value
        low, high = self.ends
        if self.kind == "logistic4" and all(low <= end <= high for end in self.parameters_[:2]):
            return value.clamp(low, high)
        width = BEND * (high - low)
        above, below = (value - low) / width, (high - value) / width
        from_low = low + width * (_softplus(above) - _softplus(-below))
        from_high = high - width * (_softplus(below) - _softplus(-above))
        return torch.where(above < below, from_low, from_high).clamp(low, high)

    def _inner(self, x: Tensor) -> Tensor:
        betas = self.parameters_
        if self.kind == "linear":
            return betas[0] * x + betas[1]
        if self.kind == "logistic4":
            b1, b2, b3, b4 = betas
            return b2 + (b1 - b2) * torch.sigmoid((x - b3) / abs(b4))
        b1, b2, b3, b4, b5 = betas
        return b1 * (0.5 - torch.sigmoid(-b2 * (x - b3))) + b4 * x + b5


class RankTable(nn.Module):
    """The rank-Gaussian map of features (N, D), see `vqa.models.scalings`, without a search.

    Args:
        quantiles: (Q, D), in the type in which the map computes.
        limit: Values above it in magnitude count as undefined; None: only NaN and infinities do.
    """

    def __init__(self, quantiles: Tensor, limit: float | None = LIMIT) -> None:
        super().__init__()
        count = len(quantiles)
        ranks = (torch.arange(count, dtype=quantiles.dtype) + 0.5) / count
        self.limit = limit
        self.register_buffer("quantiles", quantiles)
        self.register_buffer("normal", torch.special.ndtri(ranks))
        self.register_buffer("spread", quantiles[-1] > quantiles[0])

    def forward(self, features: Tensor) -> Tensor:
        """(N, D) -> (N, D), in the type of the features."""
        known = is_known(features, self.limit)
        values = torch.where(known, features, 0.0).to(self.quantiles.dtype)
        # The first quantile that is not below the value, and the last that is not above it.
        below = torch.zeros_like(values, dtype=torch.int64)
        not_above = torch.zeros_like(values, dtype=torch.int64)
        for quantile in self.quantiles.unbind(0):
            below = below + (quantile < values).to(torch.int64)
            not_above = not_above + (quantile <= values).to(torch.int64)
        last = len(self.quantiles) - 1
        low = torch.minimum(below, not_above - 1).clamp(0, last)
        high = torch.maximum(below, not_above - 1).clamp(0, last)
        columns = self.quantiles.T
        left = columns.gather(1, low.T).T
        right = columns.gather(1, high.T).T
        apart = right > left
        share = torch.where(apart, (values - left) / torch.where(apart, right - left, 1.0), 0.5)
        start, end = self.normal[low], self.normal[high]
        found = start + share * (end - start)
        return torch.where(known & self.spread, found, 0.0).to(features.dtype)


class SVRModule(nn.Module):
    """A fitted support vector regression on features (N, D), in float64.

    Args:
        fitted: The regression.
    """

    def __init__(self, fitted: FittedSVR) -> None:
        super().__init__()
        prepare = fitted.preprocessing
        self.limit, self.gamma = prepare.limit, fitted.gamma
        self.intercept, self.scale, self.offset = fitted.intercept, fitted.scale, fitted.offset
        self.table = None
        if prepare.quantiles is not None:
            self.table = RankTable(torch.as_tensor(prepare.quantiles).double(), prepare.limit)
        for name in ("fill", "gain", "shift"):
            self.register_buffer(name, torch.as_tensor(getattr(prepare, name)).double())
        self.register_buffer("coefficients", torch.as_tensor(fitted.coefficients).double())
        support = None if fitted.support is None else torch.from_numpy(prepare(fitted.support))
        self.register_buffer("support", support)

    def forward(self, features: Tensor) -> Tensor:
        """Score features (N, D). -> (N,), float64."""
        x = features.double()
        if self.table is None:
            x = torch.where(is_known(x, self.limit), x, self.fill)
        else:
            x = self.table(x)
        x = x * self.gain + self.shift
        if self.support is None:
            score = x @ self.coefficients
        else:
            products = x @ self.support.T
            squares = x.square().sum(1, keepdim=True) + self.support.square().sum(1)
            kernel = (-self.gamma * (squares - 2 * products).clamp_min(0)).exp()
            score = kernel @ self.coefficients
        return (score + self.intercept) * self.scale + self.offset


def is_known(features: Tensor, limit: float | None) -> Tensor:
    """Mark values that are finite and, with a limit, not above it in magnitude."""
    return features.abs() <= (torch.finfo(features.dtype).max if limit is None else limit)


def _softplus(x: Tensor) -> Tensor:
    return functional.relu(x) + torch.log1p(torch.exp(-x.abs()))
