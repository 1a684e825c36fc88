"""Generalised Gaussian fits by matching moments, on the grid of the published code.

GGD: Sharifi and Leon-Garcia, "Estimation of shape parameter for generalized Gaussian distributions
in subband decompositions of video", IEEE TCSVT 1995. AGGD: Lasmar, Stitou and Berthoumieu,
"Multiscale skewed heavy tailed model for texture analysis", ICIP 2009; both as in RAPIQUE.

The shape is the value of 0.1, 0.101, ..., 6 whose moment ratio is nearest to that of the sample.
The ratio is monotone in the shape, so bisection finds it. If a sample has no ratio (all zero, or
none on one side), the result is MATLAB's: the first shape, 0.1, and NaN for undefined parameters.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

SHAPES = np.arange(100, 6001) / 1000


class _Moments(NamedTuple):
    """Moments of the distributions of `SHAPES`."""

    inverse_ratios: NDArray  # ascending
    ratios: NDArray  # descending
    means: NDArray


@cache
def _moments() -> _Moments:
    # Imported here, because most runs find their features in the cache and compute none.
    from scipy.special import gamma

    one, two, three = gamma(1 / SHAPES), gamma(2 / SHAPES), gamma(3 / SHAPES)
    return _Moments(two**2 / (one * three), one * three / two**2, two / one * np.sqrt(one / three))


def ggd_fit(x: Tensor) -> Tensor:
    """Fit a generalised Gaussian to samples (..., N): (..., 2), shape gamma and deviation s.

    Examples:
        >>> import torch
        >>> from vqa.features.nss.fits import ggd_fit
        >>> gaussian = 3 * torch.special.ndtri(torch.linspace(0.0001, 0.9999, 9999))
        >>> ggd_fit(gaussian).round(decimals=1).tolist()
        [2.0, 3.0]
    """
    return ggd_from_sums(x.shape[-1], *sums(x).unbind(-1)[1:])


def aggd_fit(x: Tensor) -> Tensor:
    """Fit an asymmetric generalised Gaussian to samples (..., N).

    Returns:
        (..., 4): shape alpha, mean eta, deviations l and r. l and r are the root mean squares of
        the negative and of the positive samples, not scaled.
    """
    return aggd_from_sums(x.shape[-1], sums(x.clamp(max=0)), sums(x.clamp(min=0)))


def sums(x: Tensor) -> Tensor:
    """Return the sums that the fits need of samples (..., N): (..., 3) float64.

    These are the number of samples other than zero, the sum of magnitudes and the sum of squares.
    """
    x = x.to(torch.float64)
    return torch.stack([x.sign().abs().sum(-1), x.abs().sum(-1), x.square().sum(-1)], -1)


def ggd_from_sums(count: int, absolute: Tensor, square: Tensor) -> Tensor:
    """Return `ggd_fit` of `count` samples from the sums (...) of their magnitudes and squares."""
    variance = square / count
    ratio = variance / (absolute / count).square()
    # The table descends. It is searched from its end, where the nearest of two equals comes first.
    ratios = _table(_moments().ratios[::-1], ratio)
    place = len(SHAPES) - 1 - _nearest(ratios, ratio, upper_on_tie=True)
    place = torch.where(ratio.isfinite(), place, 0)
    return torch.stack([_table(SHAPES, ratio)[place], variance.sqrt()], -1)


def aggd_from_sums(count: int, negative: Tensor, positive: Tensor) -> Tensor:
    """Return `aggd_fit` of `count` samples from the `sums` (..., 3) of either side."""
    left = (negative[..., 2] / negative[..., 0]).sqrt()
    right = (positive[..., 2] / positive[..., 0]).sqrt()
    total = negative + positive
    ratio = (total[..., 1] / count).square() / (total[..., 2] / count)
    g = left / right
    ratio = ratio * (g**3 + 1) * (g + 1) / (g**2 + 1).square()
    place = _nearest(_table(_moments().inverse_ratios, ratio), ratio, upper_on_tie=False)
    place = torch.where(ratio.isfinite(), place, 0)
    mean = (right - left) * _table(_moments().means, ratio)[place]
    return torch.stack([_table(SHAPES, ratio)[place], mean, left, right], -1)


def _table(values: NDArray, like: Tensor) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values)).to(like.device)


def _nearest(table: Tensor, value: Tensor, *, upper_on_tie: bool) -> Tensor:
    """Return the position of the entry of an ascending table nearest to each value (...)."""
    upper = torch.searchsorted(table, value.contiguous()).clamp(1, len(table) - 1)
    above, below = table[upper] - value, value - table[upper - 1]
    return torch.where(above <= below if upper_on_tie else above < below, upper, upper - 1)
