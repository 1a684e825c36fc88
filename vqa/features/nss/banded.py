"""Separable linear operators on maps as banded matrices that include the treatment of borders.

A filter or a resampling along one axis is a matrix with a narrow band. Cut into blocks of rows, it
becomes a few small dense products. On a CPU this is several times faster than torch's convolutions
of a single channel, and it is one definition for smoothing, derivatives and `imresize`.

Shapes: n samples along the axis, m samples in the result, K taps.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

BLOCK_ROWS = {"cpu": 16, "cuda": 256}  # rows per block: few wasted zeros, or few kernel launches


@dataclass(frozen=True, slots=True, eq=False)
class Banded:
    """A matrix (m, n) in which only a few neighbouring entries of each row are not zero.

    Attributes:
        rows: m.
        blocks: Pairs (first column, dense block) of consecutive rows.
    """

    rows: int
    blocks: tuple[tuple[int, Tensor], ...]

    def down(self, x: Tensor) -> Tensor:
        """Apply the operator along the rows' axis: (..., n, W) -> (..., m, W)."""
        out = x.new_empty(*x.shape[:-2], self.rows, x.shape[-1])
        for source, target in _pairs(x, out):
            start = 0
            for first, block in self.blocks:
                stop = start + len(block)
                torch.mm(block, source[first : first + block.shape[1]], out=target[start:stop])
                start = stop
        return out

    def across(self, x: Tensor) -> Tensor:
        """Apply the operator along the columns' axis: (..., H, n) -> (..., H, m)."""
        out = x.new_empty(*x.shape[:-1], self.rows)
        for source, target in _pairs(x, out):
            start = 0
            for first, block in self.blocks:
                stop = start + len(block)
                taken = source[:, first : first + block.shape[1]]
                torch.mm(taken, block.mT, out=target[:, start:stop])
                start = stop
        return out


def _pairs(x: Tensor, out: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Pair each map of (..., H, W) with its result; one map at a time stays in the cache."""
    return zip(x.reshape(-1, *x.shape[-2:]), out.view(-1, *out.shape[-2:]), strict=True)


def banded(
    weights: Tensor, places: Tensor, columns: int, dtype: torch.dtype, device: torch.device
) -> Banded:
    """Return the operator whose row i has `weights[i, k]` at column `places[i, k]`.

    Args:
        weights: (m, K) float64.
        places: (m, K) int64 in [0, columns); weights at the same place are added.
        columns: n.
        dtype: Type to compute in.
        device: Where to compute.
    """
    matrix = torch.zeros(len(weights), columns, dtype=torch.float64)
    matrix.scatter_add_(1, places, weights)
    size = BLOCK_ROWS.get(device.type, 256)
    blocks = []
    for start in range(0, len(matrix), size):
        block = matrix[start : start + size]
        used = block.any(0).nonzero()
        first, last = (int(used[0]), int(used[-1])) if len(used) else (0, 0)
        blocks.append((first, block[:, first : last + 1].to(device, dtype).contiguous()))
    return Banded(len(matrix), tuple(blocks))


@lru_cache(maxsize=256)
def correlation(
    kernel: tuple[float, ...], size: int, border: str, dtype: torch.dtype, device: torch.device
) -> Banded:
    """Return the operator y[i] = sum of kernel[k] x[i + k - (K - 1) // 2] along an axis.

    Args:
        kernel: K taps; if K is even, the left one of the two middle taps is the centre.
        size: n, which stays the same.
        border: `replicate` repeats the outermost sample, `zero` assumes zeros beyond it.
        dtype: Type to compute in.
        device: Where to compute.
    """
    taps = len(kernel)
    places = torch.arange(size)[:, None] + torch.arange(taps) - (taps - 1) // 2
    weights = torch.tensor(kernel, dtype=torch.float64).repeat(size, 1)
    if border == "zero":
        weights = weights * ((places >= 0) & (places < size))
    elif border != "replicate":
        raise ValueError(f"border={border!r}: expected replicate or zero")
    return banded(weights, places.clamp(0, size - 1), size, dtype, device)


def separable(
    x: Tensor, vertical: tuple[float, ...], horizontal: tuple[float, ...], border: str
) -> Tensor:
    """Correlate maps (..., H, W) with the outer product of two kernels; see `correlation`."""
    x = correlation(vertical, x.shape[-2], border, x.dtype, x.device).down(x)
    return correlation(horizontal, x.shape[-1], border, x.dtype, x.device).across(x)
