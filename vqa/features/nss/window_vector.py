"""The vector of one second: from the frames of a window to its 1836 statistics.

Shapes: H W size of the luma, P bytes of a planar frame, D = 1836.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vqa.features.nss.chosen_frames import Window
from vqa.features.nss.colour import yuv_to_rgb
from vqa.features.nss.imresize import imresize
from vqa.features.nss.map_statistics import nss_statistics
from vqa.features.nss.maps import shrink_ratio, spatial_maps, temporal_maps


@dataclass(frozen=True, slots=True)
class Definition:
    """Options of the definition, and where it is computed.

    Attributes:
        yuv_matrix: See `colour.yuv_to_rgb`.
        double_resize: See `maps.temporal_maps`.
        dtype: Type of everything except 8-bit colours and local moments, which are float64.
        device: Where to compute.
    """

    yuv_matrix: str
    double_resize: bool
    dtype: torch.dtype
    device: torch.device


@torch.inference_mode()
def window_vector(
    frames: np.ndarray, window: Window, size: tuple[int, int], definition: Definition
) -> np.ndarray:
    """Compute the statistics of one window: two frames (mean and difference) and temporal bands.

    Args:
        frames: uint8 (n, P), the planar 4:2:0 frames of `window.frames`, ascending.
        window: Which frames they are.
        size: (H, W).
        definition: What to compute.

    Returns:
        (D,) float64; NaN or infinite where a map leaves a statistic undefined.
    """
    place = {index: k for k, index in enumerate(sorted(window.frames))}
    held = torch.from_numpy(np.require(frames, requirements=("C", "W"))).to(definition.device)
    before, after = (
        _spatial_vector(held[place[index]], size, definition)
        for index in (window.before, window.after)
    )
    luma = _planes(held[[place[index] for index in window.run]], size)[0].to(definition.dtype)
    bands = temporal_maps(luma, definition.double_resize)
    temporal = torch.stack([_statistics(maps, definition) for maps in bands], 1).flatten()
    vector = torch.cat([(before + after) / 2, (before - after).abs(), temporal])
    return vector.cpu().numpy()


def _spatial_vector(frame: Tensor, size: tuple[int, int], definition: Definition) -> Tensor:
    """Return the statistics (680,) of the colour maps of one planar frame (P,), as in `names`."""
    rgb = yuv_to_rgb(*_planes(frame.float(), size), definition.yuv_matrix)
    ratio = shrink_ratio(*size)
    channels = [channel.to(torch.float64) for channel in rgb]
    if ratio < 1:
        channels = [imresize(channel, ratio, rounded=True) for channel in channels]
    rgb = torch.stack(channels)
    full, half = (_statistics(maps, definition) for maps in spatial_maps(rgb, definition.dtype))
    both = torch.stack([full, half[: len(full)]], 1).flatten()
    return torch.cat([both, half[len(full) :].flatten()])


def _statistics(maps: Tensor, definition: Definition) -> Tensor:
    """Return the statistics (n, 34) of maps (n, H, W)."""
    return nss_statistics(maps, definition.dtype)


def _planes(frames: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
    """Split planar frames (..., P) into luma (..., H, W) and both chroma planes."""
    small = (-(-size[0] // 2), -(-size[1] // 2))
    sizes = [size[0] * size[1], small[0] * small[1], small[0] * small[1]]
    y, u, v = frames.split(sizes, -1)
    return y.unflatten(-1, size), u.unflatten(-1, small), v.unflatten(-1, small)
