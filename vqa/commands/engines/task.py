"""A task of a job array: a command line, its signals, and its record for who follows it.

The time limit and, if the cluster asks for it, preemption are announced by SIGUSR2: the command is
stopped with SIGTERM, saves its state, and the task is requeued. Only this process gets SIGUSR2;
it is blocked in the command and all that it starts.
"""

import os
import signal
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vqa.commands.engines.share import started
from vqa.files import write_json

if TYPE_CHECKING:
    import subprocess

RUNNING, REQUEUED, ENDED = "running", "requeued", "ended"
ANNOUNCED = {signal.SIGUSR1, signal.SIGUSR2}
# SLURM announces the time limit so long before it; a command has most of that to save its state.
NOTICE_S, SAVING_S = 120, 100
POLL_S = 0.2
STOPPED = (128 + signal.SIGTERM, -signal.SIGTERM)
KILLED_WITHIN_S = 600  # after SIGTERM, by the cluster; then it was no preemption
# Lightning would take the task's environment for one in which SLURM starts a training's processes.
ALONE = {"SLURM_JOB_NAME": "interactive"}


@dataclass
class Task:
    """One share of a command. It is pickled with plain values only.

    Attributes:
        words: The command line without its program.
        place: Its working folder.
        record: A JSON file: `state`, `host`, `pid`, `log`, and at the end `status`.
        requeues: How often it may still be requeued.
    """

    words: list[str]
    place: str
    record: str
    requeues: int
    _child: "subprocess.Popen[bytes] | None" = None

    def __call__(self) -> int | None:
        """Run the command and return its exit status."""
        signal.pthread_sigmask(signal.SIG_BLOCK, ANNOUNCED)  # the child inherits it
        self._note(RUNNING)
        self._child = started(self.words, self.place, environment=ALONE)
        status = _end_of(self._child)
        if status in STOPPED:
            # The cluster stopped all processes of the task. It kills and perhaps requeues the task
            # next; with a result, a task that is requeued would count as done.
            _pause(KILLED_WITHIN_S)
        self._note(ENDED, status=status)
        return status

    def checkpoint(self) -> Any:
        """Stop the command, which saves its state; return what is requeued, None for nothing."""
        from submitit.helpers import DelayedSubmission

        if self._child is not None:
            _stop(self._child)
        if self.requeues == 0:
            self._note(ENDED, cause="was stopped by the time limit or preempted too often")
            return None
        self._note(REQUEUED)
        return DelayedSubmission(Task(self.words, self.place, self.record, self.requeues - 1))

    def _note(self, state: str, **more: Any) -> None:
        from submitit import JobEnvironment

        log = str(JobEnvironment().paths.stdout)
        facts = {"state": state, "host": socket.gethostname(), "pid": os.getpid(), "log": log}
        write_json(self.record, {**facts, **more})


def _end_of(child: "subprocess.Popen[bytes]") -> int:
    """Wait for a child; announced signals are handled while nothing else is done."""
    while (status := child.poll()) is None:
        _pause(POLL_S)
    return status


def _stop(child: "subprocess.Popen[bytes]") -> None:
    """Let a child save its state and end; kill it if that takes longer than the notice."""
    child.terminate()
    deadline = time.monotonic() + SAVING_S
    while child.poll() is None and time.monotonic() < deadline:
        time.sleep(POLL_S)
    if child.poll() is None:
        child.kill()


def _pause(seconds: float) -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ANNOUNCED)
    time.sleep(seconds)
    signal.pthread_sigmask(signal.SIG_BLOCK, ANNOUNCED)
