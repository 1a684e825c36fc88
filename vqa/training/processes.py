"""The processes of a distributed training; a training in one process is rank 0 of 1.

Training in W processes equals training in one process on the same batches. Each process computes
the loss of the whole batch from the values of all processes (`gathered`), and gets the gradient for
its own videos only. DDP averages the gradients of the processes, so that gradient is multiplied by
W. What follows after `gathered`, such as a critic, has the same gradient in every process.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from itertools import count
from typing import Any

import torch
import torch.distributed
from torch import Tensor

LAUNCHER = "VQA_LAUNCHER"  # environment variable: process id
AGENT_STORE = "TORCHELASTIC_USE_AGENT_STORE"  # environment variable: torchrun serves a store
PREPARED, FAILED = b"prepared", b"failed"
_turns = count()


def world() -> tuple[int, int]:
    """Return the number of processes and the rank of this one."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_world_size(), torch.distributed.get_rank()
    return 1, 0


def is_first_process() -> bool:
    """Return whether this process is the one that writes results."""
    from pytorch_lightning.utilities.rank_zero import rank_zero_only

    return rank_zero_only.rank == 0


@contextmanager
def in_turn() -> Iterator[None]:
    """Let the first process go through the block alone, and then the others.

    For processes that torchrun or srun start at the same time; those that Lightning launches begin
    when the first one has prepared everything. Only the first makes files that all of them read.

    Raises:
        SystemExit: In another process, because the first one ended in the block.
    """
    store, rank = _meeting()
    if store is None:
        yield
        return
    name = f"vqa-turn-{next(_turns)}"
    if rank > 0 and _told(store, name) != PREPARED:
        raise SystemExit(0)  # the first process says why
    outcome = FAILED
    try:
        yield
        outcome = PREPARED
    finally:
        if rank == 0:
            store.set(name, outcome)


def _told(store: torch.distributed.Store, name: str) -> bytes:
    store.wait([name], timedelta(days=30))  # features may be extracted meanwhile
    return store.get(name)


@cache
def _meeting() -> tuple[torch.distributed.Store | None, int]:
    """Return a store that all processes of an external launch see, and the rank of this one."""
    from lightning_fabric.plugins.environments import SLURMEnvironment, TorchElasticEnvironment

    if TorchElasticEnvironment.detect():
        torchrun = TorchElasticEnvironment()
        if torchrun.world_size() == 1 or os.environ.get(AGENT_STORE) != str(True):
            return None, 0
        store = torch.distributed.TCPStore(torchrun.main_address, torchrun.main_port)
        attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
        return torch.distributed.PrefixStore(attempt, store), torchrun.global_rank()
    if int(os.environ.get("SLURM_NTASKS", "1")) == 1 or not SLURMEnvironment.detect():
        return None, 0
    slurm = SLURMEnvironment()
    rank, port = slurm.global_rank(), slurm.main_port + 1  # Lightning takes the port itself
    store = torch.distributed.TCPStore(
        slurm.main_address, port, is_master=rank == 0, wait_for_workers=False
    )
    return store, rank


def end_with_launcher() -> None:
    """Let the processes that Lightning launches end when the one that launched them has died.

    Called before the launch and again in each launched process. These would otherwise wait for up
    to half an hour for a process that is gone.
    """
    if is_first_process():
        os.environ[LAUNCHER] = str(os.getpid())
    elif LAUNCHER in os.environ:
        launcher = int(os.environ[LAUNCHER])
        threading.Thread(target=_watch, args=[launcher], name="launcher-watch", daemon=True).start()


def _watch(launcher: int) -> None:
    while os.getppid() == launcher:
        time.sleep(1)
    os._exit(1)  # nothing to clean up: only the first process writes


def merge_by_id(own: dict[str, Any]) -> dict[str, Any]:
    """Merge the entries of all processes, each id once, sorted; with one process return `own`."""
    processes, _ = world()
    if processes == 1:
        return own
    shares: list[dict[str, Any]] = [{} for _ in range(processes)]
    torch.distributed.all_gather_object(shares, own)
    merged: dict[str, Any] = {}
    for share in shares:
        merged.update(share)
    return dict(sorted(merged.items()))


def gathered(own: Tensor) -> Tensor:
    """Join the rows of all processes in the order of their ranks; with one process return `own`.

    Args:
        own: Values of this process's videos (n, ...); n may differ between processes and be 0.

    Returns:
        Values of the whole batch (N, ...). Gradients reach the rows of this process only, scaled
        for DDP's average.
    """
    processes, rank = world()
    if processes == 1:
        return own
    counts = [torch.empty(1, dtype=torch.long, device=own.device) for _ in range(processes)]
    torch.distributed.all_gather(counts, counts[0].new_tensor([len(own)]))
    most = int(torch.cat(counts).max())
    padded = own.new_zeros(most, *own.shape[1:])
    padded[: len(own)] = own.detach()
    shares = [torch.empty_like(padded) for _ in range(processes)]
    torch.distributed.all_gather(shares, padded)
    rows = [share[: int(count)] for share, count in zip(shares, counts, strict=True)]
    rows[rank] = _ForAverage.apply(own, processes)
    return torch.cat(rows)


def highest(own: int, device: torch.device) -> int:
    """Return the highest of the processes' numbers; with one process its own."""
    if world()[0] == 1:
        return own
    number = torch.tensor(own, device=device)
    torch.distributed.all_reduce(number, torch.distributed.ReduceOp.MAX)
    return int(number)


def summed(own: Tensor) -> Tensor:
    """Add up a tensor of the same shape over all processes; its gradient is the sum of theirs."""
    return _Sum.apply(own)


class _ForAverage(torch.autograd.Function):
    """The identity, with a gradient that is multiplied by the number of processes."""

    @staticmethod
    def forward(context: Any, own: Tensor, processes: int) -> Tensor:
        context.processes = processes
        return own.view_as(own)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient * context.processes, None


class _Sum(torch.autograd.Function):
    """The sum over all processes; each of them has a loss that depends on it."""

    @staticmethod
    def forward(context: Any, own: Tensor) -> Tensor:
        return _all_reduced(own)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        return _all_reduced(gradient)


def _all_reduced(own: Tensor) -> Tensor:
    total = own.clone(memory_format=torch.contiguous_format)
    torch.distributed.all_reduce(total)
    return total
