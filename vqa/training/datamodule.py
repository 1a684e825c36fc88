"""Loaders for the parts of a split, as a model's views show the videos."""

import hashlib
import os
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Literal, NamedTuple

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from vqa.databases.records import Database, VideoRecord
from vqa.protocols.splits import Split
from vqa.training.batches import Item, Rounds, Shares, Shuffled
from vqa.training.processes import world
from vqa.training.views import Views


class Sample(NamedTuple):
    """A video as a model's views show it; False if it does not count in its batch."""

    video: VideoRecord
    views: dict[str, Tensor]
    counts: bool


class ViewDataset(Dataset):
    """Videos as a model's views show them.

    What is random in training depends only on seed, epoch and video, whichever process loads it.

    Args:
        videos: The records.
        views: The model's views.
        seed: Base seed of the randomness in training.
    """

    def __init__(self, videos: Sequence[VideoRecord], views: Views, seed: int = 0) -> None:
        self.videos, self.views, self.seed = videos, views, seed

    def __len__(self) -> int:
        return len(self.videos)

    def __getitem__(self, item: Item | int) -> Sample:
        item = Item(item) if isinstance(item, int) else item  # Lightning has samplers of its own
        video, rng = self.videos[item.index], None
        if item.epoch is not None:
            rng = np.random.default_rng((self.seed, item.epoch, number_of(video.id)))
        return Sample(video, self.views(video, rng), item.counts)


class VQADataModule(pl.LightningDataModule):
    """Loaders of one split.

    The order of training videos depends only on seed and epoch, so a resumed run sees the same
    order as an uninterrupted one. Evaluation takes one video at a time by default, so no score
    depends on its neighbours, not even by rounding.

    Args:
        database: The rated videos.
        split: The train, val and test parts; None if only `loader` is used.
        views: The model's views of a video.
        batch_size: Videos per training step and process.
        eval_batch_size: Videos per forward pass in prediction.
        num_workers: Loading processes, each with one thread. Use 0 while features fit in memory;
            `auto` starts one per core that this process may use.
        seed: Seed of the training order.
        each_database: Take `batch_size` training videos of each of the combined databases.
    """

    def __init__(
        self,
        database: Database,
        split: Split | None,
        views: Views,
        *,
        batch_size: int = 16,
        eval_batch_size: int = 1,
        num_workers: int | Literal["auto"] = 0,
        seed: int = 0,
        each_database: bool = False,
    ) -> None:
        super().__init__()
        self.database, self.views, self.split = database, views, split
        self.batch_size, self.eval_batch_size = batch_size, eval_batch_size
        self.num_workers = _cores() if num_workers == "auto" else num_workers
        self.seed, self.each_database = seed, each_database
        self.train = database.select(split.train) if split else ()
        self.val = database.select(split.val) if split else ()
        self.test = database.select(split.test) if split else ()

    def train_dataloader(self) -> DataLoader:
        """Return shuffled batches; under DDP each process gets its share of every batch."""
        dataset = ViewDataset(self.train, self.views, self.seed)
        if not self.each_database:
            return self._loader(dataset, self.batch_size, Shuffled(len(dataset), self.seed))
        sources = [self.database.source(video) for video in self.train]
        batch_size = self.batch_size * len(set(sources))
        return self._loader(dataset, batch_size, Rounds(sources, self.seed))

    def val_dataloader(self) -> DataLoader | list:
        """Return the validation part in order, or nothing if the split has none."""
        return self._in_order(self.val, self.batch_size) if self.val else []

    def loader(self, videos: Sequence[VideoRecord]) -> DataLoader:
        """Return any videos in order, for prediction; under DDP the share of this process."""
        return self._in_order(videos, self.eval_batch_size)

    def _in_order(self, videos: Sequence[VideoRecord], batch_size: int) -> DataLoader:
        items = [Item(index) for index in range(len(videos))]
        return self._loader(ViewDataset(videos, self.views), batch_size, items)

    def _loader(self, dataset: Dataset, batch_size: int, items: Iterable[Item]) -> DataLoader:
        return DataLoader(
            dataset,
            batch_sampler=Shares(items, batch_size, *world()),
            num_workers=self.num_workers,
            collate_fn=partial(collate, self.views),
            persistent_workers=self.num_workers > 0,
            pin_memory=torch.cuda.is_available() and self.num_workers > 0,
        )


def collate(views: Views, samples: Sequence[Sample]) -> dict[str, Any]:
    """Collate a batch: `inputs` of the network by name, `mos` (n,), `ids` of n videos.

    A video that does not count is only in `inputs`.
    """
    records = [sample.video for sample in samples if sample.counts]
    return {
        "inputs": views.collate([sample.views for sample in samples]),
        "mos": torch.tensor([record.mos for record in records], dtype=torch.float32),
        "ids": [record.id for record in records],
    }


def number_of(video_id: str) -> int:
    """Return a number of 64 bits that stands for a video in seeds."""
    return int.from_bytes(
        hashlib.sha256(video_id.encode("utf-8", "surrogateescape")).digest()[:8], "little"
    )


def _cores() -> int:
    """Count the cores this process may use, up to 16; more decoders starve each other."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(16, usable or 1)
