"""The pace of a training that reads files, and what holds it up."""

import logging
import time
from collections.abc import Callable
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback

from vqa.training.datamodule import VQADataModule, usable_cores
from vqa.training.learners.module import Batch

log = logging.getLogger(__name__)

FIRST_S, INTERVAL_S = 60.0, 600.0  # of training: until it is told, and until it is told again
TOLERATED = 0.1  # share of the time that may wait for data without a remark


class Pace(Callback):
    """Says how many videos a training takes a second, and how long it waits for them.

    On a GPU, waiting is the time in which the GPU has nothing to do between two steps. Validation
    and checkpoints are left out.

    Args:
        data: What is loaded.
        clock: Gives seconds.
    """

    def __init__(self, data: VQADataModule, clock: Callable[[], float] = time.perf_counter) -> None:
        self.data, self.clock = data, clock
        self._cuda, self._is_told = False, False
        self._reset()

    def _reset(self) -> None:
        self._videos, self._seconds = 0, 0.0
        self._waits: list[tuple[Any, Any]] = []
        self._ended: Any = None
        self._started_s = 0.0

    def on_train_start(self, trainer: pl.Trainer, *_: Any) -> None:
        """Begin; an epoch that resumes after some of its steps does not start again."""
        self._cuda = trainer.strategy.root_device.type == "cuda"
        self._begin()

    def on_train_epoch_start(self, *_: Any) -> None:
        """Leave out what was between the epochs."""
        self._begin()

    def on_train_batch_start(self, *_: Any) -> None:
        """The data are there."""
        self._waits.append((self._ended, self._now()))

    def on_train_batch_end(
        self, trainer: pl.Trainer, module: pl.LightningModule, output: Any, batch: Batch, index: int
    ) -> None:
        """Count; tell the pace if it is time to."""
        self._videos += len(batch["ids"]) * trainer.world_size
        now_s = self.clock()
        self._seconds += now_s - self._started_s
        if self._seconds >= (INTERVAL_S if self._is_told else FIRST_S):
            self._tell(trainer)
        self._begin()

    def on_train_epoch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        """Tell the pace of a first epoch that was short."""
        if not self._is_told and self._waits:
            self._tell(trainer)

    def _begin(self) -> None:
        self._started_s, self._ended = self.clock(), self._now()

    def _now(self) -> Any:
        if not self._cuda:
            return self.clock()
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def _tell(self, trainer: pl.Trainer) -> None:
        if self._cuda:
            torch.cuda.synchronize()
            waited_s = sum(end.elapsed_time(start) for end, start in self._waits) / 1000
        else:
            waited_s = sum(start - end for end, start in self._waits)
        share = min(1.0, waited_s / self._seconds) if self._seconds else 0.0
        if trainer.is_global_zero:
            remedy = f"; {self._remedy()}" if share > TOLERATED else ""
            log.info(
                "pace: %.3g videos/s, %.0f %% of the time waits for data%s",
                self._videos / self._seconds if self._seconds else 0.0, 100 * share, remedy,
            )  # fmt: skip
        self._is_told = True
        self._reset()

    def _remedy(self) -> str:
        """Say what would load the data more quickly."""
        cores = usable_cores(self.data.processes)
        if self.data.num_workers < cores:
            return (
                f"set loader.num_workers=auto, which is {cores} here ({self.data.num_workers} now)"
            )
        if "fragments" in self.data.views.views and not self.data.draws:
            return "loader.store=4 cuts the fragments once instead of decoding in each epoch"
        return "use more cores, or a quicker disk"
