"""MDTVSFA's training: three losses for each database, on labels that keep their scales.

The loss of a database is

    rank_loss(relative, y) + linearity_loss(mapped, y) + loss(aligned, y) / range

with its training MOS y and their range. The losses L of the databases in a batch are combined as
sum of e^L L over the sum of e^L. The line of each database starts at the range and the minimum of
its training MOS. Source: the release of Li, Jiang and Jiang, IJCV 2021, which takes range and
minimum from whole databases, test parts included.
"""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from vqa.evaluation.metrics import srocc
from vqa.evaluation.metrics.checks import MIN_VIDEOS
from vqa.models.losses import emphasised_mean, linearity_loss, rank_loss
from vqa.models.mdtvsfa import MDTVSFA
from vqa.training.learners.module import Batch, ScoreModule
from vqa.training.processes import gathered, world


class MixedDatabasesModule(ScoreModule):
    """A `ScoreModule` for MDTVSFA: its scores are mapped ones, in [0, 1], and its labels plain MOS.

    Args:
        **options: As for `ScoreModule`; `loss` compares aligned scores and MOS.
    """

    network: MDTVSFA
    ranges: Tensor

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **(options | {"mos_scale": 1.0}))

    def setup(self, stage: str) -> None:
        """Note the database of each video; start the lines. A checkpoint is restored after it.

        Raises:
            ValueError: The network lacks the line of a database, or has one without videos.
        """
        data = self.trainer.datamodule
        self.sources = {video.id: data.database.source(video) for video in [*data.train, *data.val]}
        mos: dict[str, list[float]] = {}
        for video in data.train:
            mos.setdefault(self.sources[video.id], []).append(video.mos)
        databases = self.network.databases
        if set(mos) != set(databases):
            raise ValueError(
                f"model.network.databases={list(databases)}: expected the databases of the "
                f"training part, found {', '.join(mos)}; name these"
            )
        lows = torch.tensor([min(mos[name]) for name in databases])
        ranges = torch.tensor([(max(mos[name]) - min(mos[name])) or 1.0 for name in databases])
        self.register_buffer("ranges", ranges.to(self.network.slope), persistent=False)
        with torch.no_grad():
            self.network.slope.copy_(ranges)
            self.network.intercept.copy_(lows)

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """Compute the loss of the whole batch."""
        output = self.network.assess(**batch["inputs"])
        relative, mapped, aligned, target = self.of_all(
            batch, output.relative, output.mapped, output.aligned
        )
        own = [self.network.databases.index(self.sources[video]) for video in batch["ids"]]
        places = gathered(torch.tensor(own, dtype=torch.long, device=target.device))
        # Read from the device only if other processes know what is there.
        present = sorted(set(own)) if world()[0] == 1 else places.unique().tolist()
        rows = []
        for place in present:
            part = places == place
            error = self.loss(aligned[part, place], target[part]) / self.ranges[place]
            order = rank_loss(relative[part], target[part])
            rows.append(torch.stack([order, linearity_loss(mapped[part], target[part]), error]))
        parts = torch.stack(rows)
        loss = emphasised_mean(parts.sum(1))
        order, line, error = parts.mean(0)
        self.record(
            len(target), train_loss=loss, order_loss=order, linearity_loss=line, error_loss=error
        )
        return loss

    def validation_srocc(self, rows: Mapping[str, tuple[float, float]]) -> float:
        """Return the mean SROCC of the databases for which it is defined."""
        parts: dict[str, list[tuple[float, float]]] = {}
        for video, row in rows.items():
            parts.setdefault(self.sources[video], []).append(row)
        enough = [part for part in parts.values() if len(part) >= MIN_VIDEOS]
        found = [srocc(*zip(*part, strict=True)) for part in enough]
        defined = [value for value in found if not math.isnan(value)]
        return sum(defined) / len(defined) if defined else math.nan
