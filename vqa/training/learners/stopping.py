"""The end of a training by Ctrl-C or SIGTERM: as the command handles it, in all processes."""

import signal
import subprocess
import threading
import time
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

GRACE_S = 5.0  # then a process that waits for others inside a collective operation is killed


class OrderlyStop(Callback):
    """Ends a training that is asked to stop, and the processes that it has started.

    Lightning replaces the handler of SIGTERM by one that lets a training of one process run on to
    its end and waits for all processes of several, which may be waiting for one another already.
    """

    def __init__(self) -> None:
        self._handler = signal.getsignal(signal.SIGTERM)

    def on_train_start(self, trainer: pl.Trainer, *_: Any) -> None:
        """Give SIGTERM back the handler that it had before the training."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._handler)

    def on_exception(
        self, trainer: pl.Trainer, module: pl.LightningModule, exception: BaseException
    ) -> None:
        """End the other processes if this one was asked to stop; they end by errors themselves."""
        processes: list[subprocess.Popen] = getattr(trainer.strategy.launcher, "procs", [])
        if isinstance(exception, Exception):
            return
        for process in processes:
            process.send_signal(signal.SIGTERM)
        end = time.monotonic() + GRACE_S
        for process in processes:
            try:
                process.wait(max(0.0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
