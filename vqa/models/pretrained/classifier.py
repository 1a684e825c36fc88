"""A frozen classifier of torchvision's that also returns its last block of feature maps."""

import copy
from collections.abc import Callable
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from vqa.models.pretrained.devices import chosen_device
from vqa.models.pretrained.imagenet import SIDE, load_classifier
from vqa.models.pretrained.weights import state_hash

POOLINGS = (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)


class Classifier:
    """A classifier that returns its last block of feature maps together with its logits.

    Args:
        architecture: See `load_classifier`.
        weights: See `load_classifier`.
        device: Where it runs; see `chosen_device`.

    Attributes:
        block: Name of the module that returns the maps; see `last_block`.
        channels: K, the number of these maps.
        device: Where it runs.
        state: Hash of its parameters.
        weights: The weights in words.
        untrained: Whether the weights are random.

    Raises:
        ValueError: torchvision has no such network, or it is not an image classifier.
        WeightsError: The weights are not available or do not fit the architecture.
    """

    def __init__(self, architecture: str, weights: str, device: str = "auto") -> None:
        model = load_classifier(architecture, weights)
        self.state = state_hash(model)
        self.weights = f"{architecture} {weights} sha256:{self.state[:12]}"
        self.untrained = weights == "random"
        self.device = chosen_device(device)
        self.block, self.channels = last_block(model, architecture)
        self._model = model.to(self.device, memory_format=torch.channels_last)

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return maps (n, K, h, w) and logits (n, classes) of normalised images (n, 3, H, W)."""
        seen = []
        handle = self._model.get_submodule(self.block).register_forward_hook(
            # a later layer may work in place
            lambda module, inputs, output: seen.append(output.clone())
        )
        try:
            logits = self.logits(images)
        finally:
            handle.remove()
        return seen[-1], logits

    @torch.inference_mode()
    def logits(self, images: Tensor) -> Tensor:
        """Return logits (n, classes) of normalised images (n, 3, H, W)."""
        return _logits(self._model, images)

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
        model = copy.deepcopy(self._model).to(torch.bfloat16, memory_format=torch.channels_last)
        return partial(_logits, model)


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
    pooled: list[Tensor] = []

    def watch(name: str, module: nn.Module) -> torch.utils.hooks.RemovableHandle:
        def note(module: nn.Module, inputs: object, output: object) -> None:
            if isinstance(module, POOLINGS):
                pooled.append(output)
            elif (
                isinstance(output, Tensor)
                and output.ndim == 4
                and min(output.shape[2:]) > 1
                and not any(output is other for other in pooled)
            ):
                found.append((name, output.shape[1]))

        return module.register_forward_hook(note)

    handles = [watch(name, module) for name, module in model.named_modules() if name]
    try:
        logits = model(torch.zeros(1, 3, SIDE, SIDE))
    finally:
        for handle in handles:
            handle.remove()
    if not found or not isinstance(logits, Tensor) or logits.ndim != 2:
        raise ValueError(
            f"{architecture}: expected an image classifier with feature maps; choose another "
            "architecture, such as vgg16 or resnet50"
        )
    return found[-1]
