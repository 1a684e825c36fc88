"""Gram matrices of InceptionV3's feature maps, pooled over the frames of a video.

Asadi, Pourmatin and Mansouri, "The role of fine-tuned feature map correlation in video quality
assessment"; what it leaves open follows FMC-IQA, from the same group.

Faithful: the shorter side at 338 pixels and the central 299 x 299; Gram matrices F Fᵀ of the maps F
(C, h * w), not divided by h * w; the pooled values of the last map; the maximum over frames, or,
as in the paper's section III-C, mean and maximum.
Chosen where the paper is silent: two frames per second. Resizing works on uint8 and differs from
PIL's by single steps of 255 in places.

Shapes: n frames, C channels, h w size of a feature map, D numbers per frame.
"""

import math
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from vqa.features.extractor import Extractor
from vqa.features.frames import checked
from vqa.models.inception_iqa import LAYERS, inception
from vqa.models.pretrained.devices import chosen_device, turn, uploaded
from vqa.models.pretrained.inception import cropped, load_inception
from vqa.models.pretrained.normalisation import inception_input
from vqa.models.pretrained.weights import fingerprint, state_hash, weights_name
from vqa.video import VideoInfo
from vqa.video.sampling import fixed_rate_indices

DEFINITION = 1  # part of the fingerprint; raise it with every change that changes a number
SHORT_SIDE = 338
CHANNELS = {"avgpool": 2048, "Mixed_5b": 256, "Mixed_5c": 288}
POOLINGS = ("max", "mean", "both")
RANDOM_SEED = 0


def gram_matrix(maps: Tensor) -> Tensor:
    """Return the inner products of all pairs of feature maps. maps (n, C, h, w) -> (n, C * C).

    Examples:
        >>> import torch
        >>> from vqa.features.gram import gram_matrix
        >>> maps = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).reshape(1, 2, 1, 2)
        >>> gram_matrix(maps).tolist()
        [[5.0, 11.0, 11.0, 25.0]]
    """
    rows = maps.flatten(2)
    return (rows @ rows.mT).flatten(1)


def upper_triangle(gram: Tensor) -> Tensor:
    """Return the upper triangles with diagonals. gram (n, C * C) -> (n, C * (C + 1) / 2)."""
    side = math.isqrt(gram.shape[1])
    row, column = torch.triu_indices(side, side, device=gram.device)
    return gram[:, row * side + column]


class Gram(Extractor):
    """Gram features of a whole video: one vector, regardless of its length.

    `dim` is 150,528 with all layers and one pooling.

    Args:
        layers: Any of `avgpool` (2048 values), `Mixed_5b` (256 x 256) and `Mixed_5c` (288 x 288);
            their features follow in this order, independent of the order given here.
        pooling: Pooling over frames: `max`, `mean`, or `both`, the means and then the maxima.
        upper: Keep only the diagonal and the upper triangle of each symmetric Gram matrix, row by
            row.
        frames_per_second: Rate of the frames that are described; None describes every frame.
        weights: See `vqa.models.pretrained.inception.load_inception`; `random` is seeded and has no
            meaning for quality.
        device: Where the network runs; `auto` is the GPU if there is one.
        batch_frames: Frames that pass through the network together; affects only memory and speed.

    Raises:
        ValueError: An option has an unknown value.
        WeightsError: The weights are not available, or belong to another network.
    """

    name = "gram"
    chooses_frames = parallel = True

    def __init__(
        self,
        layers: Sequence[str] = ("avgpool", "Mixed_5b", "Mixed_5c"),
        pooling: Literal["max", "mean", "both"] = "max",
        upper: bool = False,
        frames_per_second: float | None = 2.0,
        weights: str = "imagenet",
        device: str = "auto",
        batch_frames: int | None = None,
    ) -> None:
        wanted = {layers} if isinstance(layers, str) else set(layers)
        if not wanted or wanted - set(CHANNELS):
            raise ValueError(
                f"gram: layers={sorted(wanted)}; choose one or more of {', '.join(CHANNELS)}"
            )
        if pooling not in POOLINGS:
            raise ValueError(f"gram: pooling={pooling!r}; choose one of {', '.join(POOLINGS)}")
        if frames_per_second is not None and not frames_per_second > 0:
            raise ValueError(
                f"gram: frames_per_second={frames_per_second}; give a positive number, or null for "
                "every frame"
            )
        self.device = chosen_device(device)
        self.layers = tuple(layer for layer in CHANNELS if layer in wanted)
        self.pooling, self.upper, self.frames_per_second = pooling, upper, frames_per_second
        self.batch_frames = batch_frames or (4 if self.device.type == "cpu" else 32)
        self.untrained = weights == "random"
        trunk = _trunk(self.layers, weights)
        state = state_hash(trunk)
        self.weights = f"inception_v3 {weights_name(weights)} sha256:{state[:12]}"
        self._trunk = trunk.to(self.device)
        self._frame_dim = sum(_dim(layer, upper) for layer in self.layers)
        self.dim = self._frame_dim * (2 if pooling == "both" else 1)
        parts = {
            "extractor": f"gram-{DEFINITION}",
            "layers": self.layers,
            "pooling": pooling,
            "upper": upper,
            "frames_per_second": frames_per_second,
            "weights": state,
        }
        self.fingerprint = fingerprint(parts)

    def indices(self, info: VideoInfo) -> np.ndarray:
        """Choose the frames that `describe` needs: ascending distinct indices, int64 (n,)."""
        if self.frames_per_second is None:
            return np.arange(info.frames)
        return np.unique(fixed_rate_indices(info.times_s, self.frames_per_second))

    @torch.inference_mode()
    def describe(self, chunks: Iterator[np.ndarray], info: VideoInfo) -> tuple[Tensor, Tensor]:
        """Describe a video; at most one batch of frames is held in memory.

        Args:
            chunks: uint8 (n, H, W, 3), the RGB frames of `indices(info)` in order, in portions of
                any size.
            info: The video.

        Returns:
            Features (1, dim) float32 and the mean time of the frames in seconds, (1,) float64, both
            on the CPU.

        Raises:
            ValueError: Frames of another type, layout or number.
        """
        peak = torch.full((self._frame_dim,), -torch.inf, device=self.device)
        total = torch.zeros_like(peak, dtype=torch.float64)
        seen = 0
        for chunk in chunks:
            checked(chunk, 0, self.name)
            for start in range(0, len(chunk), self.batch_frames):
                rows = self._rows(chunk[start : start + self.batch_frames])
                peak = torch.maximum(peak, rows.amax(0))
                total += rows.sum(0, dtype=torch.float64)
                seen += len(rows)
        wanted = self.indices(info)
        if seen != len(wanted):
            raise ValueError(
                f"gram: got {seen} frames of {info.path}, expected the {len(wanted)} of "
                "indices(info)"
            )
        mean = (total / seen).float()
        pooled = {"max": [peak], "mean": [mean], "both": [mean, peak]}[self.pooling]
        time_s = info.times_s[wanted].mean(keepdims=True)
        return torch.cat(pooled).unsqueeze(0).cpu(), torch.from_numpy(time_s)

    def _rows(self, frames: np.ndarray) -> Tensor:
        """Return the features (n, D) of each frame of uint8 (n, H, W, 3)."""
        frames = torch.from_numpy(np.require(frames, requirements=("C", "W")))
        there = uploaded(cropped(frames, SHORT_SIDE).numpy(), self.device)
        found = {}
        # TensorFloat-32 would change a GPU's features in the third digit. The flag is one for all
        # threads.
        with turn(self.device), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            x = inception_input(there)
            for name, layer in self._trunk.named_children():
                x = layer(x)
                if name == "avgpool":
                    found[name] = x.flatten(1)
                elif name in self.layers:
                    gram = gram_matrix(x)
                    found[name] = upper_triangle(gram) if self.upper else gram
        return torch.cat([found[layer] for layer in self.layers], 1)


def _trunk(layers: Sequence[str], weights: str) -> nn.Sequential:
    """Return InceptionV3 up to the last of these layers, in evaluation mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(RANDOM_SEED)
        network = inception()
    load_inception(network, weights)
    depth = 1 + max(LAYERS.index(layer) for layer in layers)
    needed = OrderedDict((name, getattr(network, name)) for name in LAYERS[:depth])
    return nn.Sequential(needed).eval().requires_grad_(False)


def _dim(layer: str, upper: bool) -> int:
    """Return the numbers per frame of a layer."""
    channels = CHANNELS[layer]
    if layer == "avgpool":
        return channels
    return channels * (channels + 1) // 2 if upper else channels**2
