"""Separable linear operators on maps as banded matrices: what borders do is folded into them.

A filter or a resampling along one axis is a matrix with a narrow band. Cut into blocks of rows, it
is a handful of small dense products: on a CPU several times faster than torch's convolutions of a
single channel, and one definition for smoothing, derivatives and `imresize`.

Legend: n samples along the axis, m of them in the result, K taps.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

BLOCK_ROWS = {"cpu": 32, "cuda": 256}  # rows of a block: few wasted zeros, or few launches


@dataclass(frozen=True, slots=True, eq=False)
class Banded:
    """A matrix (m, n) of which every row is zero but for a few neighbouring entries.

    Attributes:
        rows: m.
        blocks: Pairs (first column, dense block) of consecutive rows.
    """

    rows: int
    blocks: tuple[tuple[int, Tensor], ...]

    def down(self, x: Tensor) -> Tensor:
        """The operator along the rows' axis: (..., n, W) -> (..., m, W)."""
        out = x.new_empty(*x.shape[:-2], self.rows, x.shape[-1])
        for source, target in _pairs(x, out):
            start = 0
            for first, block in self.blocks:
                stop = start + len(block)
                torch.mm(block, source[first : first + block.shape[1]], out=target[start:stop])
                start = stop
        return out

    def across(self, x: Tensor) -> Tensor:
        """The operator along the columns' axis: (..., H, n) -> (..., H, m)."""
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
    """Each map of (..., H, W) with its place in the result: one at a time stays in the cache."""
    return zip(x.reshape(-1, *x.shape[-2:]), out.view(-1, *out.shape[-2:]), strict=True)


def banded(
    weights: Tensor, places: Tensor, columns: int, dtype: torch.dtype, device: torch.device
) -> Banded:
    """The operator whose row i is the sum of `weights[i, k]` at column `places[i, k]`.

    Args:
        weights: (m, K) float64.
        places: (m, K) int64 in [0, columns); what falls on one place adds up.
        columns: n.
        dtype: The type to compute in.
        device: Where.
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
    """The operator y[i] = sum of kernel[k] x[i + k - (K - 1) // 2] along an axis.

    Args:
        kernel: K taps; of an even number, the left of the two middle ones is the centre.
        size: n, kept.
        border: `replicate` repeats the outermost sample, `zero` puts zeros beyond it.
        dtype: The type to compute in.
        device: Where.
    """
    taps = len(kernel)
    places = torch.arange(size)[:, None] + torch.arange(taps) - (taps - 1) // 2
    weights = torch.tensor(kernel, dtype=torch.float64).repeat(size, 1)
    if border == "zero":
        weights = weights * ((places >= 0) & (places < size))
    elif border != "replicate":
        raise ValueError(f"border={border!r} is not known; use replicate or zero")
    return banded(weights, places.clamp(0, size - 1), size, dtype, device)


def separable(
    x: Tensor, vertical: tuple[float, ...], horizontal: tuple[float, ...], border: str
) -> Tensor:
    """Correlate maps (..., H, W) with the outer product of two kernels; see `correlation`."""
    x = correlation(vertical, x.shape[-2], border, x.dtype, x.device).down(x)
    return correlation(horizontal, x.shape[-1], border, x.dtype, x.device).across(x)
