"""Matrix products in float32 on a CPU, by the faster of torch's two libraries.

torch takes MKL, which leaves AVX-512 unused on processors of AMD; oneDNN uses it and is 2.3 times
as fast there, equally exact. torch has a switch for oneDNN, meant for a lower precision, which such
processors do not have.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import torch

EXACT = 1e-6


@contextmanager
def fast_products() -> Iterator[None]:
    """Compute the products of the block by oneDNN where that is exact; for large products only.

    A small product takes a few microseconds longer.
    """
    if not _is_exact():
        yield
        return
    switch = torch.backends.mkldnn.matmul
    before = switch.fp32_precision
    switch.fp32_precision = "bf16"
    try:
        yield
    finally:
        switch.fp32_precision = before


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
    before = switch.fp32_precision
    switch.fp32_precision = "bf16"
    try:
        found = one @ other
    finally:
        switch.fp32_precision = before
    return bool((found - expected).norm() <= EXACT * expected.norm())
