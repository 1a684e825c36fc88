"""MATLAB's bicubic `imresize`, on which the published statistics depend.

Keys' kernel with a = -0.5, widened by 1/scale when the image shrinks; weights normalised for each
output pixel; borders mirrored with the outermost sample repeated; one axis after the other.
"""

import math
from functools import lru_cache

import torch
from torch import Tensor

from vqa.features.nss.banded import Banded, banded


def imresize(
    x: Tensor,
    scale: float | None = None,
    size: tuple[int, int] | None = None,
    *,
    rounded: bool = False,
) -> Tensor:
    """Resize maps like MATLAB's `imresize(x, scale)` or `imresize(x, size)`, bicubic.

    Args:
        x: (..., H, W), floating.
        scale: Factor of both sides; each side becomes ceil(scale * side).
        size: New (H, W) in place of a factor.
        rounded: Round to whole numbers within 0..255 after each of the two passes, as MATLAB does
            for uint8 images.

    Returns:
        Maps of the new size, in the type of `x`.

    Raises:
        ValueError: Both or neither of `scale` and `size` are given, or no pixel would be left.
    """
    if (scale is None) == (size is None):
        raise ValueError(f"imresize: give scale or size, got scale={scale} and size={size}")
    sides = x.shape[-2:]
    if size is None:
        size = tuple(math.ceil(scale * side) for side in sides)
        scales = (scale, scale)
    else:
        scales = tuple(new / side for new, side in zip(size, sides, strict=True))
    if min(size) < 1:
        raise ValueError(f"imresize: {sides[0]}x{sides[1]} would become {size}; no side may vanish")
    for axis in sorted((0, 1), key=lambda axis: scales[axis]):  # rows first on ties
        operator = resampling(sides[axis], size[axis], scales[axis], x.dtype, x.device)
        x = operator.across(x) if axis else operator.down(x)
        if rounded:
            x = round_to_bytes_(x)
    return x


def round_to_bytes_(x: Tensor) -> Tensor:
    """Round in place to whole numbers within 0..255, halves upward, like MATLAB's `uint8`."""
    return x.add_(0.5).floor_().clamp_(0, 255)


@lru_cache(maxsize=64)
def resampling(
    old: int, new: int, scale: float, dtype: torch.dtype, device: torch.device
) -> Banded:
    """Return the operator that resamples `old` samples along an axis to `new` samples.

    Args:
        old: Number of samples before.
        new: Number of samples after.
        scale: Ratio by which the new samples are placed; may differ from new / old.
        dtype: Type to compute in.
        device: Where to compute.
    """
    shrink = min(scale, 1.0)
    width = 4 / shrink
    # MATLAB counts from 1: sample u of the result is at u / scale + (1 - 1 / scale) / 2
    centres = torch.arange(1, new + 1, dtype=torch.float64) / scale + 0.5 * (1 - 1 / scale)
    left = torch.floor(centres - width / 2)
    places = left[:, None] + torch.arange(math.ceil(width) + 2)
    weights = shrink * _cubic(shrink * (centres[:, None] - places))
    weights /= weights.sum(1, keepdim=True)
    mirrored = torch.remainder(places.long() - 1, 2 * old)
    return banded(weights, torch.minimum(mirrored, 2 * old - 1 - mirrored), old, dtype, device)


def _cubic(x: Tensor) -> Tensor:
    """Evaluate Keys' cubic convolution kernel with a = -0.5, in float64."""
    x = x.abs()
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return torch.where(x <= 1, near, torch.where(x <= 2, far, 0.0))
