"""Companions of a training: a progress bar, the history as a table."""

from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from vqa.files import write_csv
from vqa.progress import progress_bar
from vqa.training.learners.module import ScoreModule


class TrainingProgress(Callback):
    """Shows one bar over all steps with the time left, on the first process."""

    def __init__(self) -> None:
        self.bar = progress_bar(None, "train", "step", disable=True)

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Open the bar at the step from which training resumes."""
        steps = int(trainer.num_training_batches)
        self.bar = progress_bar(
            trainer.max_epochs * steps,
            f"train {trainer.max_epochs} epochs",
            "step",
            initial=trainer.current_epoch * steps + trainer.train_dataloader.skipped,
            disable=not trainer.is_global_zero,
        )

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        """Advance."""
        self.bar.update()

    def on_train_epoch_end(self, trainer: pl.Trainer, module: ScoreModule) -> None:
        """Show the epoch's means."""
        if module.history:
            shown = {k: f"{v:.4g}" for k, v in module.history[-1].items()}
            self.bar.set_postfix(shown, refresh=False)

    def on_exception(self, trainer: pl.Trainer, *_: Any) -> None:
        """Close the bar, so that the error has a line of its own."""
        self.bar.close()

    def on_train_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Close the bar."""
        self.bar.close()


def write_history(history: list[dict[str, float]], path: Path) -> None:
    """Write the learning curves as a table, one row per epoch."""
    columns = list(dict.fromkeys(key for row in history for key in row))
    write_csv(path, columns, ([row.get(column, "") for column in columns] for row in history))
