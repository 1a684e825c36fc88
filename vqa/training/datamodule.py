"""Loaders for the parts of a split, as a model's views show the videos."""

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Literal, NamedTuple

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from vqa.cores import own_cores
from vqa.databases.records import Database, VideoRecord
from vqa.protocols.splits import Split
from vqa.training.batches import Item, Rounds, Shares, Shuffled
from vqa.training.draws import rng_of
from vqa.training.processes import world
from vqa.training.views import PreparedFeatures, StoredClips, Views

BATCH_BYTES = 2**28  # of a batch in prediction
AHEAD = 8  # batches that are sorted by length together


class Sample(NamedTuple):
    """A video as a model's views show it; False if it does not count in its batch."""

    video: VideoRecord
    views: dict[str, Any]
    counts: bool


class ViewDataset(Dataset):
    """Videos as the views of a model show them.

    What is random in training depends only on seed, epoch and video, whichever process loads it.

    Args:
        videos: The records.
        views: The model's views.
        seed: Base seed of the randomness in training.
        draws: Epochs until the draws of training repeat; 0 for never.
    """

    def __init__(
        self, videos: Sequence[VideoRecord], views: Views, seed: int = 0, draws: int = 0
    ) -> None:
        self.videos, self.views, self.seed, self.draws = videos, views, seed, draws

    def __len__(self) -> int:
        return len(self.videos)

    def __getitem__(self, item: Item | int) -> Sample:
        item = Item(item) if isinstance(item, int) else item  # Lightning has samplers of its own
        video, rng = self.videos[item.index], None
        if item.epoch is not None and self.views.is_random:
            epoch = item.epoch % self.draws if self.draws else item.epoch
            rng = rng_of(self.seed, epoch, video.id)
        return Sample(video, self.views(video, rng), item.counts)


class Loader(DataLoader):
    """Batches of `Shares`; an epoch of training can resume after some of them.

    Attributes:
        done: Batches of this epoch that were trained on, as its checkpoint says.
        skipped: Batches that the first epoch left out.
    """

    done = skipped = 0

    def state_dict(self) -> dict[str, int]:
        """Return the place in the epoch, for Lightning's checkpoint."""
        return {"done": self.done}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Begin the next pass after the batches that were trained on."""
        self.skipped = self.batch_sampler.start = state["done"]


class VQADataModule(pl.LightningDataModule):
    """Loaders of one split.

    The order of training videos depends only on seed and epoch, so a resumed run sees the same
    order as an uninterrupted one. Features come as a network takes them, see `prepare`.

    Args:
        database: The rated videos.
        split: The train, val and test parts; None if only `batches` is used.
        views: The model's views of a video.
        batch_size: Videos per training step and process.
        eval_batch_size: Most videos per forward pass in prediction.
        num_workers: Processes that read files, each with one thread; `auto` starts one per core
            that this process may use, see `usable_cores`. Features are read without them.
        seed: Seed of the training order.
        each_database: Take `batch_size` training videos of each of the combined databases.
        processes: Processes of this training on this machine, which share its cores.
    """

    def __init__(
        self,
        database: Database,
        split: Split | None,
        views: Views,
        *,
        batch_size: int = 16,
        eval_batch_size: int = 32,
        num_workers: int | Literal["auto"] = 0,
        seed: int = 0,
        each_database: bool = False,
        processes: int = 1,
    ) -> None:
        super().__init__()
        self.database, self.views, self.split = database, views, split
        self.batch_size, self.eval_batch_size = batch_size, eval_batch_size
        self.reads_files = any(name != "features" for name in views.views)
        self.processes = processes
        self.num_workers = usable_cores(processes) if num_workers == "auto" else num_workers
        if not self.reads_files:
            self.num_workers = 0  # what is in memory needs no other process
        stored = [view for view in views.views.values() if isinstance(view, StoredClips)]
        self.draws = stored[0].draws if stored else 0
        self.prepared = views
        self.device = torch.device("cpu")
        self.seed, self.each_database = seed, each_database
        self.train = database.select(split.train) if split else ()
        self.val = database.select(split.val) if split else ()
        self.test = database.select(split.test) if split else ()

    def prepare(self, device: torch.device, **how: Any) -> None:
        """Let the loaders give features as a network on a device takes them.

        Args:
            device: Of the network.
            **how: Further arguments of `PreparedFeatures`.
        """
        self.prepared, self.device = self.views.prepared(device=device, **how), device

    def gather(self) -> None:
        """Put the features of the training in one place, before it begins, and cut fragments."""
        for view in self.views.views.values():
            if isinstance(view, StoredClips):
                view.fill(self.train, self.val, self.num_workers)
        features = self.prepared.views.get("features")
        if isinstance(features, PreparedFeatures) and not self.reads_files:
            is_of_split = features.scale is not None
            features.gather([*self.train, *self.val] if is_of_split else self.database.videos)

    def train_dataloader(self) -> Loader:
        """Return shuffled batches; under DDP each process gets its share of every batch."""
        dataset = ViewDataset(self.train, self.prepared, self.seed, self.draws)
        items: Shuffled | Rounds = Shuffled(len(dataset), self.seed)
        batch_size = self.batch_size
        if self.each_database:
            sources = [self.database.source(video) for video in self.train]
            items = Rounds(sources, self.seed)
            batch_size *= len(set(sources))
        if self.trainer is not None:  # Lightning sets the epoch after processes have read ahead
            items.set_epoch(self.trainer.fit_loop.epoch_progress.current.processed)
        return self._loader(dataset, batch_size, items)

    def val_dataloader(self) -> DataLoader | list:
        """Return the validation part in order, or nothing if the split has none."""
        return self._in_order(self.val, self.batch_size) if self.val else []

    def batches(self, videos: Sequence[VideoRecord]) -> Iterator[dict[str, Any]]:
        """Yield any videos for prediction; under DDP the share of this process.

        Videos of like length share a batch, so that little of it is padding. A batch has at most
        `eval_batch_size` videos and, unless it is one video, `BATCH_BYTES`.
        """
        processes, rank = world()
        own = [Item(index) for index in range(rank, len(videos), processes)]
        loader = DataLoader(
            ViewDataset(videos, self.prepared),
            sampler=own,
            batch_size=None,
            num_workers=self.num_workers,
            collate_fn=_unchanged,
        )
        ahead: list[Sample] = []
        held = 0
        for sample in loader:
            ahead.append(sample)
            held += _size([sample])
            if held > BATCH_BYTES or len(ahead) == AHEAD * self.eval_batch_size:
                yield from self._in_batches(ahead)
                ahead, held = [], 0
        yield from self._in_batches(ahead)

    def _in_batches(self, samples: list[Sample]) -> Iterator[dict[str, Any]]:
        """Sort samples by length, and collate them."""
        rows = sorted(samples, key=_length)
        while rows:
            count = min(len(rows), self.eval_batch_size)
            while count > 1 and count * _size(rows[:count]) > BATCH_BYTES:
                count = (count + 1) // 2
            yield collate(self.prepared, rows[:count])
            rows = rows[count:]

    def _in_order(self, videos: Sequence[VideoRecord], batch_size: int) -> DataLoader:
        items = [Item(index) for index in range(len(videos))]
        return self._loader(ViewDataset(videos, self.prepared), batch_size, items)

    def _loader(self, dataset: Dataset, batch_size: int, items: Iterable[Item]) -> Loader:
        return Loader(
            dataset,
            batch_sampler=Shares(items, batch_size, *world()),
            num_workers=self.num_workers,
            collate_fn=partial(collate, self.prepared),
            persistent_workers=self.num_workers > 0,
            pin_memory=self.device.type == "cuda" and self.reads_files,
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


def _unchanged(sample: Sample) -> Sample:
    return sample


def _size(samples: Sequence[Sample]) -> int:
    """Return the bytes of the largest sample."""
    return max(sum(one.nbytes for one in _tensors(sample)) for sample in samples)


def _length(sample: Sample) -> int:
    """Return the number of values of a sample, which grows with the length of a sequence."""
    return sum(one.numel() for one in _tensors(sample))


def _tensors(sample: Sample) -> list[Tensor]:
    views = sample.views.values()
    return [one for view in views for one in (view.values() if isinstance(view, dict) else [view])]


def usable_cores(processes: int = 1) -> int:
    """Count the cores this process may use, up to 16; more decoders starve each other.

    Args:
        processes: Trainings on this machine that share the cores. SLURM gives each its own.
    """
    usable = own_cores()
    given = os.environ.get("SLURM_CPUS_PER_TASK", "")
    share = min(int(given), usable) if given.isdigit() else usable // processes
    return max(1, min(16, share))
