"""Spatially pooled feature maps of a classifier: RAPIQUE's 2048 CNN features (Tu et al., 2021).

Faithful: the middle frame of each second, resized to 224 x 224 by MATLAB's bicubic `imresize`
regardless of its shape; ResNet-50 up to its average pooling; the video's vector is the mean over
its frames.
Different: MATLAB's ResNet-50 has weights of its own, these are torchvision's, with ImageNet's
normalisation; FFmpeg decodes the frames to RGB; very short videos give their middle frame.
"""

import numpy as np
import torch
from torch import Tensor

from vqa.features.extractor import Extractor
from vqa.features.frames import checked
from vqa.features.nss.imresize import imresize
from vqa.features.seconds import frame_of_each_second
from vqa.models.pretrained.classifier import Classifier
from vqa.models.pretrained.devices import turn
from vqa.models.pretrained.imagenet import SIDE
from vqa.models.pretrained.weights import fingerprint
from vqa.video import VideoInfo

DEFINITION = 1  # part of the fingerprint; raise it with every change that changes a number


class PooledFeatures(Extractor):
    """Frames (T, H, W, 3) uint8 -> features (T, D): means of the last block's maps.

    Args:
        architecture: Any of torchvision's classifiers, or `timm:` and a name; see `Classifier`.
            D = 2048 for `resnet50`.
        weights: `imagenet` (torchvision's IMAGENET1K_V1, downloaded by its own loader), a local
            file (.pth or .safetensors), or `random` (seeded, without meaning for quality).
        device: Where the network runs; `auto` is the GPU if there is one.
        batch_frames: Frames that pass through the network together; affects only memory and speed.

    Raises:
        ValueError: There is no such classifier.
        WeightsError: The weights are not available or do not fit the architecture.
    """

    name = "cnn"
    chooses_frames = parallel = True

    def __init__(
        self,
        architecture: str = "resnet50",
        weights: str = "imagenet",
        device: str = "auto",
        batch_frames: int | None = None,
    ) -> None:
        self.classifier = Classifier(architecture, weights, device)
        self.device = self.classifier.device
        self.dim = self.classifier.channels
        self.untrained = self.classifier.untrained
        self.weights = self.classifier.weights
        self.batch_frames = batch_frames or (1 if self.device.type == "cpu" else 16)
        parts = {
            "extractor": f"pooled-{DEFINITION}",
            "architecture": architecture,
            "weights": self.classifier.state,
            "block": self.classifier.block,
        }
        self.fingerprint = fingerprint(parts)

    def indices(self, info: VideoInfo) -> np.ndarray:
        """Choose the middle frame of each second: ascending int64 (n,)."""
        return frame_of_each_second(info.frames, info.frame_rate_hz, "middle")

    @torch.inference_mode()
    def __call__(self, frames: np.ndarray, context: int = 0) -> Tensor:
        """Describe uint8 frames (T, H, W, 3): float32 (T - context, D) on the device.

        Raises:
            ValueError: There are no frames, or they are not 8-bit RGB.
        """
        frames = checked(frames, context, self.name)
        parts = [
            self._batch(frames[start : start + self.batch_frames])
            for start in range(0, len(frames), self.batch_frames)
        ]
        return torch.cat(parts)

    def _batch(self, frames: np.ndarray) -> Tensor:
        pictures = resized(frames)
        with turn(self.device):
            return self.classifier(self.classifier.images(pictures))[0].mean((2, 3))


def resized(frames: np.ndarray) -> np.ndarray:
    """Resize uint8 frames (n, H, W, 3) to uint8 (n, 224, 224, 3) by MATLAB's bicubic `imresize`."""
    x = torch.from_numpy(np.require(frames, requirements=("C", "W"))).permute(0, 3, 1, 2).float()
    x = imresize(x, size=(SIDE, SIDE), rounded=True)
    return x.permute(0, 2, 3, 1).to(torch.uint8).numpy()
