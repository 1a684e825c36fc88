"""The end of a training by a signal: after the step, once its state is saved, in all processes."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from types import FrameType
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
GRACE_S = 5.0  # then a process that waits for others inside a collective operation is killed


class OrderlyStop(Callback):
    """Lets a training that is asked to stop end its step, and ends the processes it has started.

    The handlers that the signals had before the training are called when the state is saved (see
    `SaveState`), at once in validation, and at once for a second signal. Lightning replaces the
    handler of SIGTERM by one that lets a training of one process run on to its end and waits for
    all processes of several, which may be waiting for one another already.

    Attributes:
        asked: Number of the signal that waits for the end of the step; 0 for none.
    """

    def __init__(self) -> None:
        self._handlers = {number: signal.getsignal(number) for number in SIGNALS}
        self.asked = 0
        self._owner, self._defers = 0, False

    def on_train_start(self, trainer: pl.Trainer, *_: Any) -> None:
        """Take the place of the handlers that the signals had before the training."""
        self._owner, self._defers = os.getpid(), True
        self._set({number: self._note for number in SIGNALS if callable(self._handlers[number])})

    def on_validation_start(self, *_: Any) -> None:
        """Let a signal end the process at once: no state can be saved in validation."""
        self._defers = False

    def on_validation_end(self, *_: Any) -> None:
        """Let a signal wait for the end of the step again."""
        self._defers = True

    def on_train_end(self, *_: Any) -> None:
        """Put the handlers back."""
        self._set(self._handlers)

    def end(self) -> None:
        """End the process as the signal would have done, also if it was sent to another process."""
        number, self.asked = self.asked or signal.SIGTERM, 0
        handler = self._handlers[signal.Signals(number)]
        if not callable(handler):
            raise SystemExit(128 + number)
        handler(number, None)

    def on_exception(
        self, trainer: pl.Trainer, module: pl.LightningModule, exception: BaseException
    ) -> None:
        """End the other processes if this one was asked to stop; they end by errors themselves."""
        self._set(self._handlers)
        if self.asked:  # the error may be a consequence of the signal, such as a child that ended
            with contextlib.suppress(BaseException):
                self.end()
        processes: list[subprocess.Popen] = getattr(trainer.strategy.launcher, "procs", [])
        if isinstance(exception, Exception):
            return
        if not _all_end(processes):  # those that stop at the same step end by themselves
            for process in processes:
                process.send_signal(signal.SIGTERM)
            if not _all_end(processes):
                for process in processes:
                    process.kill()

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._defers and not self.asked and os.getpid() == self._owner:
            self.asked = number
            return
        handler = self._handlers[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    def _set(self, handlers: dict[signal.Signals, Any]) -> None:
        self._defers = self._defers and handlers is not self._handlers
        if threading.current_thread() is threading.main_thread():
            given = {signal.SIGTERM: self._handlers[signal.SIGTERM], **handlers}
            for number, handler in given.items():
                if handler is not None:  # set by something that is not Python
                    signal.signal(number, handler)


def _all_end(processes: list[subprocess.Popen]) -> bool:
    """Wait for processes for a while; return whether all have ended."""
    end = time.monotonic() + GRACE_S
    try:
        for process in processes:
            process.wait(max(0.0, end - time.monotonic()))
    except subprocess.TimeoutExpired:
        return False
    return True
