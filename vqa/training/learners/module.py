"""The Lightning module that trains a scoring network."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from vqa.evaluation.metrics import srocc
from vqa.training.draws import number_of
from vqa.training.hardware import seed_generators
from vqa.training.learners.batch_layers import Step, separate_videos
from vqa.training.learners.divergence import check_means, check_scores, check_weights
from vqa.training.learners.optimisation import parameter_groups, parts_of
from vqa.training.learners.scoring import ScoringNetwork
from vqa.training.processes import gathered, merge_by_id

Batch = dict[str, Any]


class ScoreModule(ScoringNetwork, pl.LightningModule):
    """Trains a network on (MOS - `mos_offset`) / `mos_scale` and validates on the MOS scale.

    Everything random in a step is seeded by (seed, epoch, step), and the history and the means of
    an epoch so far are part of the checkpoint, so a resumed run repeats an uninterrupted one
    exactly, whichever step it resumes after. Several processes train as
    one does: the loss of a step is that of the whole batch, see `vqa.training.processes`.

    Parts of the network are addressed by name: `backbone` is every parameter with that word in its
    dotted name.

    Args:
        network: Called with the inputs that the views give, by name -> score (B,).
        optimizer: Makes an optimiser from parameters or groups of parameters.
        loss: Function of (score, target), both (B,).
        input_dim: D, features per frame; None for a network without a feature sequence.
        mos_scale: Labels are divided by it.
        mos_offset: Subtracted from labels before.
        seed: Base of all seeds.
        schedule: Function of (step, steps per epoch, steps in total) -> factor of the learning
            rates; None keeps them constant.
        learning_rates: Rates of named parts; the optimiser's own rate applies to the rest.
        frozen_epochs: For named parts, the number of epochs before they start to train.
        on_mos_scale: Whether scores approach the MOS scale in training, so that a validation error
            is meaningful; false for losses that ignore scale or offset.
    """

    def __init__(
        self,
        network: nn.Module,
        optimizer: Callable[..., torch.optim.Optimizer],
        loss: Callable[[Tensor, Tensor], Tensor],
        *,
        input_dim: int | None,
        mos_scale: float,
        mos_offset: float = 0.0,
        seed: int,
        schedule: Callable[[int, int, int], float] | None = None,
        learning_rates: Mapping[str, float] | None = None,
        frozen_epochs: Mapping[str, int] | None = None,
        on_mos_scale: bool = True,
    ) -> None:
        super().__init__(
            network,
            input_dim=input_dim,
            mos_scale=mos_scale,
            mos_offset=mos_offset,
        )
        self.optimizer_factory = optimizer
        self.loss = loss
        self.seed = seed
        self.schedule, self.learning_rates = schedule, dict(learning_rates or {})
        self.frozen_epochs, self.on_mos_scale = dict(frozen_epochs or {}), on_mos_scale
        self.history: list[dict[str, float]] = []
        self.step = Step()
        separate_videos(self.network, self.step)
        self._means = EpochMeans()
        self._validation: dict[str, tuple[float, float]] = {}

    def configure_optimizers(self) -> Any:
        """Build the recipe's optimiser over the network, part by part, and its schedule."""
        optimizer = self.optimizer_of(parameter_groups(self.network, self.learning_rates))
        if self.schedule is None:
            return optimizer
        epoch = self._steps_of_an_epoch()
        steps = epoch * self.trainer.max_epochs
        scheduler = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: self.schedule(step, epoch, steps)
        )
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
        }

    def _steps_of_an_epoch(self) -> int:
        """Count the optimiser's steps.

        Lightning's own count starts the loading processes, before it knows which epoch and step
        training resumes from.
        """
        batches = len(self.trainer.datamodule.train_dataloader())
        limit = self.trainer.limit_train_batches
        batches = min(batches, limit) if isinstance(limit, int) else int(batches * limit)
        return max(1, math.ceil(batches / self.trainer.accumulate_grad_batches))

    def optimizer_of(self, parameters: Any) -> torch.optim.Optimizer:
        """Make the recipe's optimiser, in one kernel for all parameters where it has one."""
        parameters = list(parameters)
        optimizer = self.optimizer_factory(parameters)
        settings = optimizer.defaults
        is_open = "fused" in settings and not (settings["fused"] or settings.get("foreach"))
        # Lightning clips no gradients before such a kernel in mixed precision.
        clips = self._trainer is not None and bool(self._trainer.gradient_clip_val)
        if not is_open or clips:
            return optimizer
        return self.optimizer_factory(parameters, fused=True)

    def on_train_epoch_start(self) -> None:
        """Reset the epoch's means; freeze or release the parts that start later."""
        self._means = EpochMeans()
        self._freeze()

    def on_train_start(self) -> None:
        """Freeze the parts that start later, if training resumes in mid-epoch."""
        self._freeze()

    def _freeze(self) -> None:
        if self.frozen_epochs:
            for name, part in parts_of(self.network, self.frozen_epochs).items():
                for parameter in part:
                    parameter.requires_grad_(self.current_epoch >= self.frozen_epochs[name])

    def on_train_batch_start(self, batch: Batch, batch_index: int) -> None:
        """Seed the step, because loaders draw random numbers too; the same in every process.

        Raises:
            ValueError: The inputs are not what the network takes.
        """
        if batch_index == 0:
            self.check_inputs(batch["inputs"])
        step = (self.seed, self.current_epoch, batch_index)
        seed_generators(int(np.random.SeedSequence(step).generate_state(1, np.uint64)[0] >> 1))
        self.step.counts = bool(batch["ids"])
        self.step.numbers = [number_of(video) for video in batch["ids"]] or [0]

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """Compute the loss of the whole batch on the normalised label scale."""
        score, target = self.of_all(batch, self.network(**batch["inputs"]))
        loss = self.loss(score, target)
        self.record(len(target), train_loss=loss)
        return loss

    def of_all(self, batch: Batch, *outputs: Tensor) -> list[Tensor]:
        """Return outputs, and targets (N,), of all processes' videos; see `gathered`.

        Args:
            batch: This process's share.
            *outputs: Of the network, (B, ...).
        """
        count = len(batch["ids"])
        target = (batch["mos"] - self.mos_offset) / self.mos_scale
        own = [*(output[:count] for output in outputs), target]
        return [gathered(rows) for rows in own]

    def record(self, count: int, **values: Tensor) -> None:
        """Add the values of a batch of `count` videos to the epoch's means."""
        self._means.add(count, values)

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """Score a batch of the validation part."""
        scores = self.score(batch["inputs"])[: len(batch["ids"])].float().tolist()
        pairs = zip(batch["mos"].tolist(), scores, strict=True)
        self._validation.update(zip(batch["ids"], pairs, strict=True))

    def on_validation_epoch_end(self) -> None:
        """Correlate the scores of the whole validation part, each video once."""
        merged = merge_by_id(self._validation)
        self._validation = {}
        if self.trainer.sanity_checking:
            return
        self.check_finite()
        check_scores({video: score for video, (_, score) in merged.items()})
        error = sum(abs(m - s) for m, s in merged.values()) / len(merged)
        # The history keeps these in double precision; Lightning's callbacks see them as float32.
        found = self.validation_srocc(merged)
        self._epoch_values = {} if math.isnan(found) else {"val_srocc": found}
        if self.on_mos_scale:
            self._epoch_values["val_mae"] = error
        # Undefined for equal scores; a NaN would end the training.
        self.log_dict({"val_srocc": -1.0} | self._epoch_values, logger=False, rank_zero_only=False)

    def validation_srocc(self, rows: Mapping[str, tuple[float, float]]) -> float:
        """Return the SROCC of the validation part, (MOS, score) by id; NaN if it is undefined."""
        return srocc(*zip(*rows.values(), strict=True))

    def on_train_epoch_end(self) -> None:
        """Append the epoch to the history, before the checkpoint is written."""
        self.check_finite()
        means = self._means.values()
        validation = self.__dict__.pop("_epoch_values", {})
        self.history.append({"epoch": self.current_epoch, **means, **validation})
        self.log_dict(means, logger=False)

    def check_finite(self) -> None:
        """Check the losses of the epoch so far and the weights, before anything is recorded.

        Raises:
            Diverged: Something is not finite.
        """
        check_means(self._means.values())
        check_weights(self.named_parameters())

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Store the history, and the means of the epoch so far, in the checkpoint."""
        checkpoint["history"] = self.history
        checkpoint["means"] = self._means.state()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore the history and the means from the checkpoint."""
        self.history = checkpoint["history"]
        self._means = EpochMeans(checkpoint.get("means"))


class EpochMeans:
    """Means over the videos of an epoch, each value over the batches that recorded it.

    Args:
        state: What `state` returned, to continue from; None starts anew.
    """

    def __init__(self, state: Mapping[str, Any] | None = None) -> None:
        self._sums: dict[str, Tensor] = dict(state["sums"]) if state else {}
        self._counts: dict[str, int] = dict(state["counts"]) if state else {}

    def state(self) -> dict[str, Any]:
        """Return what another object can continue from."""
        return {"sums": dict(self._sums), "counts": dict(self._counts)}

    def add(self, count: int, values: Mapping[str, Tensor]) -> None:
        """Add the mean values of a batch of `count` videos."""
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, 0) + value.detach() * count
            self._counts[name] = self._counts.get(name, 0) + count

    def values(self) -> dict[str, float]:
        """Return the means so far, in the order in which they were first recorded."""
        return {name: float(total) / self._counts[name] for name, total in self._sums.items()}
