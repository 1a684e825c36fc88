"""The Lightning side of a network that maps feature sequences to scores."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
import torch.distributed
from torch import Tensor, nn

from vqa.metrics import srocc

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

    Args:
        network: Called as `network(features, lengths)` -> score (B,).
        optimizer: Makes an optimiser from parameters.
        loss: Of (score, target), both (B,).
        input_dim: D, features a frame.
        mos_scale: Labels are divided by it.
        seed: Base of all seeds.
    """

    def __init__(
        self,
        network: nn.Module,
        optimizer: Callable[..., torch.optim.Optimizer],
        loss: Callable[[Tensor, Tensor], Tensor],
        *,
        input_dim: int,
        mos_scale: float,
        seed: int,
    ) -> None:
        super().__init__()
        self.network = network
        self.standardise = Standardise(input_dim)
        self.optimizer_factory = optimizer
        self.loss = loss
        self.register_buffer("mos_scale", torch.tensor(mos_scale))
        self.seed = seed
        self.history: list[dict[str, float]] = []
        self._sums: dict[str, Tensor] = {}
        self._count = 0
        self._validation: dict[str, tuple[float, float]] = {}

    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Scores on the MOS scale. features (B, T, D), lengths (B,) -> (B,)."""
        return self.network(self.standardise(features), lengths) * self.mos_scale

    def timeline(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Frame quality on the MOS scale, (B, T)."""
        return self.network.timeline(self.standardise(features), lengths) * self.mos_scale

    def configure_optimizers(self) -> torch.optim.Optimizer | list[torch.optim.Optimizer]:
        """The recipe's optimiser over the network."""
        return self.optimizer_factory(self.network.parameters())

    def on_train_epoch_start(self) -> None:
        """Begin the epoch's means."""
        self._sums, self._count = {}, 0

    def on_train_batch_start(self, batch: Batch, batch_index: int) -> None:
        """Seed the step; loaders draw random numbers too, so seeding the epoch is not enough."""
        step = (self.seed, self.current_epoch, batch_index, self.global_rank)
        torch.manual_seed(int(np.random.SeedSequence(step).generate_state(1, np.uint64)[0] >> 1))

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """The loss of one batch, on the normalised label scale."""
        features = self.standardise(batch["features"])
        loss = self.loss(self.network(features, batch["lengths"]), batch["mos"] / self.mos_scale)
        self.record(len(batch["ids"]), train_loss=loss)
        return loss

    def record(self, count: int, **values: Tensor) -> None:
        """Add a batch's values to the epoch's means."""
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, 0) + value.detach() * count
        self._count += count

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """Score a batch of the validation part."""
        scores = self(batch["features"], batch["lengths"]).float().tolist()
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
        self._epoch_values = {"val_srocc": srocc(mos, score), "val_mae": error}
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
