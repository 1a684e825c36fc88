"""Spatial mean and standard deviation of the feature maps of a frozen torchvision network.

VGG-16, five stages (Chen et al., GSTVQA, 2022): the output of the last ReLU of each stage has
64 + 128 + 256 + 512 + 512 channels, which gives 1472 means and then 1472 standard deviations. The
authors released features but no extraction code. The position of the taps (after the ReLU, before
the pooling) and the unbiased deviation follow VSFA, from the same code family.

ResNet-18, -50, -101 (Li et al., VSFA, 2019, and the LIVE-APV study): the output of `layer4`, 1024
or 4096 numbers.

Frames enter at their original resolution, with ImageNet's normalisation.
"""

from collections.abc import Iterator
from copy import deepcopy
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from vqa.features.extractor import GPU_BATCH_PIXELS, Extractor
from vqa.features.frame_statistics import FrameStatistics
from vqa.features.stage_pictures import drawn_stage
from vqa.models.pretrained.devices import chosen_device, turn, uploaded
from vqa.models.pretrained.imagenet import load_classifier
from vqa.models.pretrained.normalisation import IMAGENET_MEAN, IMAGENET_STD, normalise
from vqa.models.pretrained.weights import fingerprint, state_hash, weights_name

VGG16_TAPS = (3, 8, 15, 22, 29)
RESNET_LAYERS = ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4")
# Layers that `draw` shows, by position.
VGG16_STAGES = dict(
    zip(VGG16_TAPS, ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3"), strict=True)
)
RESNET_STAGES = {2: "conv1", 4: "layer1", 5: "layer2", 6: "layer3", 7: "layer4"}


class ConvnetStatistics(Extractor):
    """Frames (T, H, W, 3) uint8 -> features (T, D): all channel means, then all deviations.

    Args:
        architecture: `vgg16`, `resnet18`, `resnet50` or `resnet101`.
        weights: `imagenet` (torchvision's IMAGENET1K_V1, downloaded by its own loader), a local
            file (.pth or .safetensors), or `random` (seeded, without meaning for quality).
        device: Where the network runs; `auto` is the GPU if there is one.
        precision: `bfloat16` is about twice as fast on CPUs and GPUs that support it; the
            statistics are computed in float32 in both cases.
        batch_frames: Frames that pass through the network together; affects only memory and speed.
            None is 1 on a CPU, and on a GPU as many as 16 frames of 960 x 540 have pixels.

    Raises:
        WeightsError: The weights are not available or do not fit the architecture.
    """

    draws = parallel = on_device = True

    def __init__(
        self,
        architecture: Literal["vgg16", "resnet18", "resnet50", "resnet101"],
        weights: str = "imagenet",
        device: str = "auto",
        precision: Literal["float32", "bfloat16"] = "float32",
        batch_frames: int | None = None,
    ) -> None:
        self.name = architecture
        self.untrained = weights == "random"
        self.device = chosen_device(device)
        self.dtype = {"float32": torch.float32, "bfloat16": torch.bfloat16}[precision]
        self.batch_frames = batch_frames
        trunk, self._taps, channels = _trunk(architecture, weights)
        self._stages = VGG16_STAGES if architecture == "vgg16" else RESNET_STAGES
        self.dim = 2 * channels
        state = state_hash(trunk)
        self.weights = f"{architecture} {weights_name(weights)} sha256:{state[:12]}"
        self.fingerprint = fingerprint(
            {
                "extractor": "convnet-statistics-1",
                "architecture": architecture,
                "weights": state,
                "precision": precision,
                "mean": IMAGENET_MEAN,
                "std": IMAGENET_STD,
            }
        )
        self._trunk = trunk.to(self.device, self.dtype, memory_format=torch.channels_last)

    @torch.inference_mode()
    def __call__(self, frames: np.ndarray | Tensor, context: int = 0) -> Tensor:
        """Describe uint8 frames (T, H, W, 3): float32 (T - context, D) on the device.

        Raises:
            ValueError: The frames are too small for the network: a last map of one pixel has no
                unbiased deviation.
        """
        there = uploaded(frames[context:], self.device)
        size = self.batch_frames or frames_at_once(self.device, *frames.shape[1:3])
        with turn(self.device):
            return torch.cat([self._batch(batch) for batch in there.split(size)])

    def network(self) -> nn.Module | None:
        """Return the network with its normalisation and statistics; None in bfloat16."""
        if self.dtype != torch.float32:
            return None
        trunk = deepcopy(self._trunk).cpu()
        return FrameStatistics(trunk, self._tapped, IMAGENET_MEAN, IMAGENET_STD)

    def _tapped(self, trunk: nn.Module, images: Tensor) -> Iterator[Tensor]:
        for index, layer in enumerate(trunk.children()):
            images = layer(images)
            if index in self._taps:
                yield images

    @torch.inference_mode()
    def draw(self, frame: np.ndarray) -> list[tuple[str, np.ndarray]]:
        """Draw the response of each stage of the network to one uint8 frame (H, W, 3).

        Returns:
            Pairs of a title and float32 (H, W), in the frame's size: for each of the five stages,
            including those without features, the mean over its channels and the channel with the
            highest mean activation.
        """
        maps = []
        for index, x in self._layers(uploaded(frame[None], self.device)):
            if index in self._stages:
                maps += drawn_stage(self._stages[index], x, frame)
        return maps

    def _batch(self, frames: Tensor) -> Tensor:
        means, deviations = [], []
        for index, x in self._layers(frames):
            if index in self._taps:
                if x.shape[2] * x.shape[3] < 2:
                    raise self._too_small(frames)
                deviation, mean = torch.std_mean(x.float(), dim=(2, 3))
                means.append(mean)
                deviations.append(deviation)
        return torch.cat(means + deviations, 1)

    def _layers(self, frames: Tensor) -> Iterator[tuple[int, Tensor]]:
        """Yield each layer's position and output for uint8 frames (n, H, W, 3)."""
        x = normalise(frames, self.device).to(self.dtype)
        for index, layer in enumerate(self._trunk):
            pools = isinstance(layer, nn.MaxPool2d)
            if pools and min(x.shape[2:]) + 2 * layer.padding < layer.kernel_size:
                raise self._too_small(frames)
            x = layer(x)
            yield index, x

    def _too_small(self, frames: Tensor) -> ValueError:
        return ValueError(
            f"{self.name}: frames of {frames.shape[2]}x{frames.shape[1]} are too small; the last "
            "feature map needs two pixels (64x64 is enough)"
        )


def frames_at_once(device: torch.device, height: int, width: int) -> int:
    """Return how many frames of this size pass through a network together."""
    return 1 if device.type == "cpu" else max(1, GPU_BATCH_PIXELS // (height * width))


def _trunk(architecture: str, weights: str) -> tuple[nn.Sequential, frozenset[int], int]:
    """Return the layers up to the last tap, the taps' positions, and the number of channels."""
    model = load_classifier(architecture, weights, head=False)
    if architecture == "vgg16":
        return model.features[: VGG16_TAPS[-1] + 1], frozenset(VGG16_TAPS), 1472
    layers = nn.Sequential(*(getattr(model, name) for name in RESNET_LAYERS))
    return layers, frozenset({len(RESNET_LAYERS) - 1}), model.fc.in_features
