"""The saliency study's 224 features: column means of a Score-CAM map (Wang et al., 2023).

Source: Wang, Katsenou and Bull, 2023.
Faithful: the last frame of each second (those with k mod rate = 0, counted from 1), resized to
224 x 224 by Lanczos regardless of its shape, passed through JPEG of quality 100; VGG-16; Score-CAM
as in `score_cam.py`; the mean over the 224 rows; the video's vector is the mean over its frames.
Different: Pillow resizes instead of FFmpeg; a video shorter than a second gives its last frame.
"""

import io
from typing import Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vqa.features.extractor import Extractor
from vqa.features.frames import checked
from vqa.features.score_cam import enlarged, score_cam
from vqa.features.seconds import frame_of_each_second
from vqa.models.pretrained.classifier import Classifier
from vqa.models.pretrained.devices import turn
from vqa.models.pretrained.imagenet import SIDE
from vqa.models.pretrained.weights import fingerprint
from vqa.video import VideoInfo

DEFINITION = 1  # part of the fingerprint; raise it with every change that changes a number
JPEG_QUALITY = 100
NAMED_WEIGHTS = ("imagenet", "random")


class Saliency(Extractor):
    """Frames (T, H, W, 3) uint8 -> features (T, 224): means over the rows of each saliency map.

    Args:
        architecture: Any of torchvision's classifiers, or `timm:` and a name; see `Classifier`.
        weights: `imagenet` (torchvision's IMAGENET1K_V1, downloaded by its own loader), a local
            file (.pth or .safetensors), or `random` (seeded, without meaning for quality).
        jpeg: Pass the resized frames through JPEG, as the study's code does.
        device: Where the network runs; `auto` is the GPU if there is one.
        batch_masks: Masked images that pass through the network together, across frames; affects
            only memory and speed.
        precision: Precision of the classification of masked images; the maps and the class are
            float32 in both cases. `bfloat16` is less exact, needs a second copy of the network at
            half its size, and is faster only on hardware with matrix units for it: GPUs and CPUs
            with AMX (`grep amx_bf16 /proc/cpuinfo`). On other CPUs it is slower.

    Raises:
        ValueError: There is no such classifier, or the precision is unknown.
        WeightsError: The weights are not available or do not fit the architecture.
    """

    name = "saliency"
    dim = SIDE
    chooses_frames = draws = parallel = True

    def __init__(
        self,
        architecture: str = "vgg16",
        weights: str = "imagenet",
        jpeg: bool = True,
        device: str = "auto",
        batch_masks: int | None = None,
        precision: Literal["float32", "bfloat16"] = "float32",
    ) -> None:
        self.classifier = Classifier(architecture, weights, device)
        self._classify = self.classifier.logits_in(precision)
        self.jpeg = jpeg
        self.device = self.classifier.device
        self.batch_masks = batch_masks or (8 if self.device.type == "cpu" else 128)
        self.untrained = self.classifier.untrained
        self.weights = self.classifier.weights
        parts = {
            "extractor": f"saliency-{DEFINITION}",
            "architecture": architecture,
            "weights": self.classifier.state,
            "block": self.classifier.block,
            "jpeg": jpeg,
        }
        if precision != "float32":  # float32 is not named, so older caches stay valid
            parts["precision"] = precision
            self.weights += f" (masks in {precision})"
        self.fingerprint = fingerprint(parts)

    def indices(self, info: VideoInfo) -> np.ndarray:
        """Choose the last frame of each second: ascending int64 (n,)."""
        return frame_of_each_second(info.frames, info.frame_rate_hz, "last")

    def __call__(self, frames: np.ndarray, context: int = 0) -> Tensor:
        """Describe uint8 frames (T, H, W, 3): float32 (T - context, 224) on the device.

        Raises:
            ValueError: There are no frames, or they are not 8-bit RGB.
        """
        return self.maps(resized(checked(frames, context, self.name))).mean(1)

    @torch.inference_mode()
    def maps(self, pictures: np.ndarray) -> Tensor:
        """Return the saliency, 0 to 1, of pictures uint8 (n, 224, 224, 3): (n, 224, 224)."""
        if self.jpeg:
            pictures = through_jpeg(pictures)
        with turn(self.device):
            images = self.classifier.images(pictures)
            # One by one, so that a narrow decision for a class does not depend on the batch.
            answers = [self.classifier(image[None]) for image in images]
            maps, logits = (torch.cat(part) for part in zip(*answers, strict=True))
            return score_cam(images, maps, logits, self._classify, batch=self.batch_masks)

    def draw(self, frame: np.ndarray) -> list[tuple[str, np.ndarray]]:
        """Draw the saliency map over one uint8 frame (H, W, 3): a title and float32 (H, W)."""
        saliency = self.maps(resized(checked(frame[None], 0, self.name)))
        return [("saliency (Score-CAM)", enlarged(saliency, frame.shape[:2])[0].cpu().numpy())]


def resized(frames: np.ndarray) -> np.ndarray:
    """Resize uint8 frames (n, H, W, 3) of any shape to uint8 (n, 224, 224, 3) by Lanczos."""
    return np.stack(
        [
            np.asarray(Image.fromarray(frame).resize((SIDE, SIDE), Image.Resampling.LANCZOS))
            for frame in np.ascontiguousarray(frames)
        ]
    )


def through_jpeg(pictures: np.ndarray) -> np.ndarray:
    """Return pictures uint8 (n, H, W, 3) after encoding as JPEG of quality 100 and decoding."""
    return np.stack([_through_jpeg(picture) for picture in pictures])


def _through_jpeg(picture: np.ndarray) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, format="JPEG", quality=JPEG_QUALITY)
    return np.asarray(Image.open(file))


def weights_beside(
    name: str, weights: str, saliency_weights: str | None, saliency_architecture: str
) -> str:
    """Return the weights of the saliency that features combine with another network.

    Args:
        name: Name of the features, for the error.
        weights: Of the other network.
        saliency_weights: Of the saliency; None takes `weights`, unless that is a file.
        saliency_architecture: The classifier of the saliency.

    Raises:
        ValueError: None are given, and those of the other network are a file of its own.
    """
    if saliency_weights is None and weights not in NAMED_WEIGHTS:
        raise ValueError(
            f"{name}: with weights={weights} the saliency needs weights of its own; set "
            f"features.{name}.saliency_weights to a file for {saliency_architecture}, or one of "
            f"{', '.join(NAMED_WEIGHTS)}"
        )
    return saliency_weights or weights
