"""Relations between the tokens of a Video Swin map inside their windows.

Shapes: T frames, H height, W width of the map; t, h, w of a window; N = t h w tokens of a window.
"""

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

Size = tuple[int, int, int]
MASKED = -100.0
SIZES = 32  # of maps, windows and shifts whose geometry is kept


class Geometry(NamedTuple):
    """Relations between the tokens of each window; they depend on shapes only.

    Attributes:
        index: Row of the bias tables for each pair of tokens of a window (N * N,).
        gate: Distance between the fragments of two tokens (spatial windows, h * w, h * w).
        spatial_mask: `MASKED` for tokens that the cyclic shift brought together in space, else 0;
            shaped like `gate`. None without a shift in space.
        temporal_mask: The same in time (temporal windows, t, t).
    """

    index: Tensor
    gate: Tensor
    spatial_mask: Tensor | None
    temporal_mask: Tensor | None


def _pairwise(labels: Tensor, window: int, shift: int) -> Tensor:
    """Return distances of the labels (size,) of tokens in a window. -> (windows, w, w)."""
    windows = labels.roll(-shift).unflatten(0, (-1, window))
    return (windows[:, :, None] - windows[:, None, :]).abs()


def _spatial(rows: Tensor, columns: Tensor) -> Tensor:
    """Sum the distances (a, h, h) and (b, w, w) of two axes. -> (a * b, h * w, h * w)."""
    both = rows[:, None, :, None, :, None] + columns[None, :, None, :, None, :]
    return both.flatten(4).flatten(2, 3).flatten(0, 1)


def window_geometry(
    size: Size, window: Size, shift: Size, table_window: Size, device: torch.device
) -> Geometry:
    """Return the geometry of a map (T, H, W) of whole windows.

    Args:
        size: Size of the map (T, H, W), a multiple of `window`.
        window: Tokens of a window (t, h, w).
        shift: Cyclic shift of the windows along (T, H, W).
        table_window: Window that the bias tables were made for, at least `window`.
        device: Device of the tensors.
    """
    # The row of a table is linear in the steps along the axes; its middle row is for no step.
    times, rows, columns = (2 * w - 1 for w in table_window)
    t, h, w = (torch.arange(n, device=device) for n in window)
    place = ((t[:, None, None] * rows + h[:, None]) * columns + w).flatten()
    middle = times * rows * columns // 2
    positions = [torch.arange(n, device=device) for n in size]
    fragments = [p * w // n for p, w, n in zip(positions, window, size, strict=True)]
    # The shift moves the first tokens of an axis to its end, next to unrelated ones.
    wrapped = [(p < s).long() for p, s in zip(positions, shift, strict=True)]
    temporal, *spatial = map(_pairwise, wrapped, window, shift)
    return Geometry(
        index=(place[:, None] - place + middle).flatten(),
        gate=_spatial(*map(_pairwise, fragments[1:], window[1:], shift[1:])),
        spatial_mask=(_spatial(*spatial) > 0) * MASKED if any(shift[1:]) else None,
        temporal_mask=(temporal > 0) * MASKED if shift[0] else None,
    )


@lru_cache(maxsize=SIZES)
def kept_geometry(
    size: Size, window: Size, shift: Size, table_window: Size, device: torch.device
) -> Geometry:
    """Return `window_geometry`, computed once for all blocks and networks of these sizes."""
    # Tensors made in inference mode could not be used in a later training step.
    with torch.inference_mode(False):
        return window_geometry(size, window, shift, table_window, device)
