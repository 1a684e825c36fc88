"""Checkpoints as the papers' authors released them."""

from collections.abc import Collection, Mapping

from torch import Tensor


def renamed(
    state: Mapping[str, Tensor],
    names: Mapping[str, str],
    *,
    unused: Collection[str] = (),
    model: str,
) -> dict[str, Tensor]:
    """A released state under our names.

    Args:
        state: What the checkpoint holds.
        names: Released key -> our key; all must be there.
        unused: Released keys that no forward pass reads.
        model: What the checkpoint should be of, for the error.

    Raises:
        ValueError: Keys are missing or unknown.
    """
    unknown = set(state) - set(names) - set(unused)
    absent = set(names) - set(state)
    if unknown or absent:
        raise ValueError(
            f"not a published {model} checkpoint: "
            f"keys missing {sorted(absent)}, keys unknown {sorted(unknown)}"
        )
    return {ours: state[theirs] for theirs, ours in names.items()}
