"""The cores of this machine that belong to this process, and the threads of BLAS on them."""

import os
import sys
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any


def own_cores() -> int:
    """Return the number of cores that this process may use, at least 1."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return usable or 1


def one_blas_thread() -> AbstractContextManager[Any]:
    """Keep BLAS to one thread inside a `with`: small matrices are slower on several."""
    return _libraries(len(sys.modules)).limit(limits=1, user_api="blas")


@lru_cache(1)
def _libraries(modules: int) -> Any:
    """Return the loaded libraries, looked for again only when modules were imported since.

    The look takes milliseconds, as long as a bootstrap of a small table.
    """
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
