"""Ctrl-C, SIGTERM and SIGUSR1 end a command as an error would, so that it cleans up."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

AGAIN_S = 0.2  # after so long a lost `Stopped` is raised again
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)  # the last: a cluster takes it away


class Stopped(BaseException):
    """A signal asked the process to end.

    It is no `KeyboardInterrupt`, which Lightning would turn into exit status 1.
    """


RANKS = ("RANK", "LOCAL_RANK", "SLURM_PROCID")  # of torchrun, Lightning's own launcher, srun


def is_first() -> bool:
    """Return whether this is the process of a training that reports for all of them."""
    return next((os.environ[name] for name in RANKS if name in os.environ), "0") == "0"


class Signals:
    """The handling of Ctrl-C, SIGTERM and SIGUSR1 in a command.

    Attributes:
        received: Number of the first signal; 0 before it.
        reported: Whether the user has read of it.
    """

    def __init__(self) -> None:
        self.received = 0
        self.reported = False
        self._owner = os.getpid()

    @property
    def status(self) -> int:
        """Exit status of a process that this signal ended; 143 for SIGUSR1, too."""
        return 128 + (signal.SIGINT if self.received == signal.SIGINT else signal.SIGTERM)

    @property
    def line(self) -> str:
        """What the user reads."""
        name = "Ctrl-C" if self.received == signal.SIGINT else signal.Signals(self.received).name
        return f"stopped by {name}; rerun the command to resume"

    @contextmanager
    def handled(self) -> Iterator[None]:
        """Raise `Stopped` where a signal arrives; a second one ends the process at once.

        A library may lose the exception: torch, which finds it in the middle of a conversion, says
        that it cannot convert. So it is raised again until it arrives here. The handlers are put
        back at the end, unless a signal has arrived: then the process ends, and must not be
        disturbed in that.

        Raises:
            Stopped: A signal arrived.
        """
        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread may set handlers
            return
        before = {number: signal.getsignal(number) for number in SIGNALS}
        try:
            for number in SIGNALS:
                if before[number] is not signal.SIG_IGN:  # as nohup and background jobs ask
                    signal.signal(number, self._stop)
            yield
            if self.received:
                raise Stopped
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            if not self.received:
                for number, handler in before.items():
                    signal.signal(number, handler)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._owner:  # a child that inherited the handler
            if number == signal.SIGTERM:
                signal.signal(number, signal.SIG_DFL)
                os.kill(os.getpid(), number)
            return  # Ctrl-C reaches the parent too, which ends its children
        if self.received:
            if is_first() and not self.reported:
                os.write(2, f"error: {self.line}\n".encode())
            os._exit(self.status)
        self.received = number
        signal.signal(signal.SIGALRM, self._raise_again)
        signal.setitimer(signal.ITIMER_REAL, AGAIN_S, AGAIN_S)
        raise Stopped

    def _raise_again(self, number: int, frame: FrameType | None) -> None:
        error = sys.exc_info()[1]  # what is being handled, such as by a block that cleans up
        while error is not None and not isinstance(error, Stopped):
            error = error.__context__
        if error is None:
            raise Stopped
