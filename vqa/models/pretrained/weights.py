"""Weights of networks: load them, explain what is wrong with them, and tell them apart."""

import hashlib
import json
import pickle
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn

from vqa.files import shown, user_path


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

    Nothing in the file is executed: it is a .safetensors file, or one saved by torch that loads
    with `weights_only`. Its content tells which, not its name.

    Args:
        path: The file.
        remedy: What else the user can do, for the error.

    Raises:
        WeightsError: There is no such file, it cannot be read, or it does not hold tensors by name.
    """
    path = user_path(path)
    if not path.is_file():
        raise WeightsError(f"no weights file at {shown(path)}; {remedy}")
    try:
        with path.open("rb") as file:
            is_safetensors = file.read(9)[8:] == b"{"
        state = load_file(path) if is_safetensors else _torch_content(path)
    except Exception as error:  # damage makes readers fail in any way
        raise WeightsError(
            f"the weights at {shown(path)} cannot be read ({_cause(error)}); {remedy}"
        ) from error
    if isinstance(state, Mapping):
        state = state.get("state_dict", state)
    if not isinstance(state, Mapping):
        raise WeightsError(
            f"the weights at {shown(path)}: expected tensors by name, found {type(state).__name__};"
            f" {remedy}"
        )
    return state


def _torch_content(path: Path) -> Any:
    """Read a file saved by torch; NumPy's numbers, which lie beside released weights, are data."""
    scalar = np.float64(0).__reduce__()[0]
    names = ("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar")
    kinds = [type(np.dtype(kind)) for kind in ("float64", "float32", "int64", "int32", "bool")]
    numbers = [*((scalar, name) for name in names), np.dtype, *kinds]
    with torch.serialization.safe_globals(numbers), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the pickles of files that are not torch's
        return torch.load(path, map_location="cpu", weights_only=True)


def _cause(error: Exception) -> str:
    """Say why a file of weights cannot be read; torch's own words advise to run its code."""
    if not isinstance(error, pickle.UnpicklingError):
        return " ".join(str(error).split())[:200] or "it is empty or cut"
    if found := re.search(r"(?:GLOBAL|class|type) ([\w.]+\.\w+)", str(error)):
        return f"it holds {found[1]}, an object that is not a tensor and could run code"
    return "it is damaged, or no file of weights"


def weights_name(weights: str) -> str:
    """Return how outputs name weights: a file by its name alone, because folders are private.

    Examples:
        >>> from vqa.models.pretrained.weights import weights_name
        >>> weights_name("/home/me/resnet50.pth"), weights_name("random")
        ('resnet50.pth', 'random')
    """
    return Path(weights).name


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
