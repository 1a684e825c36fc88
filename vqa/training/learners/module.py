"""The Lightning side of a network that maps what it sees of videos to scores."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
import torch.distributed
from torch import Tensor, nn

from vqa.evaluation.metrics import srocc
from vqa.training.learners.optimisation import parameter_groups, parts_of

Batch = dict[str, Any]


class Standardise(nn.Module):
    """Features (..., D) to zero mean and unit deviation; identity until fitted on training videos.

    Features without a common scale, such as a bank of statistics, need it; deep features as the
    papers use them go in as they are.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("scale", torch.ones(dim))

    def fit(self, sequences: list[Tensor]) -> None:
        """Take mean and deviation over all frames of the training videos, each (T, D)."""
        count = sum(len(sequence) for sequence in sequences)
        mean = sum(sequence.double().sum(0) for sequence in sequences) / count
        variance = sum((sequence.double() - mean).square().sum(0) for sequence in sequences) / count
        self.mean.copy_(mean)
        self.scale.copy_(torch.where(variance > 1e-12, variance.sqrt(), 1.0))

    def forward(self, features: Tensor) -> Tensor:
        """(..., D) -> (..., D)."""
        return (features - self.mean) / self.scale


class ScoreModule(pl.LightningModule):
    """Trains a network on MOS / `mos_scale`; validation is scored on the MOS scale.

    Whatever is random in a step is seeded by (seed, epoch, step, process), and the history travels
    in the checkpoint: so a resumed run repeats an undisturbed one exactly.

    Parts of the network have names: `backbone` is every parameter with that word in its dotted
    name.

    Args:
        network: Called with the inputs that the views give, by name -> score (B,).
        optimizer: Makes an optimiser from parameters or groups of them.
        loss: Of (score, target), both (B,).
        input_dim: D, features a frame; None for a network without a feature sequence.
        mos_scale: Labels are divided by it.
        seed: Base of all seeds.
        schedule: Of (step, steps an epoch, steps in all) -> factor of the learning rates; None
            keeps them.
        learning_rates: Rates of named parts; the optimiser's own holds for the rest.
        frozen_epochs: For named parts, how many epochs pass before they learn.
        on_mos_scale: Whether scores approach the MOS scale in training, so that a validation error
            means something; not so under losses that ignore scale or offset.
    """

    def __init__(
        self,
        network: nn.Module,
        optimizer: Callable[..., torch.optim.Optimizer],
        loss: Callable[[Tensor, Tensor], Tensor],
        *,
        input_dim: int | None,
        mos_scale: float,
        seed: int,
        schedule: Callable[[int, int, int], float] | None = None,
        learning_rates: Mapping[str, float] | None = None,
        frozen_epochs: Mapping[str, int] | None = None,
        on_mos_scale: bool = True,
    ) -> None:
        super().__init__()
        self.network = network
        self.standardise = Standardise(input_dim or 0)
        self.optimizer_factory = optimizer
        self.loss = loss
        self.register_buffer("mos_scale", torch.tensor(mos_scale))
        self.seed = seed
        self.schedule, self.learning_rates = schedule, dict(learning_rates or {})
        self.frozen_epochs, self.on_mos_scale = dict(frozen_epochs or {}), on_mos_scale
        self.history: list[dict[str, float]] = []
        self._sums: dict[str, Tensor] = {}
        self._count = 0
        self._validation: dict[str, tuple[float, float]] = {}

    def prepared(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The inputs as the network takes them: `features`, if any, standardised."""
        if "features" not in inputs:
            return dict(inputs)
        return {**inputs, "features": self.standardise(inputs["features"])}

    def forward(self, **inputs: Tensor) -> Tensor:
        """Scores on the MOS scale, (B,)."""
        return self.network(**self.prepared(inputs)) * self.mos_scale

    def timeline(self, **inputs: Tensor) -> Tensor:
        """Quality over time on the MOS scale, (B, T): of frames or clips, as the network has it."""
        return self.network.timeline(**self.prepared(inputs)) * self.mos_scale

    def configure_optimizers(self) -> Any:
        """The recipe's optimiser over the network, part by part, and its schedule."""
        optimizer = self.optimizer_factory(parameter_groups(self.network, self.learning_rates))
        if self.schedule is None:
            return optimizer
        steps = int(self.trainer.estimated_stepping_batches)
        epoch = max(1, round(steps / self.trainer.max_epochs))
        scheduler = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: self.schedule(step, epoch, steps)
        )
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
        }

    def on_train_epoch_start(self) -> None:
        """Begin the epoch's means; hold or release the parts that begin later."""
        self._sums, self._count = {}, 0
        if self.frozen_epochs:
            for name, part in parts_of(self.network, self.frozen_epochs).items():
                for parameter in part:
                    parameter.requires_grad_(self.current_epoch >= self.frozen_epochs[name])

    def on_train_batch_start(self, batch: Batch, batch_index: int) -> None:
        """Seed the step; loaders draw random numbers too, so seeding the epoch is not enough."""
        step = (self.seed, self.current_epoch, batch_index, self.global_rank)
        torch.manual_seed(int(np.random.SeedSequence(step).generate_state(1, np.uint64)[0] >> 1))

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """The loss of one batch, on the normalised label scale."""
        score = self.network(**self.prepared(batch["inputs"]))
        loss = self.loss(score, batch["mos"] / self.mos_scale)
        self.record(len(batch["ids"]), train_loss=loss)
        return loss

    def record(self, count: int, **values: Tensor) -> None:
        """Add a batch's values to the epoch's means."""
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, 0) + value.detach() * count
        self._count += count

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """Score a batch of the validation part."""
        scores = self(**batch["inputs"]).float().tolist()
        pairs = zip(batch["mos"].tolist(), scores, strict=True)
        self._validation.update(zip(batch["ids"], pairs, strict=True))

    def on_validation_epoch_end(self) -> None:
        """Correlate all validation scores, each video once."""
        merged = merge_by_id(self._validation)
        self._validation = {}
        if self.trainer.sanity_checking:
            return
        mos, score = zip(*merged.values(), strict=True)
        error = sum(abs(m - s) for m, s in merged.values()) / len(merged)
        # The history keeps these in double precision; Lightning's callbacks see them as float32.
        self._epoch_values = {"val_srocc": srocc(mos, score)}
        if self.on_mos_scale:
            self._epoch_values["val_mae"] = error
        self.log_dict(self._epoch_values, rank_zero_only=False)

    def on_train_epoch_end(self) -> None:
        """Append the epoch to the history, before the checkpoint is written."""
        means = {name: float(total) / self._count for name, total in self._sums.items()}
        validation = self.__dict__.pop("_epoch_values", {})
        self.history.append({"epoch": self.current_epoch, **means, **validation})
        self.log_dict(means)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Put the history into the checkpoint."""
        checkpoint["history"] = self.history

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take the history out of the checkpoint."""
        self.history = checkpoint["history"]


def merge_by_id(own: dict[str, Any]) -> dict[str, Any]:
    """The entries of all processes, each id once; those of this process where there is one."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return own
    gathered: list[dict[str, Any]] = [{} for _ in range(torch.distributed.get_world_size())]
    torch.distributed.all_gather_object(gathered, own)
    merged: dict[str, Any] = {}
    for part in gathered:
        merged.update(part)
    return dict(sorted(merged.items()))
