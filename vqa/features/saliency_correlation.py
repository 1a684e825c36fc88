"""Correlation of deep features and saliency: Algorithms 1 to 3 of Wang, Katsenou and Bull (2023).

Faithful: the last frame of each second, resized to 224 x 224, gives a deep vector (the 2048 means
of ResNet-50's last maps) and a Score-CAM map. The map is reduced to 45 x 45 = 2025 numbers by
Pillow's bilinear filter. The frame's correlation is the mean cosine between these numbers and the
24 windows of 2025 successive numbers of the deep vector. `stem=skipped` is the forward pass behind
the study's stored vectors, which leaves out the first normalisation, ReLU and pooling; the paper
describes the ordinary pass.
Chosen: both networks see the frame after Lanczos and JPEG, see `vqa.features.saliency`.
"""

from typing import Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from vqa.features.extractor import Extractor
from vqa.features.frames import checked
from vqa.features.saliency import Saliency, resized, through_jpeg, weights_beside
from vqa.features.seconds import frame_of_each_second
from vqa.models.pretrained.classifier import Classifier
from vqa.models.pretrained.devices import turn
from vqa.models.pretrained.weights import fingerprint
from vqa.video import VideoInfo

DEFINITION = 1  # part of the fingerprint; raise it with every change that changes a number
REDUCED_SIDE = 45
WINDOW = REDUCED_SIDE**2
STAGES = ("conv1", "layer1", "layer2", "layer3", "layer4")  # of a pass without its stem


class SaliencyCorrelation(Extractor):
    """Frames (T, H, W, 3) uint8 -> (T, 1): the mean cosine of deep features and saliency.

    A frame without a saliency map (nothing stands out) has no cosine, NaN.

    Args:
        architecture: The deep network, one of torchvision's classifiers with at least 2025 maps.
        weights: Its weights: `imagenet`, a local file, or `random`; see `Saliency`.
        stem: `ordinary`, or `skipped`: a ResNet's conv1 is followed by layer1 at once.
        saliency_architecture: The classifier whose decision the saliency explains.
        saliency_weights: Its weights; None uses those of `weights`, unless that is a file.
        jpeg: See `Saliency`.
        device: Where the networks run; `auto` is the GPU if there is one.
        batch_masks: See `Saliency`.
        precision: See `Saliency`; the deep network always runs in float32.

    Raises:
        ValueError: An option has an unknown value, `saliency_weights` are needed, or the deep
            network has too few maps or no stem to skip.
        WeightsError: Weights are not available or do not fit their architecture.
    """

    name = "saliency_correlation"
    dim = 1
    undefined = True
    chooses_frames = draws = parallel = True

    def __init__(
        self,
        architecture: str = "resnet50",
        weights: str = "imagenet",
        stem: Literal["ordinary", "skipped"] = "ordinary",
        saliency_architecture: str = "vgg16",
        saliency_weights: str | None = None,
        jpeg: bool = True,
        device: str = "auto",
        batch_masks: int | None = None,
        precision: Literal["float32", "bfloat16"] = "float32",
    ) -> None:
        if stem not in ("ordinary", "skipped"):
            raise ValueError(f"{self.name}: stem={stem!r}: expected ordinary or skipped")
        own = weights_beside(self.name, weights, saliency_weights, saliency_architecture)
        self._deep = Classifier(architecture, weights, device)
        if self._deep.channels < WINDOW:
            raise ValueError(
                f"{self.name}: {architecture} has {self._deep.channels} maps; expected at least "
                f"{WINDOW}, such as those of resnet50"
            )
        if stem == "skipped" and not all(hasattr(self._deep.network, name) for name in STAGES):
            raise ValueError(
                f"{self.name}: {architecture} has no {', '.join(STAGES)}; stem=skipped takes a "
                "ResNet, such as resnet50"
            )
        self._saliency = Saliency(saliency_architecture, own, jpeg, device, batch_masks, precision)
        self.stem, self.jpeg, self.device = stem, jpeg, self._deep.device
        self.untrained = self._deep.untrained or self._saliency.untrained
        skipped = " without its stem" if stem == "skipped" else ""
        self.weights = f"{self._deep.weights}{skipped}, {self._saliency.weights}"
        parts = {
            "extractor": f"saliency-correlation-{DEFINITION}",
            "architecture": architecture,
            "weights": self._deep.state,
            "block": self._deep.block,
            "stem": stem,
            "saliency": self._saliency.fingerprint,
        }
        self.fingerprint = fingerprint(parts)

    def indices(self, info: VideoInfo) -> np.ndarray:
        """Choose the last frame of each second: ascending int64 (n,)."""
        return frame_of_each_second(info.frames, info.frame_rate_hz, "last")

    @torch.inference_mode()
    def __call__(self, frames: np.ndarray, context: int = 0) -> Tensor:
        """Correlate uint8 frames (T, H, W, 3): float32 (T - context, 1) on the CPU.

        Raises:
            ValueError: There are no frames, or they are not 8-bit RGB.
        """
        pictures = resized(checked(frames, context, self.name))
        maps = self._saliency.maps(pictures).cpu().numpy()
        pictures = through_jpeg(pictures) if self.jpeg else pictures
        with turn(self.device):
            images = self._deep.images(pictures)
            # One by one, so that the vectors do not depend on the batch.
            vectors = torch.cat([self._vectors(image[None]) for image in images])
        vectors = vectors.cpu().numpy()
        cosines = [window_correlation(*pair) for pair in zip(vectors, maps, strict=True)]
        return torch.tensor(cosines, dtype=torch.float32)[:, None]

    def draw(self, frame: np.ndarray) -> list[tuple[str, np.ndarray]]:
        """Draw the saliency map over one uint8 frame (H, W, 3); see `Saliency.draw`."""
        return self._saliency.draw(frame)

    def _vectors(self, images: Tensor) -> Tensor:
        if self.stem == "skipped":
            return without_stem(self._deep.network, images)
        return self._deep(images)[0].mean((2, 3))


def window_correlation(deep: np.ndarray, saliency: np.ndarray) -> float:
    """Compute Algorithm 3: the mean cosine of a saliency map and the windows of a deep vector.

    Args:
        deep: (D,), D at least 2025; windows are its runs of 2025 numbers.
        saliency: (H, W), reduced to 45 x 45 by Pillow's bilinear filter and read row by row.

    Returns:
        From -1 to 1; NaN if the map or a window is 0 everywhere and has no direction.

    Raises:
        ValueError: Arrays of other shapes.
    """
    if saliency.ndim != 2 or deep.ndim != 1 or len(deep) < WINDOW:
        raise ValueError(
            f"expected a deep vector of at least {WINDOW} numbers and a saliency map (H, W), found "
            f"{deep.shape} and {saliency.shape}; use the pooled maps of a ResNet-50"
        )
    picture = Image.fromarray(np.ascontiguousarray(saliency, dtype=np.float32))
    reduced = picture.resize((REDUCED_SIDE, REDUCED_SIDE), Image.Resampling.BILINEAR)
    s = np.asarray(reduced, dtype=np.float64).ravel()
    windows = np.lib.stride_tricks.sliding_window_view(deep.astype(np.float64), WINDOW)
    with np.errstate(invalid="ignore"):
        cosines = windows @ s / (np.linalg.norm(windows, axis=1) * np.linalg.norm(s))
    return float(cosines.mean())


def without_stem(network: nn.Module, images: Tensor) -> Tensor:
    """Compute the channel means (n, D) of a ResNet's last maps without its stem.

    Args:
        network: One of torchvision's ResNets; bn1, ReLU and max-pooling after conv1 are left out.
        images: (n, 3, H, W), normalised.
    """
    for name in STAGES:
        images = getattr(network, name)(images)
    return images.mean((2, 3))
