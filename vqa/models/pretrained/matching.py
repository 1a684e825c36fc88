"""Tensors of a file for the tensors of a network, by their names or by their order."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

# Last parts of names that say what a tensor is. Tensors of one shape may differ in nothing else.
ROLES = {"weight", "bias", "running_mean", "running_var", "num_batches_tracked"}


def tensors_of(state: Any) -> dict[str, Tensor]:
    """Return the tensors of loaded weights, or of the `model` in them, by name and in order.

    The prefix `module.` of networks that trained on several GPUs is removed.
    """
    inner = state.get("model")
    state = inner if isinstance(inner, Mapping) else state
    return {
        str(key).removeprefix("module."): value
        for key, value in state.items()
        if isinstance(value, Tensor)
    }


def absent_by_name(tensors: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> list[str]:
    """Return the wanted names that are missing or have another shape."""
    return [
        key
        for key, tensor in wanted.items()
        if key not in tensors or tensors[key].shape != tensor.shape
    ]


def matched_by_order(
    tensors: Mapping[str, Tensor], wanted: Mapping[str, Tensor]
) -> dict[str, Tensor] | None:
    """Give the tensors of a file the names of a network's, first to first, second to second.

    Returns:
        The tensors by the network's names. None unless the number of tensors is the same, all
        shapes agree, and no name says that a tensor is another kind, such as `bias` for `weight`.
    """
    pairs = list(zip(tensors.items(), wanted.items(), strict=False))
    if len(tensors) != len(wanted) or not all(_alike(*pair) for pair in pairs):
        return None
    return {name: tensor for (_, tensor), (name, _) in pairs}


def _alike(found: tuple[str, Tensor], wanted: tuple[str, Tensor]) -> bool:
    roles = {name.rpartition(".")[2] for name, _ in (found, wanted)} & ROLES
    return found[1].shape == wanted[1].shape and len(roles) < 2
