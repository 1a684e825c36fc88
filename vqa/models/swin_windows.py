"""How the tokens of a Video Swin map stand to each other inside their windows.

Shapes: T H W frames, height and width of the map; t h w of a window; N = t h w its tokens.
"""

from typing import NamedTuple

import torch
from torch import Tensor

Size = tuple[int, int, int]
MASKED = -100.0


class Geometry(NamedTuple):
    """What the tokens of a map's windows are to each other; it depends on shapes alone.

    Attributes:
        index: Row of the bias tables for each pair of tokens of a window (N * N,).
        gate: Distance of their fragments (spatial windows, h * w, h * w).
        spatial_mask: `MASKED` where the cyclic shift joined them in space, else 0, as `gate`.
        temporal_mask: The same in time (temporal windows, t, t).
    """

    index: Tensor
    gate: Tensor
    spatial_mask: Tensor
    temporal_mask: Tensor


def _pairwise(labels: Tensor, window: int, shift: int) -> Tensor:
    """Distance of the labels (size,) of tokens that share a window. -> (windows, w, w)."""
    windows = labels.roll(-shift).unflatten(0, (-1, window))
    return (windows[:, :, None] - windows[:, None, :]).abs()


def _spatial(rows: Tensor, columns: Tensor) -> Tensor:
    """Sum of two axes' distances (a, h, h) and (b, w, w). -> (a * b, h * w, h * w)."""
    both = rows[:, None, :, None, :, None] + columns[None, :, None, :, None, :]
    return both.flatten(4).flatten(2, 3).flatten(0, 1)


def window_geometry(
    size: Size, window: Size, shift: Size, table_window: Size, device: torch.device
) -> Geometry:
    """The geometry of a map (T, H, W) of whole windows; `table_window` is that of the tables."""
    # Places in the tables are linear in the steps along the axes; no step is their middle row.
    times, rows, columns = (2 * w - 1 for w in table_window)
    t, h, w = (torch.arange(n, device=device) for n in window)
    place = ((t[:, None, None] * rows + h[:, None]) * columns + w).flatten()
    middle = times * rows * columns // 2
    positions = [torch.arange(n, device=device) for n in size]
    fragments = [p * w // n for p, w, n in zip(positions, window, size, strict=True)]
    # The shift brings the first tokens of an axis to its end, beside others.
    wrapped = [(p < s).long() for p, s in zip(positions, shift, strict=True)]
    temporal, *spatial = map(_pairwise, wrapped, window, shift)
    return Geometry(
        index=(place[:, None] - place + middle).flatten(),
        gate=_spatial(*map(_pairwise, fragments[1:], window[1:], shift[1:])),
        spatial_mask=(_spatial(*spatial) > 0) * MASKED,
        temporal_mask=(temporal > 0) * MASKED,
    )
