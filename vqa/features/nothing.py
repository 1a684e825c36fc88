"""No features, for models that read video files themselves.

Before training and tests every frame is still decoded once. Files that cannot be read whole are
therefore found and listed, and the run knows the size, frame rate and hash of each file. For a
score, a view of files reads only its own frames: see `vqa.training.views.file_views`.
"""

import hashlib

import numpy as np
import torch
from torch import Tensor

from vqa.features.extractor import Extractor


class Nothing(Extractor):
    """Frames (T, H, W, 3) uint8 -> features (T, 0)."""

    name, dim, weights = "none", 0, "none"
    parallel = one_core = True
    fingerprint = hashlib.sha256(b"nothing").hexdigest()

    def __call__(self, frames: np.ndarray, context: int = 0) -> Tensor:
        """Return an empty row for every frame, (T - context, 0)."""
        return torch.empty(len(frames) - context, 0)
