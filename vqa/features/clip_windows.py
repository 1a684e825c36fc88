"""Square windows over a frame at its own resolution, and maps of one value per window."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from vqa.features.frames import Frames

# Windows along the shorter and the longer side of a frame. Five are the corners and the centre.
GRIDS = {1: (1, 1), 5: (3, 3), 9: (3, 3), 25: (5, 5), 45: (5, 9), 85: (5, 17)}


def window_corners(height: int, width: int, count: int, side: int) -> list[tuple[int, int]]:
    """Return the top and left pixel of each window of a frame, row by row.

    The windows are spread evenly from edge to edge and overlap where necessary. The longer rows of
    45 or 85 windows run along the longer side: a portrait frame has the transposed landscape
    layout.

    Args:
        height: Height of the frame in pixels; at least `side`.
        width: Width of the frame in pixels; at least `side`.
        count: Windows per frame, one of `GRIDS`.
        side: Side of a window in pixels.
    """
    rows, columns = GRIDS[count] if width >= height else GRIDS[count][::-1]
    corners = [
        (top, left)
        for top in _offsets(height - side, rows)
        for left in _offsets(width - side, columns)
    ]
    return corners[::2] if count == 5 else corners


def enlarge(frames: Frames, side: int) -> Frames | np.ndarray:
    """Return uint8 frames `(T, H, W, 3)` enlarged so that both sides have at least `side` pixels.

    A frame whose shorter side is smaller is enlarged by bicubic interpolation, with its aspect
    ratio kept, until that side is `side`, on the CPU; other frames are returned unchanged.
    """
    height, width = frames.shape[1:3]
    short = min(height, width)
    if short >= side:
        return frames
    size = (max(side, round(height * side / short)), max(side, round(width * side / short)))
    there = frames if isinstance(frames, Tensor) else torch.from_numpy(np.array(frames))
    pixels = there.cpu().permute(0, 3, 1, 2).float()
    larger = functional.interpolate(pixels, size, mode="bicubic").clamp_(0, 255).round_()
    return larger.to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()


def paint(
    values: Tensor, corners: Sequence[tuple[int, int]], side: int, height: int, width: int
) -> Tensor:
    """Paint one value per window into a map `(height, width)`.

    Args:
        values: `(windows,)`, one for each of `corners`.
        corners: Top and left pixel of each window.
        side: Side of a window in pixels.
        height: Height of the map in pixels.
        width: Width of the map in pixels.

    Returns:
        At each pixel the mean of the windows over it, NaN if there is none.
    """
    total, cover = torch.zeros(2, height, width).unbind(0)
    for value, (top, left) in zip(values, corners, strict=True):
        total[top : top + side, left : left + side] += value
        cover[top : top + side, left : left + side] += 1
    return total / cover


def _offsets(free: int, count: int) -> list[int]:
    """Return the starts of `count` windows along a side on which they can move `free` pixels."""
    if count == 1:
        return [round(free / 2)]
    return [round(i * free / (count - 1)) for i in range(count)]
