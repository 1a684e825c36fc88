"""Colour conversions of the published statistics: YUV to RGB, luma, opponents, CIE LAB chroma.

RGB and luma are computed in float64, so that rounding to bytes is exact. LAB, which is only known
to about 1e-4, is computed in the working type.
"""

import numpy as np
import torch
from torch import Tensor

from vqa.features.nss.banded import separable
from vqa.features.nss.imresize import imresize, round_to_bytes_

BLOCK_ROWS = 64
LUMA = (0.298936, 0.587043, 0.114021)
OPPONENTS = ((0.30, 0.04, -0.35), (0.34, -0.60, 0.17))
# 8-bit limited-range ITU-R BT.601 from RGB in 0..1, the table of MATLAB's ycbcr2rgb
BT601 = np.array([[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]])
BT601_ZERO = (16.0, 128.0, 128.0)
# the matrix of RAPIQUE's release, whose chroma is centred on 127
ORIGINAL = np.array([[1.0, 0.0, 1.4022], [1.0, -0.3456, -0.7145], [1.0, 1.771, 0.0]])
ORIGINAL_ZERO = (0.0, 127.0, 127.0)
# sRGB's colourants as ICC profiles hold them, relative to D50, and the adaptation to D65
ICC_COLOURANTS = np.array(
    [[0.4361, 0.3851, 0.1431], [0.2225, 0.7169, 0.0606], [0.0139, 0.0971, 0.7141]]
)
BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
D50 = np.array([0.9642, 1.0, 0.8251])
D65 = np.array([0.9504, 1.0, 1.0888])

BLUR = tuple(np.exp([-1 / 18, 0, -1 / 18]) / np.exp([-1 / 18, 0, -1 / 18]).sum())  # deviation 3


def yuv_to_rgb(y: Tensor, u: Tensor, v: Tensor, matrix: str = "bt601") -> Tensor:
    """Convert planar 4:2:0 frames to RGB, with the chroma doubled by `imresize`.

    Args:
        y: (..., H, W) luma, 0..255, floating.
        u: (..., ceil(H / 2), ceil(W / 2)) chroma.
        v: As `u`.
        matrix: `bt601` is the limited-range BT.601 inverse on 8-bit chroma, as in MATLAB's
            `ycbcr2rgb`; `original` is the matrix of RAPIQUE's release, on unrounded chroma.

    Returns:
        (..., 3, H, W) uint8.

    Raises:
        ValueError: The matrix is unknown.
    """
    height, width = y.shape[-2:]
    # The kernel's weights at 2x are 128ths: float32 represents both passes exactly.
    chroma = imresize(torch.stack([u, v], -3).to(torch.float32), 2.0)[..., :height, :width]
    if matrix == "bt601":
        chroma, zero = round_to_bytes_(chroma), BT601_ZERO
        coefficients = 255 * np.linalg.inv(BT601)
    elif matrix == "original":
        zero, coefficients = ORIGINAL_ZERO, ORIGINAL
    else:
        raise ValueError(f"yuv_matrix={matrix!r}: expected bt601 or original")
    rgb = torch.empty(*y.shape[:-2], 3, height, width, dtype=torch.uint8, device=y.device)
    for start in range(0, height, BLOCK_ROWS):  # a few rows at a time stay in the cache
        rows = slice(start, start + BLOCK_ROWS)
        channels = (y[..., rows, :], *chroma[..., rows, :].unbind(-3))
        # float32 subtracts exactly: luma is whole, chroma has 7 binary places
        shifted = [(x - centre).to(torch.float64) for x, centre in zip(channels, zero, strict=True)]
        for place, row in enumerate(coefficients):
            rgb[..., place, rows, :] = round_to_bytes_(mixed(shifted, row))
    return rgb


def mixed(channels: list[Tensor] | tuple[Tensor, ...], weights: np.ndarray | tuple) -> Tensor:
    """Return the weighted sum of channels (..., H, W)."""
    out = channels[0] * float(weights[0])
    for channel, weight in zip(channels[1:], weights[1:], strict=True):
        if weight:
            out.add_(channel, alpha=float(weight))
    return out


def log_opponents(rgb: Tensor) -> Tensor:
    """Return blue-yellow and red-green (..., 2, H, W) of the logarithms of RGB (..., 3, H, W)."""
    logs = (rgb + 0.1).log_()
    logs -= logs.mean((-2, -1), keepdim=True)
    red, green, blue = logs.unbind(-3)
    blue_yellow = (red + green).sub_(blue, alpha=2).mul_(6**-0.5)
    return torch.stack([blue_yellow, (red - green).mul_(2**-0.5)], -3)


def lab_chroma(rgb: Tensor) -> Tensor:
    """Return CIE LAB a and b at 8 bits, (..., 2, H, W), of slightly blurred RGB (..., 3, H, W).

    The blur is a 3 x 3 Gaussian (deviation 3, rounded to 8 bits); D65 LAB follows, with 128 added.
    MATLAB's constants are not public; the Bradford-adapted ICC colourants are within 4e-4 of its
    output.
    """
    blurred = round_to_bytes_(separable(rgb, BLUR, BLUR, "replicate")).int()
    code = torch.arange(256, dtype=torch.float64, device=rgb.device) / 255
    linear = torch.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    linear = linear.to(rgb.dtype)
    chroma = rgb.new_empty(*rgb.shape[:-3], 2, *rgb.shape[-2:])
    for start in range(0, rgb.shape[-2], BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        part = blurred[..., rows, :]
        channels = linear.index_select(0, part.flatten()).view(part.shape).unbind(-3)
        x, y, z = (_lab_curve(mixed(channels, row)) for row in _adapted_colourants())
        chroma[..., 0, rows, :] = (x - y).mul_(500).add_(128)
        chroma[..., 1, rows, :] = (y - z).mul_(200).add_(128)
        round_to_bytes_(chroma[..., rows, :])
    return chroma


def _adapted_colourants() -> np.ndarray:
    """Return the matrix from linear sRGB to XYZ relative to D65 white, (3, 3)."""
    gains = (BRADFORD @ D65) / (BRADFORD @ D50)
    adapted = np.linalg.inv(BRADFORD) @ (gains[:, None] * BRADFORD) @ ICC_COLOURANTS
    return adapted / D65[:, None]


def _lab_curve(x: Tensor) -> Tensor:
    """Apply CIE LAB's compressive curve: a cube root, linear near black."""
    return torch.where(x > (6 / 29) ** 3, x.pow(1 / 3), x * ((29 / 6) ** 2 / 3) + 4 / 29)
