"""Work shared out to processes, for work that Python's lock keeps threads from sharing.

The statistics are many thousands of short tensor operations; threads wait for each other between
them, so that two are hardly faster than one, where two processes take half the time.
"""

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Future
from typing import TypeVar

import torch
from loky import cpu_count, get_reusable_executor

Result = TypeVar("Result")

MOST = 8  # processes, unless more are asked for: one decoder does not feed many
IDLE_S = 60  # after so long without work they end


def processes(wanted: int | None) -> int:
    """How many processes to use; None is one for each processor, at most `MOST`."""
    return wanted or min(MOST, cpu_count())


def in_order(
    action: Callable[..., Result], jobs: Iterable[tuple], workers: int
) -> Iterator[Result]:
    """`action(*job)` for one job after the other, several at the same time.

    The processes start with the first call, serve later ones, and end when idle or with their
    parent. They do not import its main script. At most `workers + 1` jobs have been begun and not
    yet been taken.

    Args:
        action: A function of a module, with arguments and result that can be pickled.
        jobs: Its arguments; errors of the iterator arise here.
        workers: How many processes; 1 does the work in this one.

    Raises:
        ValueError: A process was killed. The next call has new ones.
    """
    if workers == 1:
        yield from (action(*job) for job in jobs)
        return
    team = get_reusable_executor(
        max_workers=workers, timeout=IDLE_S, initializer=_begin, initargs=(os.getpid(),)
    )
    running: deque[Future] = deque()
    try:
        for job in jobs:
            running.append(team.submit(action, *job))
            if len(running) > workers:
                yield _result(running.popleft())
        while running:
            yield _result(running.popleft())
    finally:
        for left in running:
            left.cancel()


def _result(future: Future) -> Result:
    """What a job gave; its own error where it raised one."""
    try:
        return future.result()
    except BrokenExecutor as error:
        raise ValueError(
            "nss: a process that described frames was killed, perhaps for want of memory; set "
            "features.nss.workers lower, or 1"
        ) from error


def _begin(parent: int) -> None:
    """In a new process: Ctrl-C is the parent's to handle; one thread, since each has a core."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    """Leave when the parent has ended, however it did."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
