"""Colours as pretrained networks expect them, from RGB values of 0 to 255.

The functions keep their order of operations, because another order changes the last bits of the
features.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from vqa.models.pretrained.devices import uploaded

# Mean and standard deviation of RGB values in 0..1 on ImageNet; Kinetics networks use them as well.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def normalise(
    frames: np.ndarray | Tensor,
    device: torch.device,
    mean: Sequence[float] = IMAGENET_MEAN,
    std: Sequence[float] = IMAGENET_STD,
) -> Tensor:
    """Return (x / 255 - mean) / std of frames, by default as ImageNet's networks expect it.

    Args:
        frames: uint8 (n, H, W, 3), on the CPU or, as a tensor, on the device.
        device: Where to compute.
        mean: Mean of each colour in 0..1.
        std: Standard deviation of each colour in 0..1.

    Returns:
        float32 (n, 3, H, W), channels last in memory.
    """
    offset, factor = colour_scaling(tuple(mean), tuple(std), device)
    x = uploaded(frames, device)
    # (n, H, W, 3) seen as (n, 3, H, W) is channels-last already: no copy before the network.
    return torch.addcmul(offset, x.permute(0, 3, 1, 2).float(), factor)


@lru_cache(maxsize=64)
@torch.inference_mode(False)
def colour_scaling(
    mean: tuple[float, ...], std: tuple[float, ...], device: torch.device
) -> tuple[Tensor, Tensor]:
    """Return -mean / std and 1 / (255 std), (1, 3, 1, 1) each; made once, because a GPU waits."""
    means, stds = (torch.tensor(values, device=device).view(1, 3, 1, 1) for values in (mean, std))
    return -means / stds, 1 / (255 * stds)


def inception_input(images: Tensor) -> Tensor:
    """Return x / 127.5 - 1, from -1 to 1, as InceptionV3's published weights expect it.

    This is ImageNet's normalisation followed by torchvision's `transform_input=True`, which undoes
    it and rescales.

    Args:
        images: Any shape and type, values 0 to 255.

    Returns:
        float32 of the same shape.
    """
    return images.float() / 127.5 - 1
