"""The rows of a training's history, as a logger gets them, with measures of the training itself."""

import time
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Checkpoint
from torch import Tensor

from vqa.training.learners.module import Batch, ScoreModule


class SendHistory(Checkpoint):
    """Sends each epoch of the history to the logger once a checkpoint holds it.

    A training that is killed and resumes therefore sends no epoch twice. Beside the history go
    `learning_rate` (of the epoch's last step; `learning_rate_1`, ... for further groups of
    parameters), `gradient_norm` (before clipping, mean over the steps of the first optimiser) and
    `videos_per_second` (by the wall time of the training steps, without validation). They are not
    part of the history, so a training with a logger stores the same files as one without. In an
    epoch that was interrupted they are those of the steps since.

    It counts as a checkpoint callback because Lightning calls these last.

    Args:
        every: Epochs between checkpoints.
    """

    def __init__(self, every: int) -> None:
        self.every = every
        self._waiting: list[dict[str, float]] = []
        self._reset()

    def _reset(self) -> None:
        self._started, self._seconds, self._videos = time.perf_counter(), 0.0, 0
        self._norms: list[Tensor] = []
        self._rates: list[float] = []

    def on_train_start(self, trainer: pl.Trainer, *_: Any) -> None:
        """Start the measures of an epoch that resumes after some of its steps."""
        self._reset()

    def on_train_epoch_start(self, trainer: pl.Trainer, *_: Any) -> None:
        """Start the epoch's measures."""
        self._reset()

    def on_train_batch_end(
        self, trainer: pl.Trainer, module: pl.LightningModule, output: Any, batch: Batch, index: int
    ) -> None:
        """Count the videos and the time; nothing waits for the device."""
        self._videos += len(batch["ids"]) * trainer.world_size
        self._seconds = time.perf_counter() - self._started

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, module: pl.LightningModule, optimizer: torch.optim.Optimizer
    ) -> None:
        """Note the norm of the gradient, on its device, and the rates of this step."""
        if optimizer is not trainer.optimizers[0]:
            return
        parameters = [one for group in optimizer.param_groups for one in group["params"]]
        gradients = [one.grad.detach() for one in parameters if one.grad is not None]
        if gradients:
            norms = torch.stack([torch.linalg.vector_norm(one.float()) for one in gradients])
            self._norms.append(torch.linalg.vector_norm(norms))
        self._rates = [float(group["lr"]) for group in optimizer.param_groups]

    def on_train_epoch_end(self, trainer: pl.Trainer, module: ScoreModule) -> None:
        """Add the epoch's row; send all rows that a checkpoint holds."""
        self._waiting.append(module.history[-1] | self._measures())
        if len(module.history) % self.every == 0:
            self.send(trainer)

    def on_train_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Send what is left."""
        self.send(trainer)

    def send(self, trainer: pl.Trainer) -> None:
        """Send the rows of the epochs that a checkpoint holds by now."""
        rows, self._waiting = self._waiting, []
        for row in rows:
            for logger in trainer.loggers:
                logger.log_metrics(row, step=int(row["epoch"]))

    def _measures(self) -> dict[str, float]:
        found = {
            "learning_rate" + (f"_{place}" if place else ""): rate
            for place, rate in enumerate(self._rates)
        }
        if self._norms:
            found["gradient_norm"] = float(torch.stack(self._norms).mean())
        if self._seconds > 0:
            found["videos_per_second"] = self._videos / self._seconds
        return found
