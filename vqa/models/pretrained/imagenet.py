"""Torchvision's classifiers with the weights that were trained on ImageNet."""

from collections.abc import Mapping
from difflib import get_close_matches

import torch
import torchvision
from torch import Tensor, nn

from vqa.models.pretrained.weights import WeightsError, local_state, published_state

SIDE = 224  # of the images that the published weights were trained on, in pixels
RANDOM_SEED = 0
HEADS = ("classifier.", "fc.")  # first letters of the keys of the layers after the feature maps
# These networks shift their input themselves, because their weights were trained differently.
SHIFTING = ("googlenet", "inception_v3")


def load_classifier(architecture: str, weights: str, *, head: bool = True) -> nn.Module:
    """Return one of torchvision's classifiers on the CPU, float32, frozen.

    Args:
        architecture: Its name in torchvision, such as `vgg16`.
        weights: `imagenet` (torchvision's IMAGENET1K_V1, downloaded by its own loader), a local
            file (.pth or .safetensors) in torchvision's layout, or `random` (seeded).
        head: Whether a file must also hold the classifying layers.

    Raises:
        ValueError: torchvision has no such network.
        WeightsError: The weights are not available or do not fit the architecture.
    """
    options = {}
    if architecture in SHIFTING:
        options = {"transform_input": weights != "random", "init_weights": True}
    known = torchvision.models.list_models(torchvision.models)
    if architecture not in known:
        near = ", ".join(get_close_matches(str(architecture), known)) or "vgg16, resnet50"
        raise ValueError(
            f"torchvision has no classifier {architecture!r}; its classifiers include {near}"
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(RANDOM_SEED)
        model = torchvision.models.get_model(architecture, weights=None, **options)
    if weights != "random":
        remedy = (
            "give a local file with features.<name>.weights=/path/to/file.pth, use "
            "features=multiscale, which needs none, or ask for untrained weights with "
            "features.<name>.weights=random"
        )
        if weights == "imagenet":
            state = _published(architecture, remedy)
        else:
            state = local_state(weights, remedy)
        _fill(model, state, f"{weights} does not hold {architecture}", head)
    return model.eval().requires_grad_(False)


def _published(architecture: str, remedy: str) -> Mapping[str, Tensor]:
    choices = torchvision.models.get_model_weights(architecture).__members__
    if "IMAGENET1K_V1" not in choices:
        raise WeightsError(
            f"torchvision has no IMAGENET1K_V1 weights of {architecture}; choose another "
            f"architecture, or {remedy}"
        )
    what = f"the ImageNet weights of {architecture}"
    return published_state(choices["IMAGENET1K_V1"], what, remedy)


def _fill(model: nn.Module, state: Mapping[str, Tensor], refusal: str, head: bool) -> None:
    """Load the tensors that fit; none may be missing, except those of the head without `head`."""
    wanted = model.state_dict()
    fitting = {
        key: tensor
        for key, tensor in state.items()
        if key in wanted and tensor.shape == wanted[key].shape
    }
    missing = model.load_state_dict(fitting, strict=False).missing_keys
    if absent := [key for key in missing if head or not key.startswith(HEADS)]:
        raise WeightsError(
            f"{refusal}: {len(absent)} of its tensors are missing or have another shape, "
            f"{absent[0]} first; torchvision's key names are expected"
        )
