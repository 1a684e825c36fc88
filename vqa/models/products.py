"""Matrix products in float32 on a CPU, by the faster of torch's two libraries.

torch takes MKL, which leaves AVX-512 unused on processors of AMD; oneDNN uses it and is 2.3 times
as fast there, equally exact. torch has a switch for oneDNN, meant for a lower precision, which such
processors do not have.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import torch

EXACT = 1e-6


class _Switch:
    """torch's switch, and the number of blocks, of all threads, that have it on."""

    def __init__(self) -> None:
        self._lock, self._blocks, self._before = threading.Lock(), 0, ""

    def turn_on(self) -> None:
        with self._lock:
            self._blocks += 1
            if self._blocks == 1:
                self._before = torch.backends.mkldnn.matmul.fp32_precision
                torch.backends.mkldnn.matmul.fp32_precision = "bf16"

    def turn_off(self) -> None:
        with self._lock:
            self._blocks -= 1
            if self._blocks == 0:
                torch.backends.mkldnn.matmul.fp32_precision = self._before


_SWITCH = _Switch()


@contextmanager
def fast_products() -> Iterator[None]:
    """Compute the products of the block by oneDNN where that is exact; for large products only.

    A small product takes a few microseconds longer. The switch is one for all threads, so others
    may get oneDNN's rounding meanwhile.
    """
    if not _is_exact():
        yield
        return
    _SWITCH.turn_on()
    try:
        yield
    finally:
        _SWITCH.turn_off()


@cache
def _is_exact() -> bool:
    """Return whether there is the switch, and products with it are those in float32."""
    capability = torch.backends.cpu.get_cpu_capability()
    switch = getattr(torch.backends.mkldnn, "matmul", None)
    if not capability.startswith("AVX512") or not hasattr(switch, "fp32_precision"):
        return False
    drawn = torch.Generator().manual_seed(0)
    one, other = (torch.rand(*size, generator=drawn) for size in ((240, 1472), (1472, 256)))
    expected = one.double() @ other.double()
    _SWITCH.turn_on()
    try:
        found = one @ other
    finally:
        _SWITCH.turn_off()
    return bool((found - expected).norm() <= EXACT * expected.norm())
