"""Facts of a file as features: resolution, frame rate, duration, bitrate. No picture is described.

A baseline: any model of the pictures must predict quality better than these seven numbers do.
"""

import hashlib
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from vqa.features.extractor import Extractor
from vqa.video import VideoInfo

DEFINITION = 1  # part of the fingerprint; raise it with every change that changes a number


class Metadata(Extractor):
    """A video -> features (1, 7).

    They are width and height (pixels), their product (millions), frame rate (Hz), duration (s),
    bitrate of the video stream (millions of bits per second), and bits per pixel of a frame. Only
    the first frame is decoded.
    """

    name, dim, weights = "metadata", 7, "none"
    fingerprint = hashlib.sha256(f"metadata-{DEFINITION}".encode()).hexdigest()
    families = ("size", "size", "size", "frame rate", "duration", "bitrate", "bitrate")
    chooses_frames = parallel = one_core = True

    def indices(self, info: VideoInfo) -> np.ndarray:
        """Choose the first frame, int64 (1,), so that the decoder has something to do."""
        return np.zeros(1, dtype=np.int64)

    def describe(
        self, chunks: Iterator[np.ndarray], info: VideoInfo
    ) -> tuple[Tensor, Tensor | None]:
        """Return the seven numbers, float32 (1, 7), at the time of the first frame."""
        pixels, bits = info.width * info.height, 8 * info.coded_bytes
        row = [
            info.width,
            info.height,
            pixels / 1e6,
            info.frame_rate_hz,
            info.duration_s,
            bits / info.duration_s / 1e6,
            bits / (pixels * info.frames),
        ]
        return torch.tensor([row], dtype=torch.float32), None
