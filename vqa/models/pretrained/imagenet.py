"""torchvision's classifiers as they were trained on ImageNet: their weights and their input."""

from collections.abc import Mapping
from difflib import get_close_matches

import numpy as np
import torch
import torchvision
from torch import Tensor, nn

from vqa.models.pretrained.weights import WeightsError, local_state, published_state

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
SIDE = 224  # of the images that the published weights were trained on
RANDOM_SEED = 0
HEADS = ("classifier.", "fc.")  # how the keys of the layers behind the feature maps begin
# These shift their input themselves, to fit weights that were trained otherwise.
SHIFTING = ("googlenet", "inception_v3")


def load_classifier(architecture: str, weights: str, *, head: bool = True) -> nn.Module:
    """A classifier of torchvision's on the CPU, float32, frozen.

    Args:
        architecture: Its name there, such as `vgg16`.
        weights: `imagenet` (torchvision's IMAGENET1K_V1, downloaded by its own loader), a local
            file (.pth or .safetensors) in torchvision's layout, or `random` (seeded).
        head: Whether a file must hold the classifying layers too.

    Raises:
        ValueError: torchvision has no such network.
        WeightsError: The weights cannot be had or do not fit the architecture.
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
            "features=multiscale, which needs none, or ask for untrained ones by name with "
            "features.<name>.weights=random"
        )
        if weights == "imagenet":
            state = _published(architecture, remedy)
        else:
            state = local_state(weights, remedy)
        _fill(model, state, f"{weights} does not hold {architecture}", head)
    return model.eval().requires_grad_(False)


def normalised(frames: np.ndarray, device: torch.device) -> Tensor:
    """Frames uint8 (n, H, W, 3) in ImageNet's normalisation, float32 (n, 3, H, W)."""
    mean, std = (
        torch.tensor(v, device=device).view(1, 3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD)
    )
    x = torch.from_numpy(np.require(frames, requirements=("C", "W"))).to(device).permute(0, 3, 1, 2)
    return torch.addcmul(-mean / std, x.float(), 1 / (255 * std))


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
    """Load the tensors that fit; none may be missing but, without `head`, those of the head."""
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
