"""The state of a training in mid-epoch: saved now and then, and before the training stops."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Checkpoint

from vqa.training.learners.module import ScoreModule
from vqa.training.learners.stopping import OrderlyStop
from vqa.training.processes import highest

INTERVAL_S = 600.0  # between two states; a training that is killed loses no more work
SHORT_INTERVAL_S = 60.0  # before a validation, in which no state can be saved
GO_ON, SAVE, STOP = range(3)


class SaveState(Checkpoint):
    """Saves the state between two steps of an epoch, when it is due or a signal asks to stop.

    The last step of an epoch is followed by validation and the checkpoint of the epoch, so no state
    is saved there. All processes agree on the step, because they save and stop together.

    It counts as a checkpoint callback because Lightning calls these last: the running average of
    the weights has seen the step.

    Args:
        path: The checkpoint that training resumes from.
        stop: Knows of signals.
        every: Epochs between the checkpoints of whole epochs.
        sent: Is called with the trainer when a checkpoint of mid-epoch is written.
    """

    def __init__(
        self,
        path: Path,
        stop: OrderlyStop,
        every: int,
        sent: Callable[[pl.Trainer], None] | None = None,
    ) -> None:
        self.path, self.stop, self.every, self.sent = path, stop, every, sent
        self._saved_s = 0.0

    def on_train_start(self, *_: Any) -> None:
        """Count the time from here."""
        self._saved_s = time.monotonic()

    def on_train_batch_end(
        self, trainer: pl.Trainer, module: pl.LightningModule, output: Any, batch: Any, index: int
    ) -> None:
        """Save the state if it is due; stop if a signal asked for it."""
        done, steps = index + 1, int(trainer.num_training_batches)
        if done == steps or done % trainer.accumulate_grad_batches:
            return
        is_before_validation = done + 1 == steps and trainer.enable_validation
        wanted = self._agreed(trainer, SHORT_INTERVAL_S if is_before_validation else INTERVAL_S)
        if wanted >= SAVE:
            self._save(trainer, done)
        if wanted == STOP:
            self.stop.end()

    def on_validation_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Stop if a signal came in the last step of the epoch."""
        if self._agreed(trainer) == STOP:
            self.stop.end()

    def on_train_epoch_end(self, trainer: pl.Trainer, module: ScoreModule) -> None:
        """Note that a checkpoint of the whole epoch was written; stop if a signal asked for it."""
        is_saved = len(module.history) % self.every == 0
        if is_saved:
            self._saved_s = time.monotonic()
        if self._agreed(trainer) == STOP:
            if not is_saved:
                self._save(trainer, 0)
            self.stop.end()

    def _agreed(self, trainer: pl.Trainer, interval_s: float = float("inf")) -> int:
        """Return what all processes do next: what the most urgent of them wants."""
        is_due = time.monotonic() - self._saved_s >= interval_s
        own = STOP if self.stop.asked else SAVE if is_due else GO_ON
        return highest(own, trainer.strategy.root_device)

    def _save(self, trainer: pl.Trainer, done: int) -> None:
        loader = trainer.train_dataloader
        loader.done = done
        try:
            trainer.save_checkpoint(self.path, weights_only=False)
        finally:
            loader.done = 0
        self._saved_s = time.monotonic()
        if self.sent is not None:
            self.sent(trainer)
