"""The processes of a distributed training; a training in one process is rank 0 of 1."""

from typing import Any

import torch.distributed


def world() -> tuple[int, int]:
    """Return the number of processes and the rank of this one."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_world_size(), torch.distributed.get_rank()
    return 1, 0


def is_first_process() -> bool:
    """Return whether this process is the one that writes results."""
    from pytorch_lightning.utilities.rank_zero import rank_zero_only

    return rank_zero_only.rank == 0


def merge_by_id(own: dict[str, Any]) -> dict[str, Any]:
    """Merge the entries of all processes, each id once, sorted; with one process return `own`."""
    processes, _ = world()
    if processes == 1:
        return own
    gathered: list[dict[str, Any]] = [{} for _ in range(processes)]
    torch.distributed.all_gather_object(gathered, own)
    merged: dict[str, Any] = {}
    for part in gathered:
        merged.update(part)
    return dict(sorted(merged.items()))
