"""Batches: which videos a process gets at each step."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from torch.utils.data import BatchSampler, DistributedSampler


class Item(NamedTuple):
    """One place in a batch.

    Attributes:
        index: Of the video in its part.
        epoch: Of training; None in evaluation, where nothing is random.
        counts: False for a video that fills a process's batch when there are too few; see `Shares`.
    """

    index: int
    epoch: int | None = None
    counts: bool = True


class Shuffled(DistributedSampler):
    """The items of an epoch in random order; Lightning sets the epoch.

    Args:
        videos: Number of videos.
        seed: Seed of the order.
    """

    def __init__(self, videos: int, seed: int) -> None:
        super().__init__(range(videos), num_replicas=1, rank=0, shuffle=True, seed=seed)

    def __iter__(self) -> Iterator[Item]:
        return (Item(index, self.epoch) for index in super().__iter__())


class Shares(BatchSampler):
    """One process's share of each batch: a run of consecutive items.

    The processes together see the batches that one process would see. If a batch has fewer videos
    than there are processes, some get a video that does not count, because all of them have to take
    part in every step.

    Args:
        items: All items, in order.
        batch_size: Videos per step and process.
        processes: Number of processes.
        rank: This process.
    """

    def __init__(
        self, items: Iterable[Item], batch_size: int, processes: int = 1, rank: int = 0
    ) -> None:
        super().__init__(items, batch_size * processes, drop_last=False)
        self.processes, self.rank = processes, rank

    def __iter__(self) -> Iterator[list[Item]]:
        for batch in super().__iter__():
            start, end = (
                place * len(batch) // self.processes for place in (self.rank, self.rank + 1)
            )
            yield batch[start:end] or [batch[0]._replace(counts=False)]
