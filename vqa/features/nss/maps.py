"""The maps that RAPIQUE describes: sixteen of a frame's colours, seven of eight frames.

Every linear map is separable, or a sum of separable maps, and therefore a pair of banded matrices.

Shapes: H W size, h w half of it (rounded up), n frames.
"""

import numpy as np
import torch
from torch import Tensor

from vqa.features.nss.banded import separable
from vqa.features.nss.colour import LUMA, OPPONENTS, lab_chroma, log_opponents, mixed
from vqa.features.nss.imresize import imresize, round_to_bytes_

LARGEST_SIDE = 512  # the shorter side of larger frames is shrunk to this many pixels
LAPLACIAN_SIGMA = 1.5
DERIVATIVE_SIGMA = 1.66
# level 3 of the Haar wavelet packet without the mean: signs of eight consecutive frames
HAAR = ("++++----", "++--++--", "++----++", "+-+-+-+-", "+-+--+-+", "+--++--+", "+--+-++-")


def shrink_ratio(height: int, width: int) -> float:
    """Return the factor of the first resizing; 1 for frames that keep their size."""
    return min(1.0, LARGEST_SIDE / min(height, width))


def spatial_maps(rgb: Tensor, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    """Compute the maps of RGB frames.

    Args:
        rgb: (..., 3, H, W) whole numbers 0..255, float64.
        dtype: Working type.

    Returns:
        (..., 4, H, W) full-size Y, GM, LoG, DoG; and (..., 16, h, w), at half the size, these four
        and then O1, O2, GM(O1), GM(O2), BY, RG, GM(BY), GM(RG), A, B, GM(A), GM(B).
    """
    luma = round_to_bytes_(mixed(rgb.unbind(-3), LUMA)).to(dtype)
    colours = rgb.to(dtype)
    full = torch.stack([luma, sobel(luma), laplacian(luma), gaussian_difference(luma)], -3)
    halves = [imresize(full, 0.5)]
    channels = colours.unbind(-3)
    opponents = torch.stack([mixed(channels, weights) for weights in OPPONENTS], -3)
    for pair in (opponents, log_opponents(colours), lab_chroma(colours)):
        halves += [imresize(pair, 0.5), imresize(gradient_magnitude(pair), 0.5)]
    return full, torch.cat(halves, -3)


def temporal_maps(luma: Tensor, double_resize: bool = True) -> tuple[Tensor, Tensor]:
    """Compute the Haar bands of up to eight consecutive luma planes; missing planes are zero.

    Args:
        luma: (n, H, W), 0..255, in the working type.
        double_resize: Shrink the bands of large frames again, as the release does.

    Returns:
        (7, H', W') bands at full and (7, h', w') at half size, H' W' the size after shrinking.
    """
    ratio = shrink_ratio(*luma.shape[-2:])
    if ratio < 1:
        luma = imresize(luma, ratio)
    signs = torch.tensor([[1 if sign == "+" else -1 for sign in band] for band in HAAR])
    signs = signs[:, : len(luma)].to(luma)
    bands = (signs @ luma.flatten(1)).reshape(len(HAAR), *luma.shape[1:])
    if ratio < 1 and double_resize:
        bands = imresize(bands, ratio)
    return bands, imresize(bands, 0.5)


def sobel(x: Tensor) -> Tensor:
    """Return the Sobel gradient magnitude of maps (..., H, W), borders replicated."""
    return _magnitude(x, (1.0, 2.0, 1.0), (-1.0, 0.0, 1.0), "replicate")


def gradient_magnitude(x: Tensor) -> Tensor:
    """Return the Gaussian-derivative gradient magnitude of maps (..., H, W), with zero borders."""
    t = np.arange(-5, 6)
    smooth = np.exp(-(t**2) / (2 * DERIVATIVE_SIGMA**2))
    return _magnitude(x, tuple(smooth), tuple(t * smooth), "zero").add_(2.0**-52)


def laplacian(x: Tensor) -> Tensor:
    """Return the magnitude of the 9 x 9 Laplacian of Gaussian over its gain, borders replicated.

    The deviation is 1.5. A constant, the third of the separable parts, makes the kernel sum to 0.
    """
    t = np.arange(-4, 5)
    smooth = np.exp(-(t**2) / (2 * LAPLACIAN_SIGMA**2))
    smooth /= smooth.sum()
    curved = smooth * (t**2 - LAPLACIAN_SIGMA**2) / LAPLACIAN_SIGMA**4
    kernel = np.outer(curved, smooth) + np.outer(smooth, curved)
    offset = kernel.mean()
    gain = np.abs(kernel - offset).sum()
    flat = np.ones(len(t))
    response = separable(x, tuple(curved / gain), tuple(smooth), "replicate")
    response += separable(x, tuple(smooth / gain), tuple(curved), "replicate")
    response -= separable(x, tuple(flat * offset / gain), tuple(flat), "replicate")
    return response.abs_()


def gaussian_difference(x: Tensor) -> Tensor:
    """Subtract the 8 x 8 Gaussian average (deviation 1) of maps (..., H, W), replicated."""
    kernel = np.exp(-((np.arange(8) - 3.5) ** 2) / 2)
    kernel = tuple(kernel / kernel.sum())
    return x - separable(x, kernel, kernel, "replicate")


def _magnitude(
    x: Tensor, smooth: tuple[float, ...], slope: tuple[float, ...], border: str
) -> Tensor:
    horizontal = separable(x, smooth, slope, border)
    vertical = separable(x, slope, smooth, border)
    return horizontal.square_().addcmul_(vertical, vertical).sqrt_()
