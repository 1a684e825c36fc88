"""What every extractor asks of the frames that it is given."""

import numpy as np


def checked(frames: np.ndarray, context: int, name: str, *, least_side: int = 1) -> np.ndarray:
    """The frames behind the first `context`, if they are 8-bit RGB.

    Raises:
        ValueError: They are not, a side is below `least_side` pixels, or none is left; begins with
            the extractor's `name`.
    """
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] != 3 or not frames.size:
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
