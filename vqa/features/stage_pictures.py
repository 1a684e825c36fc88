"""Pictures of the feature maps of a network's stage."""

import numpy as np
from torch import Tensor, nn


def drawn_stage(stage: str, maps: Tensor, frame: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """Draw the maps (1, C, h, w) of one stage for a frame (H, W, 3).

    Returns:
        Pairs of a title and float32 (H, W): the mean over the channels, and the channel with the
        highest mean activation.
    """
    chosen = most_active(maps)
    mean, channel = maps.mean(1, keepdim=True), maps[:, chosen : chosen + 1]
    return [
        (f"{stage}, mean of {maps.shape[1]} channels", _enlarged(mean, frame)),
        (f"{stage}, most active: {chosen}", _enlarged(channel, frame)),
    ]


def most_active(maps: Tensor) -> int:
    """Return the channel with the highest mean activation in maps (1, C, h, w)."""
    return int(maps.mean((2, 3)).argmax())


def _enlarged(map_: Tensor, frame: np.ndarray) -> np.ndarray:
    """Return a map (1, 1, h, w) at the size of a frame (H, W, 3)."""
    size = frame.shape[:2]
    enlarged = nn.functional.interpolate(map_.float(), size, mode="bilinear", antialias=True)
    return enlarged[0, 0].cpu().numpy()
