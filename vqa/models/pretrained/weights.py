"""Weights of networks: load them, explain what is wrong with them, and tell them apart."""

import hashlib
import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.error import URLError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from vqa.files import user_path


class WeightsError(RuntimeError):
    """Weights that are missing or do not fit; the text says where they were looked for."""


def published_state(published: Any, what: str, remedy: str) -> Mapping[str, Any]:
    """Load weights that torchvision publishes, with its own loader.

    Args:
        published: An entry of one of torchvision's `..._Weights`.
        what: Description of the weights, for the error.
        remedy: What else the user can do, for the error.

    Raises:
        WeightsError: They are not stored locally and cannot be downloaded.
    """
    try:
        return published.get_state_dict(progress=True, check_hash=True, weights_only=True)
    except (URLError, OSError) as error:
        place = Path(torch.hub.get_dir()) / "checkpoints" / Path(published.url).name
        raise WeightsError(
            f"{what} are not at {place} and could not be downloaded from {published.url} ({error});"
            f" put the file there, {remedy}"
        ) from error


def local_state(path: str | Path, remedy: str) -> Mapping[str, Any]:
    """Load the tensors in a file of weights, or those of the `state_dict` in it.

    Args:
        path: A .safetensors file, or a file saved by torch that loads with `weights_only`.
        remedy: What else the user can do, for the error.

    Raises:
        WeightsError: There is no such file, or it cannot be read.
    """
    path = user_path(path)
    if not path.is_file():
        raise WeightsError(f"no weights file at {path}; {remedy}")
    try:
        if path.suffix == ".safetensors":
            state = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, SafetensorError, pickle.UnpicklingError) as error:
        cause = " ".join(str(error).split())[:200]
        raise WeightsError(f"the weights at {path} cannot be read ({cause}); {remedy}") from error
    state = state.get("state_dict", state) if isinstance(state, Mapping) else state
    if not isinstance(state, Mapping):
        raise WeightsError(f"the weights at {path} are not tensors by their names; {remedy}")
    return state


def state_hash(module: nn.Module) -> str:
    """Return the SHA-256 of a network's parameters and buffers with their names."""
    digest = hashlib.sha256()
    for key, value in sorted(module.state_dict().items()):
        digest.update(key.encode())
        digest.update(value.contiguous().numpy().tobytes())
    return digest.hexdigest()


def fingerprint(parts: Mapping[str, Any]) -> str:
    """Return the SHA-256 of everything that shapes an extractor's features, by name."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
