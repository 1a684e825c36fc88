"""One share of a command, in a process that ends with the process that started it."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

PARENT = "VQA_STARTED_BY"
SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of Linux


def started(
    words: Sequence[str],
    place: str | Path,
    log: IO[bytes] | None = None,
    environment: Mapping[str, str] | None = None,
) -> "subprocess.Popen[bytes]":
    """Start a command.

    Args:
        words: The command line without its program.
        place: The working folder.
        log: Gets what it prints; None: as this process.
        environment: Variables besides those of this process.
    """
    return subprocess.Popen(
        [sys.executable, "-m", "vqa", *words],
        cwd=place, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
        env={**os.environ, **(environment or {}), PARENT: str(os.getpid())},
    )  # fmt: skip


def end_with_parent() -> None:
    """Be killed when the process ends that `started` this one, so that no share is done twice."""
    parent = os.environ.pop(PARENT, None)  # not for the processes of a training
    if parent is not None:
        end_with(int(parent))


def end_with(parent: int) -> None:
    """Be killed when the parent process ends; only Linux can do that.

    Args:
        parent: Its process id; if it is the parent no more, this process ends at once.
    """
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:  # it has ended before
        sys.exit(128 + signal.SIGKILL)
