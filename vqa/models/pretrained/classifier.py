"""A frozen classifier that also returns its last block of feature maps.

It is one of torchvision's, or, with a name such as `timm:tf_efficientnet_lite0`, one of timm's.
"""

import copy
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from vqa.models.pretrained.devices import chosen_device
from vqa.models.pretrained.imagenet import SIDE, load_classifier
from vqa.models.pretrained.normalisation import IMAGENET_MEAN, IMAGENET_STD, normalise
from vqa.models.pretrained.weights import fingerprint, state_hash, weights_name

TIMM = "timm:"  # before the name of an architecture of timm's
POOLINGS = (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)


class Classifier:
    """A classifier that returns its last block of feature maps together with its logits.

    Args:
        architecture: See `load_classifier`; or `timm:` and a name, see `timm_network`.
        weights: See `load_classifier`; of timm's networks see `timm_network`, where `imagenet` is
            `auto`.
        device: Where it runs; see `chosen_device`.

    Attributes:
        block: Name of the module that returns the maps; see `last_block`.
        channels: K, the number of these maps.
        device: Where it runs.
        network: The module itself.
        state: Hash of its parameters, and of its normalisation if that is not ImageNet's.
        mean: Mean of each colour in 0..1 that it expects.
        std: Standard deviation of each colour in 0..1 that it expects.
        weights: The weights in words.
        untrained: Whether the weights are random.

    Raises:
        ValueError: There is no such network, or it is not a convolutional image classifier.
        WeightsError: The weights are not available or do not fit the architecture.
    """

    def __init__(self, architecture: str, weights: str, device: str = "auto") -> None:
        if architecture.startswith(TIMM):
            model, words, self.mean, self.std = _of_timm(architecture, weights)
        else:
            model = load_classifier(architecture, weights)
            words = f"{architecture} {weights_name(weights)}"
            self.mean, self.std = IMAGENET_MEAN, IMAGENET_STD
        self.state = parameters = state_hash(model)
        if (self.mean, self.std) != (IMAGENET_MEAN, IMAGENET_STD):
            self.state = fingerprint({"weights": parameters, "mean": self.mean, "std": self.std})
        self.weights = f"{words} sha256:{parameters[:12]}"
        self.untrained = weights == "random"
        self.device = chosen_device(device)
        self.block, self.channels = last_block(model, architecture)
        self.network = model.to(self.device, memory_format=torch.channels_last)

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return maps (n, K, h, w) and logits (n, classes) of normalised images (n, 3, H, W)."""
        seen, own = [], threading.get_ident()

        def keep(module: nn.Module, inputs: object, output: Tensor) -> None:
            if threading.get_ident() == own:  # other threads may use the network, too
                seen.append(output.clone())  # a later layer may work in place

        handle = self.network.get_submodule(self.block).register_forward_hook(keep)
        try:
            logits = self.logits(images)
        finally:
            handle.remove()
        return seen[-1], logits

    def images(self, frames: np.ndarray) -> Tensor:
        """Return frames uint8 (n, H, W, 3) normalised for the network: float32 (n, 3, H, W)."""
        return normalise(frames, self.device, self.mean, self.std)

    @torch.inference_mode()
    def stages(self, images: Tensor) -> dict[str, Tensor]:
        """Return the last maps of each resolution for normalised images (n, 3, H, W).

        At each size of the maps, the module that finishes last counts, among those that are nested
        least: `relu`, `layer1` ... `layer4` of a ResNet, the last ReLU before each pooling of VGG.

        Returns:
            (n, K, h, w) by the module's name, from the largest maps to the smallest.
        """
        found: dict[tuple[int, ...], tuple[int, str, Tensor]] = {}

        def note(name: str, maps: Tensor) -> None:
            depth, size = name.count("."), tuple(maps.shape[2:])
            if size not in found or depth <= found[size][0]:
                found[size] = depth, name, maps.clone()  # a later layer may work in place

        with _feature_maps(self.network, note):
            self.logits(images)
        return {name: maps for _, name, maps in found.values()}

    @torch.inference_mode()
    def logits(self, images: Tensor) -> Tensor:
        """Return logits (n, classes) of normalised images (n, 3, H, W)."""
        return _logits(self.network, images)

    def logits_in(self, precision: Literal["float32", "bfloat16"]) -> Callable[[Tensor], Tensor]:
        """Return a function to compute the logits of many images, possibly faster and less exact.

        Args:
            precision: `float32` is `logits` itself; `bfloat16` is a copy of the network at half its
                size, about 0.3 GB for VGG-16.

        Returns:
            A function from normalised images (n, 3, H, W) float32 to float32 (n, classes).

        Raises:
            ValueError: Another precision.
        """
        if precision == "float32":
            return self.logits
        if precision != "bfloat16":
            raise ValueError(f"precision={precision!r}: expected float32 or bfloat16")
        model = copy.deepcopy(self.network).to(torch.bfloat16, memory_format=torch.channels_last)
        return partial(_logits, model)


def _of_timm(
    architecture: str, weights: str
) -> tuple[nn.Module, str, tuple[float, ...], tuple[float, ...]]:
    """Return a classifier of timm's, its weights in words, and its mean and deviation."""
    from vqa.models.pretrained.timm_network import timm_network  # here: it takes two seconds

    source = "auto" if weights == "imagenet" else weights
    network = timm_network(architecture.removeprefix(TIMM), source)
    model = network.model
    # Transformers and networks with channels last have outputs (n, K, h, w) that are no maps.
    if network.fixed_size or last_block(model, architecture)[1] not in (
        model.num_features,
        model.head_hidden_size,
    ):
        raise _not_convolutional(architecture)
    return model, network.weights, network.mean, network.std


@torch.inference_mode()
def _logits(model: nn.Module, images: Tensor) -> Tensor:
    """Return logits float32 (n, classes) by a network of any precision."""
    dtype = next(model.parameters()).dtype
    return model(images.to(dtype, memory_format=torch.channels_last)).float()


@torch.inference_mode()
def last_block(model: nn.Module, architecture: str) -> tuple[str, int]:
    """Find the outermost module that returns the last feature maps before they are pooled.

    This is `features.29` of VGG-16, `features.11` of AlexNet, `layer4` of a ResNet. In the order in
    which modules finish, it is the last one whose output is (n, K, h, w) with h and w above 1, and
    that is not a pooling layer and does not pass on a pooling layer's output.

    Args:
        model: Takes images (n, 3, 224, 224).
        architecture: Its name, for the error.

    Returns:
        The module's name within the model, and K.

    Raises:
        ValueError: There is no such module, or the model does not end in logits (n, classes).
    """
    found: list[tuple[str, int]] = []
    with _feature_maps(model, lambda name, maps: found.append((name, maps.shape[1]))):
        logits = model(torch.zeros(1, 3, SIDE, SIDE))
    if not found or not isinstance(logits, Tensor) or logits.ndim != 2:
        raise _not_convolutional(architecture)
    return found[-1]


@contextmanager
def _feature_maps(model: nn.Module, note: Callable[[str, Tensor], None]) -> Iterator[None]:
    """Call `note` with the name and the maps of every module within the model as it finishes.

    Maps are outputs (n, K, h, w) with h and w above 1 that no pooling layer has returned.
    """
    pooled: list[Tensor] = []

    def watch(name: str, module: nn.Module) -> torch.utils.hooks.RemovableHandle:
        def hook(module: nn.Module, inputs: object, output: object) -> None:
            if isinstance(module, POOLINGS):
                pooled.append(output)
            elif (
                isinstance(output, Tensor)
                and output.ndim == 4
                and min(output.shape[2:]) > 1
                and not any(output is other for other in pooled)
            ):
                note(name, output)

        return module.register_forward_hook(hook)

    handles = [watch(name, module) for name, module in model.named_modules() if name]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _not_convolutional(architecture: str) -> ValueError:
    return ValueError(
        f"{architecture}: expected an image classifier with feature maps; choose another "
        "architecture, such as vgg16 or resnet50"
    )
