"""Work shared by processes, where Python's lock keeps threads from sharing it.

The statistics consist of many thousands of short tensor operations. Threads wait for each other
between them, so two threads are hardly faster than one, while two processes need half the time.
"""

import logging
import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Future
from functools import cache
from typing import TypeVar

import torch
from loky import cpu_count, get_reusable_executor

Result = TypeVar("Result")

MOST = 8  # processes, unless more are requested: one decoder cannot feed many
log = logging.getLogger(__name__)
IDLE_S = 60  # processes end after this many seconds without work


def processes(wanted: int | None) -> int:
    """Return the number of processes to use.

    Args:
        wanted: This many; None is one per processor, at most `MOST`, and only one in a child
            process of multiprocessing, whose siblings already use the other processors.
    """
    if wanted is None and multiprocessing.parent_process() is not None:
        return 1
    return wanted or min(MOST, cpu_count())


def in_order(
    action: Callable[..., Result], jobs: Iterable[tuple], workers: int
) -> Iterator[Result]:
    """Yield `action(*job)` for one job after another, with several running at the same time.

    The processes start with the first call, serve later calls, and end when idle or with their
    parent. They do not import its main script. At most `workers + 1` jobs are started ahead of the
    results that have been taken. A daemonic process, such as a worker of a DataLoader, may not
    start processes and does the work itself. So does any process, with a warning, where the system
    has no semaphores to share, as on AWS Lambda.

    Args:
        action: A module-level function whose arguments and result can be pickled.
        jobs: Its arguments; errors of the iterator are raised here.
        workers: Number of processes; 1 does the work in this one.

    Raises:
        ValueError: A process was killed. The next call starts new ones.
    """
    if workers == 1 or multiprocessing.current_process().daemon or not _can_share():
        yield from (action(*job) for job in jobs)
        return
    executor = get_reusable_executor(
        max_workers=workers, timeout=IDLE_S, initializer=_begin, initargs=(os.getpid(),)
    )
    running: deque[Future] = deque()
    try:
        for job in jobs:
            running.append(executor.submit(action, *job))
            if len(running) > workers:
                yield _result(running.popleft())
        while running:
            yield _result(running.popleft())
    finally:
        for left in running:
            left.cancel()


@cache
def _can_share() -> bool:
    """Return whether processes can share semaphores; if not, say so once."""
    try:
        multiprocessing.Semaphore(1)
    except (OSError, ImportError) as error:
        log.warning(
            "nss: one process describes all frames, because none can be shared with: %s; on Linux, "
            "let everybody write to /dev/shm",
            error,
        )
        return False
    return True


def _result(future: Future) -> Result:
    """Return the result of a job, or raise its error."""
    try:
        return future.result()
    except BrokenExecutor as error:
        raise ValueError(
            "nss: a process that described frames was killed, perhaps for lack of memory; set "
            "features.nss.workers lower, or 1"
        ) from error


def _begin(parent: int) -> None:
    """Prepare a new process: the parent handles signals; one thread, because each has a core."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    torch.set_num_threads(1)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    """Exit when the parent has ended, however it did."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
