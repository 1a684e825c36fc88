"""Changes of frames in one property, in steps: attenuated below 0, enhanced above.

Each function takes frames uint8 (T, H, W, 3) and a step from -1 to 1 and returns frames of the same
shape; step 0 returns them unchanged.
"""

import numpy as np
from scipy.ndimage import median_filter

LUMA = np.array((0.2126, 0.7152, 0.0722), np.float32)  # of red, green and blue, Rec. 709
STRONGEST = 3.0  # factor at step 1; its inverse at step -1
NOISE = 40.0  # standard deviation at step 1, of values to 255
MEDIAN = (1, 5, 5, 1)  # window of the filter that removes noise


def brightness(frames: np.ndarray, step: float) -> np.ndarray:
    """Multiply all values."""
    return _rounded(frames * np.float32(_factor(step)))


def contrast(frames: np.ndarray, step: float) -> np.ndarray:
    """Spread values around the mean luma of each frame."""
    middle = (frames @ LUMA).mean((1, 2))[:, None, None, None]
    return _rounded(middle + np.float32(_factor(step)) * (frames - middle))


def noise(frames: np.ndarray, step: float) -> np.ndarray:
    """Add Gaussian noise, the same for the same frames; below 0, blend in a median filter."""
    if step <= 0:
        share = np.float32(-step)
        return _rounded((1 - share) * frames + share * median_filter(frames, MEDIAN))
    draws = np.random.default_rng(0).standard_normal(frames.shape, np.float32)
    return _rounded(frames + np.float32(NOISE * step) * draws)


def colourfulness(frames: np.ndarray, step: float) -> np.ndarray:
    """Move colours away from grey of the same luma, or towards it."""
    grey = (frames @ LUMA)[..., None]
    return _rounded(grey + np.float32(_factor(step)) * (frames - grey))


def _factor(step: float) -> float:
    return STRONGEST**step


def _rounded(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
