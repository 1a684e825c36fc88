"""Ctrl-C and SIGTERM: they end a command as an error would, so that it cleans up and can resume."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(BaseException):
    """A signal asked the process to end.

    It is no `KeyboardInterrupt`, which Lightning would turn into exit status 1.
    """


def is_first() -> bool:
    """Return whether this is the process of a training that reports for all of them."""
    return os.environ.get("LOCAL_RANK", "0") == "0"


class Signals:
    """The handling of Ctrl-C and SIGTERM in a command.

    Attributes:
        received: Number of the first signal; 0 before it.
    """

    def __init__(self) -> None:
        self.received = 0
        self._owner = os.getpid()

    @property
    def status(self) -> int:
        """Exit status of a process that this signal ended."""
        return 128 + self.received

    @property
    def line(self) -> str:
        """What the user reads."""
        name = "Ctrl-C" if self.received == signal.SIGINT else signal.Signals(self.received).name
        return f"stopped by {name}; rerun the command to resume"

    @contextmanager
    def handled(self) -> Iterator[None]:
        """Raise `Stopped` where a signal arrives; a second one ends the process at once.

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
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._owner:  # a child that inherited the handler
            if number == signal.SIGTERM:
                signal.signal(number, signal.SIG_DFL)
                os.kill(os.getpid(), number)
            return  # Ctrl-C reaches the parent too, which ends its children
        if self.received:
            if is_first():
                os.write(2, f"error: {self.line}\n".encode())
            os._exit(self.status)
        self.received = number
        raise Stopped
