"""Checkpoints that the authors of the papers released."""

from collections.abc import Collection, Mapping

from torch import Tensor


def renamed(
    state: Mapping[str, Tensor],
    names: Mapping[str, str],
    *,
    unused: Collection[str] = (),
    model: str,
) -> dict[str, Tensor]:
    """Rename the keys of a released state.

    Args:
        state: Parameters of the checkpoint by released key.
        names: Released key -> our key; all of them are required.
        unused: Released keys that no forward pass uses; they are dropped.
        model: Name of the model, for the error message.

    Returns:
        The parameters by our key.

    Raises:
        ValueError: Keys are missing or unknown.
    """
    unknown = set(state) - set(names) - set(unused)
    absent = set(names) - set(state)
    if unknown or absent:
        raise ValueError(
            f"not a published {model} checkpoint: "
            f"missing keys {sorted(absent)}, unknown keys {sorted(unknown)}"
        )
    return {ours: state[theirs] for theirs, ours in names.items()}
