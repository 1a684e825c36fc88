"""CLIP on windows of a frame: how well each of r descriptions fits, as mean and maximum.

This is the semantic feature extractor of CLiF-VQA (Mi et al., 2024). Windows of 224 x 224 pixels
are taken at the frame's own resolution. A softmax over the descriptions of 100 times their cosine
to a window gives one map per description; its mean and its maximum over the windows give 2r numbers
per frame.

Faithful: window size and counts, the softmax, both poolings and their order (means first).
Chosen where the paper is silent: OpenAI's ViT-B/32 and the descriptions of ZE-FESG, by the same
first author; evenly spread windows (`clip_windows.py`); bicubic enlargement of frames smaller than
a window; one softmax over both groups of descriptions, or one per group with `softmax=grouped`.

Shapes: T frames, H W size of a frame, W windows per frame, r descriptions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from vqa.features.clip_windows import GRIDS, enlarge, paint, window_corners
from vqa.features.descriptions import read_descriptions
from vqa.features.extractor import Extractor
from vqa.features.frames import checked
from vqa.models.pretrained.clip_network import (
    clip_network,
    known_architecture,
    text_vectors,
    window_side,
)
from vqa.models.pretrained.devices import chosen_device, turn, uploaded
from vqa.models.pretrained.normalisation import normalise
from vqa.models.pretrained.weights import fingerprint, state_hash, weights_name
from vqa.models.products import fast_products

DEFINITION = 1  # part of the fingerprint; raise it with every change that changes a number


@dataclass(frozen=True, slots=True)
class DescriptionMaps:
    """Match each description with each window of one frame; `paint` draws one row of values.

    Attributes:
        descriptions: The r sentences.
        values: (r, W) softmax values.
        corners: Top and left pixel of each window.
        side: Side of a window in pixels.
        size: Height and width that the corners refer to: the frame's, or the enlarged frame's.
    """

    descriptions: tuple[str, ...]
    values: Tensor
    corners: tuple[tuple[int, int], ...]
    side: int
    size: tuple[int, int]


class OpenClipWindows(Extractor):
    """Frames (T, H, W, 3) uint8 -> features (T, 2r): means over the windows, then maxima.

    Args:
        architecture: Any built-in name of open_clip, `toy`, or a JSON file in open_clip's form. Its
            input must be square; it sets the size of the windows. OpenAI's weights need a
            `-quickgelu` name.
        weights: A tag of open_clip's for this architecture (downloaded by its own loader), a local
            file, or `random` (seeded, without meaning for quality).
        windows: Windows per frame: 1, 5, 9, 25, 45 or 85.
        descriptions: None for the published list, a YAML file of the same form, or a mapping.
        groups: Groups of descriptions to use, such as `subjective`; None uses all.
        softmax: `joint` over all descriptions, or `grouped`: one over each group.
        device: Where the network runs; `auto` is the GPU if there is one.
        precision: Precision of the network. The softmax magnifies the error of a cosine a
            hundredfold, so bfloat16 features are rough.
        batch_windows: Windows that pass through the network together, across frames; affects only
            memory and speed.

    Attributes:
        descriptions: The r sentences, in the order of the features.
        sets: The group of each, such as `objective`.

    Raises:
        ValueError: An option has an unknown value, or the descriptions cannot be used.
        WeightsError: The weights or the tokenizer are not available, or do not fit the
            architecture.
    """

    name = "openclip"
    draws = parallel = on_device = True

    def __init__(
        self,
        architecture: str = "ViT-B-32-quickgelu",
        weights: str = "openai",
        windows: int = 9,
        descriptions: str | Mapping[str, Sequence[str]] | None = None,
        groups: str | Sequence[str] | None = None,
        softmax: Literal["joint", "grouped"] = "joint",
        device: str = "auto",
        precision: Literal["float32", "bfloat16"] = "float32",
        batch_windows: int | None = None,
    ) -> None:
        for option, value, choices in (
            ("windows", windows, tuple(GRIDS)),
            ("softmax", softmax, ("joint", "grouped")),
            ("precision", precision, ("float32", "bfloat16")),
        ):
            if value not in choices:
                raise ValueError(f"openclip: {option}={value!r}; choose one of {choices}")
        architecture = known_architecture(architecture)
        chosen = read_descriptions(descriptions, groups)
        model = clip_network(architecture, weights)
        self.side = window_side(model, architecture)
        self.device = chosen_device(device)
        self.dtype = getattr(torch, precision)
        self.windows = windows
        self.batch_windows = batch_windows or (32 if self.device.type == "cpu" else 256)
        self.descriptions = tuple(sentence for group in chosen.values() for sentence in group)
        self.sets = tuple(name for name, group in chosen.items() for _ in group)
        self.dim = 2 * len(self.descriptions)
        self.untrained = weights == "random"
        state = state_hash(model)
        self.weights = f"{architecture} {weights_name(weights)} sha256:{state[:12]}"
        sizes = [len(group) for group in chosen.values()]
        self._softmaxes = sizes if softmax == "grouped" else [sum(sizes)]
        self._mean, self._std = (model.visual.preprocess_cfg[key] for key in ("mean", "std"))
        parts = {
            "extractor": f"openclip-windows-{DEFINITION}",
            "architecture": architecture,
            "weights": state,
            "precision": precision,
            "windows": windows,
            "side": self.side,
            "descriptions": self.descriptions,
            "softmaxes": self._softmaxes,
            "mean": self._mean,
            "std": self._std,
        }
        self.fingerprint = fingerprint(parts)
        self._texts = text_vectors(model, architecture, self.descriptions).to(self.device)
        self._temperature = model.logit_scale.exp().to(self.device)
        self._model = model.to(self.device, self.dtype)

    @torch.inference_mode()
    def __call__(self, frames: np.ndarray | Tensor, context: int = 0) -> Tensor:
        """Describe uint8 frames (T, H, W, 3): float32 (T - context, 2r) on the device.

        Raises:
            ValueError: There are no frames, or they are not 8-bit RGB.
        """
        values = self._values(enlarge(checked(frames, context, self.name), self.side))
        return torch.cat([values.mean(1), values.amax(1)], 1)

    @torch.inference_mode()
    def maps(self, frame: np.ndarray) -> DescriptionMaps:
        """Return the descriptions' values in every window of one uint8 frame (H, W, 3).

        Raises:
            ValueError: The frame is not 8-bit RGB.
        """
        frames = enlarge(checked(frame[None], 0, self.name), self.side)
        size = frames.shape[1:3]
        corners = tuple(window_corners(*size, self.windows, self.side))
        values = self._values(frames)[0].T.cpu()
        return DescriptionMaps(self.descriptions, values, corners, self.side, size)

    def draw(self, frame: np.ndarray) -> list[tuple[str, np.ndarray]]:
        """Draw the map of each description over one uint8 frame (H, W, 3).

        Returns:
            r pairs of a sentence and float32 (H, W): at each pixel the mean softmax value of the
            windows over it, NaN if there is none.

        Raises:
            ValueError: The frame is not 8-bit RGB.
        """
        seen = self.maps(frame)
        drawn = []
        for sentence, values in zip(seen.descriptions, seen.values, strict=True):
            painted = paint(values, seen.corners, seen.side, *seen.size)[None, None]
            # An enlarged frame's map shrinks back; the nearest value keeps NaN from spreading.
            painted = nn.functional.interpolate(painted, frame.shape[:2], mode="nearest-exact")
            drawn.append((sentence, painted[0, 0].numpy()))
        return drawn

    def _values(self, frames: np.ndarray | Tensor) -> Tensor:
        """Return softmax values (T, W, r) of frames at least as large as a window."""
        side = self.side
        corners = window_corners(*frames.shape[1:3], self.windows, side)
        there = uploaded(frames, self.device)
        # Views; only one batch of windows is copied at a time.
        windows = [
            frame[top : top + side, left : left + side] for frame in there for top, left in corners
        ]
        with turn(self.device):
            parts = [
                self._batch(torch.stack(windows[start : start + self.batch_windows]))
                for start in range(0, len(windows), self.batch_windows)
            ]
            return torch.cat(parts).unflatten(0, (len(frames), self.windows))

    def _batch(self, windows: Tensor) -> Tensor:
        """Return softmax values (n, r) of windows uint8 (n, side, side, 3)."""
        x = normalise(windows, self.device, self._mean, self._std).to(self.dtype)
        with fast_products():
            x = nn.functional.normalize(self._model.encode_image(x).float(), dim=-1)
            logits = self._temperature * x @ self._texts.T
        return torch.cat([part.softmax(1) for part in logits.split(self._softmaxes, 1)], 1)
