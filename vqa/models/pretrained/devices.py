"""The device that an extractor runs on, and the way of frames to it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

CAPABILITY = 8  # CUDA compute capability of Ampere, the first with bfloat16 and TF32


def chosen_device(device: str) -> torch.device:
    """Return the named device; `auto` is the GPU if there is one, otherwise the CPU."""
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(device)


def fast_precision(device: str) -> str:
    """Return the precision in which a device computes convolutions faster.

    bfloat16 on a GPU of compute capability 8 or later, on a CPU with AMX, and on one of AMD with
    AVX512-BF16; float32 elsewhere: on processors of Intel without AMX, bfloat16 is slower.
    """
    chosen = chosen_device(device)
    if chosen.type == "cuda":
        able = torch.cuda.get_device_capability(chosen)[0] >= CAPABILITY
        return "bfloat16" if able else "float32"
    if chosen.type != "cpu":
        return "float32"
    vendor, flags = _processor()
    is_fast = "amx_bf16" in flags or ("avx512_bf16" in flags and vendor == "AuthenticAMD")
    return "bfloat16" if is_fast else "float32"


def _processor() -> tuple[str, set[str]]:
    """Return the vendor and the abilities of the processor, as Linux names them."""
    path = Path("/proc/cpuinfo")
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    facts = dict(reversed([line.split(":", 1) for line in text.splitlines() if ":" in line]))
    named = {name.strip(): value.strip() for name, value in facts.items()}
    return named.get("vendor_id", ""), set(named.get("flags", "").split())


def uploaded(frames: np.ndarray | Tensor, device: torch.device) -> Tensor:
    """Bring frames to a device.

    They reach a GPU through pinned memory on a stream of their own, while it still computes what
    was queued before; the host does not wait.

    Args:
        frames: uint8, any shape; a tensor is taken as it is, or copied from another device.
        device: Where to.
    """
    if isinstance(frames, Tensor):
        return frames.to(device)
    host = torch.from_numpy(np.require(frames, requirements=("C", "W")))
    if device.type != "cuda":
        return host.to(device)
    copying, computing = _copy_stream(device), torch.cuda.current_stream(device)
    with torch.cuda.stream(copying):
        there = host.pin_memory().to(device, non_blocking=True)
    computing.wait_stream(copying)
    there.record_stream(computing)  # its memory is not reused before the computation has read it
    return there


@contextmanager
def turn(device: torch.device) -> Iterator[None]:
    """Let one thread at a time queue work on a GPU.

    The GPU does one thing after another anyway, and the memory of a network's maps is then needed
    once, however many threads there are. On a CPU nothing waits.
    """
    if device.type != "cuda":
        yield
        return
    with _lock(device):
        yield


@cache
def _lock(device: torch.device) -> threading.RLock:
    return threading.RLock()


@cache
def _copy_stream(device: torch.device) -> torch.cuda.Stream:
    return torch.cuda.Stream(device)
