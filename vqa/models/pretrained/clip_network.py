"""CLIP by open_clip: the network with its weights, and the vectors of sentences."""

import pickle
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import open_clip
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from vqa.files import read_json, user_path
from vqa.models.pretrained.weights import WeightsError

RANDOM_SEED = 0
# Keys of an architecture file by which open_clip asks Hugging Face's libraries and timm.
FETCHING = ("hf_", "timm_", "tokenizer_kwargs")
TOY = Path(__file__).with_name("toy_clip.json")  # a tiny CLIP for tests and demonstrations


def known_architecture(architecture: str) -> str:
    """Return the name by which open_clip knows an architecture.

    Args:
        architecture: A built-in name; `toy` for the tiny network of `toy_clip.json`; or a JSON file
            in open_clip's own form, which is registered under the file's stem.

    Raises:
        ValueError: There is no such file, or it names parts that other libraries would fetch.
    """
    path = TOY if architecture == "toy" else Path(architecture)
    if path.suffix != ".json":
        return architecture
    if not path.is_file():
        raise ValueError(f"openclip: no architecture file at {path}")
    fetching = [key for key in _keys(read_json(path)) if key.startswith(FETCHING)]
    if fetching:
        raise ValueError(
            f"openclip: {path}: expected a CLIP of open_clip's own layers, found "
            f"{', '.join(fetching)}, which fetches and runs what a hub offers under that name; use "
            "the architecture's name in open_clip"
        )
    open_clip.add_model_config(path)
    return path.stem


def _keys(content: Any) -> Iterator[str]:
    """Yield every key of nested JSON."""
    if isinstance(content, dict):
        yield from content
    for inner in content.values() if isinstance(content, dict) else ():
        yield from _keys(inner)


def clip_network(architecture: str, weights: str) -> nn.Module:
    """Return the whole CLIP on the CPU, float32, frozen.

    Args:
        architecture: Any name that open_clip knows. OpenAI's weights need a `-quickgelu` name.
        weights: A tag of open_clip's for this architecture (downloaded by its own loader), a local
            file, or `random` (seeded).

    Raises:
        ValueError: open_clip has no such architecture, or its activation differs from the weights'.
        WeightsError: The weights are not available, or do not fit the architecture.
    """
    known = open_clip.list_models()
    if architecture not in known:
        near = ", ".join(get_close_matches(str(architecture), known)) or "ViT-B-32-quickgelu"
        raise ValueError(
            f"openclip: open_clip has no architecture {architecture!r}; its names include {near}"
        )
    tags = open_clip.list_pretrained_tags_by_model(architecture)
    if weights in tags:
        trained = open_clip.get_pretrained_cfg(architecture, weights)
        built = open_clip.get_model_config(architecture)
        if trained.get("quick_gelu") and not built.get("quick_gelu"):
            raise ValueError(
                f"openclip: the {weights} weights were trained with QuickGELU, which {architecture}"
                f" lacks; use features.openclip.architecture={architecture}-quickgelu"
            )
    source = str(user_path(weights)) if weights not in tags else weights
    remedy = (
        "give a local file with features.openclip.weights=/path/to/open_clip_model.safetensors or "
        "ask for untrained weights with features.openclip.weights=random"
    )
    if weights not in ("random", *tags) and not Path(source).is_file():
        choices = f"tags of {architecture}: {', '.join(tags)}" if tags else "it has no tags"
        raise WeightsError(f"no weights file at {source} ({choices}); {remedy}")
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(RANDOM_SEED)
            # without pretrained_hf=False some text towers would load weights of their own
            model = open_clip.create_model(
                architecture, None if weights == "random" else source, pretrained_hf=False
            )
    except (RuntimeError, KeyError, OSError, SafetensorError, pickle.UnpicklingError) as error:
        problem = "downloaded by open_clip" if weights in tags else "read"
        cause = " ".join(str(error).split())[:300]
        raise WeightsError(
            f"the weights {source} of {architecture} could not be {problem} ({cause}); {remedy}"
        ) from error
    return model.eval().requires_grad_(False)


def window_side(model: nn.Module, architecture: str) -> int:
    """Return the side in pixels of the square image that a network takes.

    Args:
        model: From `clip_network`.
        architecture: Its name, for the error.

    Raises:
        ValueError: The image is not square.
    """
    size = model.visual.image_size
    height, width = (size, size) if isinstance(size, int) else size
    if height != width:
        raise ValueError(
            f"openclip: {architecture} takes images of {width}x{height}; a square input is "
            "expected, choose another architecture"
        )
    return height


@torch.inference_mode()
def text_vectors(model: nn.Module, architecture: str, sentences: Sequence[str]) -> Tensor:
    """Return unit vectors (r, E) of r sentences.

    Args:
        model: From `clip_network`.
        architecture: Its name, which selects the tokenizer.
        sentences: What to encode.

    Raises:
        WeightsError: The tokenizer is not available.
    """
    try:
        tokens = open_clip.get_tokenizer(architecture)(list(sentences))
    except (OSError, ImportError, RuntimeError) as error:
        cause = " ".join(str(error).split())[:300]
        raise WeightsError(
            f"the tokenizer of {architecture} is not available ({cause}); a ViT-B or RN50 "
            "architecture uses the one that comes with open_clip"
        ) from error
    return nn.functional.normalize(model.encode_text(tokens).float(), dim=-1)
