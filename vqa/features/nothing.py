"""No features, for models that read video files themselves.

Before training, `Nothing` decodes every frame once. Files that cannot be read whole are therefore
found and listed before training begins, and the run knows the size, frame rate and hash of each
file. For scoring, `FirstFrame` only opens a file: the model decodes the frames that it needs.
"""

import hashlib

import numpy as np
import torch
from torch import Tensor

from vqa.features.extractor import Extractor
from vqa.video import VideoInfo


class Nothing(Extractor):
    """Frames (T, H, W, 3) uint8 -> features (T, 0)."""

    name, dim, weights = "none", 0, "none"
    fingerprint = hashlib.sha256(b"nothing").hexdigest()

    def __call__(self, frames: np.ndarray, context: int = 0) -> Tensor:
        """Return an empty row for every frame, (T - context, 0)."""
        return torch.empty(len(frames) - context, 0)


class FirstFrame(Nothing):
    """The first frame (1, H, W, 3) uint8 -> features (1, 0)."""

    fingerprint = hashlib.sha256(b"first frame").hexdigest()
    chooses_frames = True

    def indices(self, info: VideoInfo) -> np.ndarray:
        """Choose the first frame."""
        return np.zeros(1, dtype=np.int64)
