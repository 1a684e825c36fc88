"""VSFACNN_SALIENCY: saliency and a deep network combined (Wang, Katsenou and Bull, 2023).

The study's code adds the Score-CAM map to the normalised image before ResNet-50. Its text adds
saliency to deep feature maps. Both are available; the first gave the published numbers.

Faithful: the first frame of each whole second, resized to 224 x 224 by Lanczos regardless of its
shape; the map of the frame after JPEG of quality 100, added to the frame before JPEG; channel means
and unbiased deviations of `layer4`; the video's vector is the mean over its frames.
Different: Pillow resizes instead of FFmpeg; a video shorter than a second gives its first frame.
The sum of feature maps is not in the code; here the mean saliency within each position of a feature
map is added to all its channels.
"""

from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from vqa.features.extractor import Extractor
from vqa.features.frames import checked
from vqa.features.saliency import Saliency, resized, weights_beside
from vqa.features.seconds import frame_of_each_second
from vqa.models.pretrained.classifier import Classifier
from vqa.models.pretrained.devices import turn
from vqa.models.pretrained.weights import fingerprint
from vqa.video import VideoInfo

DEFINITION = 1  # part of the fingerprint; raise it with every change that changes a number


class SaliencyFusion(Extractor):
    """Frames (T, H, W, 3) uint8 -> features (T, D): all channel means, then all deviations.

    Args:
        architecture: The deep network, one of torchvision's classifiers; D = 4096 for `resnet50`.
        weights: Its weights: `imagenet`, a local file, or `random`; see `Saliency`.
        saliency_architecture: The classifier whose decision the saliency explains.
        saliency_weights: Its weights; None uses those of `weights`, unless that is a file.
        fusion: `input` adds saliency to the image, `featuremap` to the feature maps.
        jpeg: See `Saliency`.
        device: Where the networks run; `auto` is the GPU if there is one.
        batch_masks: See `Saliency`.
        precision: See `Saliency`; the deep network always runs in float32.

    Raises:
        ValueError: An option has an unknown value, or `saliency_weights` are needed.
        WeightsError: Weights are not available or do not fit their architecture.
    """

    name = "vsfacnn_saliency"
    chooses_frames = draws = parallel = True

    def __init__(
        self,
        architecture: str = "resnet50",
        weights: str = "imagenet",
        saliency_architecture: str = "vgg16",
        saliency_weights: str | None = None,
        fusion: Literal["input", "featuremap"] = "input",
        jpeg: bool = True,
        device: str = "auto",
        batch_masks: int | None = None,
        precision: Literal["float32", "bfloat16"] = "float32",
    ) -> None:
        if fusion not in ("input", "featuremap"):
            raise ValueError(f"{self.name}: fusion={fusion!r}: expected input or featuremap")
        own = weights_beside(self.name, weights, saliency_weights, saliency_architecture)
        self._saliency = Saliency(saliency_architecture, own, jpeg, device, batch_masks, precision)
        self._deep = Classifier(architecture, weights, device)
        self.device = self._deep.device
        self.dim = 2 * self._deep.channels
        self.fusion = fusion
        self.untrained = self._deep.untrained or self._saliency.untrained
        self.weights = f"{self._deep.weights}, {self._saliency.weights}"
        parts = {
            "extractor": f"saliency-fusion-{DEFINITION}",
            "architecture": architecture,
            "weights": self._deep.state,
            "block": self._deep.block,
            "saliency": self._saliency.fingerprint,
            "fusion": fusion,
        }
        self.fingerprint = fingerprint(parts)

    def indices(self, info: VideoInfo) -> np.ndarray:
        """Choose the first frame of each whole second: ascending int64 (n,)."""
        return frame_of_each_second(info.frames, info.frame_rate_hz, "first")

    @torch.inference_mode()
    def __call__(self, frames: np.ndarray, context: int = 0) -> Tensor:
        """Describe uint8 frames (T, H, W, 3): float32 (T - context, D) on the device.

        Raises:
            ValueError: There are no frames, or they are not 8-bit RGB.
        """
        pictures = resized(checked(frames, context, self.name))
        saliency = self._saliency.maps(pictures)[:, None]
        with turn(self.device):
            images = self._deep.images(pictures)
            if self.fusion == "input":
                maps = self._deep(images + saliency)[0]
            else:
                maps = self._deep(images)[0]
                maps = maps + nn.functional.adaptive_avg_pool2d(saliency, maps.shape[2:])
            deviations, means = torch.std_mean(maps, dim=(2, 3))
            return torch.cat([means, deviations], 1)

    def draw(self, frame: np.ndarray) -> list[tuple[str, np.ndarray]]:
        """Draw the saliency map over one uint8 frame (H, W, 3); see `Saliency.draw`."""
        return self._saliency.draw(frame)
