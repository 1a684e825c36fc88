"""Check of the frames that an extractor is given."""

from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

Frames = TypeVar("Frames", np.ndarray, Tensor)


def checked(frames: Frames, context: int, name: str, *, least_side: int = 1) -> Frames:
    """Return the frames after the first `context`, if all are 8-bit RGB.

    Args:
        frames: uint8 (n, H, W, 3), an array or a tensor.
        context: Number of leading frames to drop.
        name: Name of the extractor, with which the error begins.
        least_side: Smallest height and width, in pixels.

    Raises:
        ValueError: Another type or shape, a side that is too small, or no frame is left.
    """
    is_uint8 = frames.dtype == (torch.uint8 if isinstance(frames, Tensor) else np.uint8)
    if not is_uint8 or frames.ndim != 4 or frames.shape[-1] != 3 or 0 in frames.shape:
        raise ValueError(
            f"{name}: expected uint8 frames (n, H, W, 3), at least one, got {frames.dtype} "
            f"{frames.shape}; decode to 8-bit RGB first"
        )
    if min(frames.shape[1:3]) < least_side:
        raise ValueError(
            f"{name}: frames of {frames.shape[2]}x{frames.shape[1]} are too small; both sides must "
            f"be at least {least_side} pixels"
        )
    if not 0 <= context < len(frames):
        raise ValueError(
            f"{name}: context={context} leaves none of {len(frames)} frames; pass at least one more"
        )
    return frames[context:]
