"""A split and a view become loaders."""

from collections.abc import Callable, Sequence

import pytorch_lightning as pl
import torch.distributed
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, DistributedSampler, SequentialSampler, Subset

from vqa.records import Database, VideoRecord
from vqa.splits import Split
from vqa.views import collate

View = Callable[[VideoRecord], Tensor]


class ViewDataset(Dataset):
    """Records seen through a view."""

    def __init__(self, videos: Sequence[VideoRecord], view: View) -> None:
        self.videos = videos
        self.view = view

    def __len__(self) -> int:
        return len(self.videos)

    def __getitem__(self, index: int) -> tuple[VideoRecord, Tensor]:
        video = self.videos[index]
        return video, self.view(video)


class VQADataModule(pl.LightningDataModule):
    """Loaders of one split.

    The order of training videos depends on seed and epoch alone, so a resumed run sees the order of
    an undisturbed one. Evaluation takes one video at a time by default: then no score depends on
    its neighbours, not even by a rounding.

    Args:
        database: The rated videos.
        split: Which of them train, validate and test; None where only `loader` is used.
        view: What the model sees of a video.
        batch_size: Videos a training step, per process.
        eval_batch_size: Videos a forward pass in prediction.
        num_workers: Loading processes; 0 is right while features fit in memory.
        seed: Seed of the training order.
    """

    def __init__(
        self,
        database: Database,
        split: Split | None,
        view: View,
        *,
        batch_size: int = 16,
        eval_batch_size: int = 1,
        num_workers: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.view = view
        self.batch_size, self.eval_batch_size = batch_size, eval_batch_size
        self.num_workers, self.seed = num_workers, seed
        self.train = database.select(split.train) if split else ()
        self.val = database.select(split.val) if split else ()
        self.test = database.select(split.test) if split else ()

    def train_dataloader(self) -> DataLoader:
        """Shuffled batches; under DDP each process gets its share of every epoch."""
        replicas, rank = _world()
        dataset = ViewDataset(self.train, self.view)
        sampler = DistributedSampler(dataset, replicas, rank, shuffle=True, seed=self.seed)
        return self._loader(dataset, self.batch_size, sampler)

    def val_dataloader(self) -> DataLoader | list:
        """The validation part in order, or nothing where the split has none."""
        return self._share(self.val, self.batch_size) if self.val else []

    def loader(self, videos: Sequence[VideoRecord]) -> DataLoader:
        """Any videos in order, for prediction; under DDP this process's share of them."""
        return self._share(videos, self.eval_batch_size)

    def _share(self, videos: Sequence[VideoRecord], batch_size: int) -> DataLoader:
        # Shares are uneven rather than padded: a repeated video would count twice in a metric.
        replicas, rank = _world()
        dataset = ViewDataset(videos, self.view)
        share = Subset(dataset, range(rank, len(dataset), replicas))
        return self._loader(share, batch_size, SequentialSampler(share))

    def _loader(self, dataset: Dataset, batch_size: int, sampler: object) -> DataLoader:
        return DataLoader(
            dataset,
            batch_size,
            sampler=sampler,
            num_workers=self.num_workers,
            collate_fn=collate,
            persistent_workers=self.num_workers > 0,
        )


def _world() -> tuple[int, int]:
    """Number of processes and this one's rank."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_world_size(), torch.distributed.get_rank()
    return 1, 0
