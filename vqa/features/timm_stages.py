"""Spatial mean and standard deviation of the feature maps of any network of timm's.

The statistics are those of VSFA and GSTVQA (`convnet.py`): channel means of every stage, then
unbiased deviations, in one vector per frame. timm chooses the stages and states the normalisation,
the input size and the interpolation of the weights.

A network that takes images of any size, as convolutional ones do, gets frames at their own size.
Frames are resized to the network's input size, regardless of their shape, if timm's configuration
fixes the size (vision transformers) or if the network fails on a size that no stride divides.
"""

from collections.abc import Sequence
from copy import deepcopy
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.transforms import InterpolationMode, functional

from vqa.features.convnet import frames_at_once
from vqa.features.extractor import Extractor
from vqa.features.frame_statistics import FrameStatistics
from vqa.features.frames import checked
from vqa.features.stage_pictures import drawn_stage
from vqa.models.pretrained.devices import chosen_device, turn, uploaded
from vqa.models.pretrained.normalisation import normalise
from vqa.models.pretrained.timm_network import is_stateless, maps_of, stage_network, timm_network
from vqa.models.pretrained.weights import fingerprint, state_hash

DEFINITION = 1  # part of the fingerprint; raise it with every change that changes a number
ODD_SIZE = (131, 179)  # height and width that no stride divides


class TimmStages(Extractor):
    """Frames (T, H, W, 3) uint8 -> features (T, D): all channel means, then all deviations.

    Args:
        architecture: Any name of `timm.list_models()`, with or without a tag.
        weights: `auto`, a tag, `package:<name>`, a local file, or `random`; see `timm_network`.
        stages: Positions of the stages to use, such as [-1] for the last; None uses all that timm
            offers: five of most convolutional networks, three blocks of a vision transformer.
        device: Where the network runs; `auto` is the GPU if there is one.
        precision: Precision of the network; the statistics are computed in float32.
        batch_frames: Frames that pass through the network together; affects only memory and speed.
            None: see `ConvnetStatistics`.

    Attributes:
        size: Height and width to which frames are resized, or None for their own size.

    Raises:
        ValueError: timm has no such architecture, or the architecture no such stage.
        WeightsError: The weights are not available or do not fit the architecture.
    """

    name = "timm"
    draws = True

    def __init__(
        self,
        architecture: str = "tf_efficientnet_lite0",
        weights: str = "auto",
        stages: Sequence[int] | None = None,
        device: str = "auto",
        precision: Literal["float32", "bfloat16"] = "float32",
        batch_frames: int | None = None,
    ) -> None:
        network = timm_network(architecture, weights, head=False)
        model = stage_network(network)
        info = model.feature_info
        self._stages = _chosen(stages, info.module_name(), architecture)
        self._smallest_side = max(info.reduction())
        self.dim = 2 * sum(info.channels()[stage] for stage in self._stages)
        self.untrained = network.untrained
        self.device = chosen_device(device)
        self.dtype = {"float32": torch.float32, "bfloat16": torch.bfloat16}[precision]
        self.batch_frames = batch_frames
        self.parallel = is_stateless(model)
        own_size = not network.fixed_size and _takes_any_size(model)
        self.size = None if own_size else network.size
        self.on_device = own_size  # other networks' frames are resized on the CPU
        self._mean, self._std = network.mean, network.std
        self._interpolation = InterpolationMode(network.interpolation)
        state = state_hash(model)
        self.weights = f"{network.weights} sha256:{state[:12]}"
        parts = {
            "extractor": f"timm-stages-{DEFINITION}",
            "architecture": network.architecture,
            "weights": state,
            "stages": list(self._stages.values()),
            "precision": precision,
            "mean": self._mean,
            "std": self._std,
        }
        if self.size is not None:
            parts |= {"size": self.size, "interpolation": network.interpolation}
        self.fingerprint = fingerprint(parts)
        self._model = model.to(self.device, self.dtype, memory_format=torch.channels_last)

    @torch.inference_mode()
    def __call__(self, frames: np.ndarray | Tensor, context: int = 0) -> Tensor:
        """Describe uint8 frames (T, H, W, 3): float32 (T - context, D) on the device.

        Raises:
            ValueError: There are no frames, they are not 8-bit RGB, or they are too small for the
                network: a last map of one pixel has no unbiased deviation.
        """
        frames = checked(frames, context, self.name)
        there = self._ready(frames)
        size = self.batch_frames or frames_at_once(self.device, *there.shape[1:3])
        with turn(self.device):
            return torch.cat([self._batch(batch) for batch in there.split(size)])

    def network(self) -> nn.Module | None:
        """Return the network with its normalisation and statistics.

        None in bfloat16, and if frames are resized before they enter the network.
        """
        if self.size is not None or self.dtype != torch.float32:
            return None
        return FrameStatistics(
            deepcopy(self._model).cpu(), self._chosen_maps, self._mean, self._std
        )

    def _chosen_maps(self, model: nn.Module, images: Tensor) -> list[Tensor]:
        maps = maps_of(model, images)
        return [maps[stage] for stage in self._stages]

    @torch.inference_mode()
    def draw(self, frame: np.ndarray) -> list[tuple[str, np.ndarray]]:
        """Draw the response of each stage in use to one uint8 frame (H, W, 3).

        Returns:
            Pairs of a title and float32 (H, W): of each stage, the mean over its channels and the
            channel with the highest mean activation.
        """
        maps = self._maps(self._ready(checked(frame[None], 0, self.name)))
        return [
            picture
            for name, one in zip(self._stages.values(), maps, strict=True)
            for picture in drawn_stage(name, one, frame)
        ]

    def _ready(self, frames: np.ndarray | Tensor) -> Tensor:
        """Return uint8 frames (n, H, W, 3) on the device, in the size that the network takes."""
        if self.size is not None:
            frames = self._resized(frames)
        elif min(frames.shape[1:3]) < self._smallest_side:
            raise self._too_small(frames)
        return uploaded(frames, self.device)

    def _batch(self, frames: Tensor) -> Tensor:
        statistics = [torch.std_mean(one.float(), dim=(2, 3)) for one in self._maps(frames)]
        deviations, means = zip(*statistics, strict=True)
        return torch.cat(means + deviations, 1)

    def _maps(self, frames: Tensor) -> list[Tensor]:
        """Return the maps (n, C, h, w) of the chosen stages for uint8 frames (n, H, W, 3)."""
        x = normalise(frames, self.device, self._mean, self._std).to(self.dtype)
        chosen = self._chosen_maps(self._model, x)
        if any(one.shape[2] * one.shape[3] < 2 for one in chosen):
            raise self._too_small(frames)
        return chosen

    def _resized(self, frames: np.ndarray) -> np.ndarray:
        """Resize uint8 frames of any shape to the network's input size, on the CPU."""
        images = torch.from_numpy(np.require(frames, requirements=("C", "W"))).permute(0, 3, 1, 2)
        resized = functional.resize(images, list(self.size), self._interpolation, antialias=True)
        return resized.permute(0, 2, 3, 1).numpy()

    def _too_small(self, frames: np.ndarray | Tensor) -> ValueError:
        return ValueError(
            f"{self.name}: frames of {frames.shape[2]}x{frames.shape[1]} are too small for "
            f"{self.weights.partition(' ')[0]}; each side needs {self._smallest_side} pixels, and "
            "the last feature map two (128x128 is enough)"
        )


def _chosen(stages: Sequence[int] | None, names: list[str], architecture: str) -> dict[int, str]:
    """Return the names of the stages in use, by their positions."""
    count = len(names)
    wanted = list(range(count)) if stages is None else [int(stage) for stage in stages]
    positions = [stage % count for stage in wanted]
    if (
        not wanted
        or len(set(positions)) < len(wanted)
        or not all(-count <= s < count for s in wanted)
    ):
        raise ValueError(
            f"timm: stages={wanted}: expected different positions among the {count} stages of "
            f"{architecture} ({', '.join(names)}), 0 for the first or -1 for the last"
        )
    return {position: names[position] for position in positions}


@torch.inference_mode()
def _takes_any_size(model: nn.Module) -> bool:
    """Return whether a network takes images of a size that no stride divides."""
    try:
        maps_of(model, torch.zeros(1, 3, *ODD_SIZE))
    except (AssertionError, RuntimeError, ValueError):
        return False
    return True
