"""No features, for models that read video files themselves.

Before training and tests every frame is still decoded once (`Nothing`), or only the container is
read (`Probed`). Files that cannot be read are therefore found and listed, and the run knows the
size, frame rate and hash of each file. For a score, a view of files reads only its own frames: see
`vqa.training.views.file_views`.
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
    parallel = one_core = True
    fingerprint = hashlib.sha256(b"nothing").hexdigest()

    def __call__(self, frames: np.ndarray, context: int = 0) -> Tensor:
        """Return an empty row for every frame, (T - context, 0)."""
        return torch.empty(len(frames) - context, 0)


class Probed(Nothing):
    """The first frame of a video -> features (1, 0).

    All packets are read, so a file that is cut short is found without being decoded; damage inside
    the packets is not.
    """

    fingerprint = ""  # a run may check its files otherwise when it resumes
    chooses_frames = leaps = True

    def indices(self, info: VideoInfo) -> np.ndarray:
        """Return the first frame."""
        return np.zeros(1, np.int64)
