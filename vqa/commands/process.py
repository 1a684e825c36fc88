"""The process of a command: logging, threads, and how it ends: one line and an exit status."""

import io
import logging
import os
import select
import signal
import sys
import warnings
from collections.abc import Callable

from vqa.commands.errors import explained
from vqa.commands.memory import keep_freed_memory
from vqa.commands.signals import Signals, is_first

PIPE_CLOSED = 128 + signal.SIGPIPE
QUIET = (
    "pytorch_lightning.utilities.rank_zero", "pytorch_lightning.accelerators.cuda",
    "torch._subclasses.fake_tensor", "fontTools.subset",
)  # fmt: skip


def set_up(threads: int | None = None) -> None:
    """Log to the terminal, set torch's intra-op threads and memory, and quiet third parties."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger().addFilter(_of_interest)
    # Lightning's advice on worker counts and validation loops does not fit cached features.
    warnings.filterwarnings("ignore", module=r"pytorch_lightning\..*")
    # Lightning's advice where SLURM is installed; a task of a job array is one process.
    warnings.filterwarnings("ignore", message="The `srun` command is available")
    keep_freed_memory()
    if threads:
        import torch

        torch.set_num_threads(int(threads))


def exit_status(job: Callable[[], int | None]) -> int:
    """Run a job; turn errors that a user can fix into one line on standard error and a status.

    Other errors keep their traceback; with HYDRA_FULL_ERROR=1 all errors do.

    Returns:
        What the job returns (None is 0); 2 for wrong use, 1 for work that failed; 130 after Ctrl-C,
        143 after SIGTERM, 141 if nobody reads the output any more.
    """
    _accept_any_name()
    signals = Signals()
    try:
        with signals.handled():
            status = job() or 0
            sys.stdout.flush()
            return status
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            signals.received = signals.received or signal.SIGINT
        if signals.received:  # also if the error is a consequence, such as a child that ended
            return _stopped(signals)
        if isinstance(error, BrokenPipeError) and _reader_has_gone():
            return PIPE_CLOSED
        known = None if os.environ.get("HYDRA_FULL_ERROR") else explained(error)
        if known is None:
            raise
        status, line = known
        report(line)
        return status


def report(line: str) -> None:
    """Print an error on standard error, as one line whatever it quotes."""
    from vqa.commands.printing import say

    say(f"error: {line}", sys.stderr)


def _stopped(signals: Signals) -> int:
    """Report a signal, once for all processes of a training."""
    if not is_first():
        return 0  # with another status, Lightning would kill the first process
    report(signals.line)
    signals.reported = True
    return signals.status


def _accept_any_name() -> None:
    """Print names of any bytes in any locale, with escapes for what it lacks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _reader_has_gone() -> bool:
    """Return whether nobody reads the output any more; then send the rest of it nowhere."""
    poll = select.poll()
    poll.register(sys.stdout.fileno(), select.POLLOUT)
    if not any(events & (select.POLLERR | select.POLLHUP) for _, events in poll.poll(0)):
        return False
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
    return True


def _of_interest(record: logging.LogRecord) -> bool:
    """Drop the lines that open_clip logs for each of its steps through the root logger."""
    return record.levelno >= logging.WARNING or "open_clip" not in record.pathname
