"""The cores of this machine that belong to this process."""

import os


def own_cores() -> int:
    """Return the number of cores that this process may use, at least 1."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return usable or 1
