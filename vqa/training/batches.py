"""Batches: which videos a process gets at each step."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
from torch.utils.data import BatchSampler, DistributedSampler, Sampler


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


class Rounds(Sampler[Item]):
    """The items of an epoch in rounds of one video of each database; Lightning sets the epoch.

    Each database's videos come in random order. Those of the largest come once, those of a smaller
    one again until the largest is through.

    Args:
        sources: Name of the database of each video.
        seed: Seed of the order.
    """

    def __init__(self, sources: Sequence[str], seed: int) -> None:
        self.databases = [
            [place for place, source in enumerate(sources) if source == name]
            for name in dict.fromkeys(sources)
        ]
        self.rounds = max(map(len, self.databases))
        self.seed, self.epoch = seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch, which the order depends on."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.rounds * len(self.databases)

    def __iter__(self) -> Iterator[Item]:
        drawn = np.random.default_rng((self.seed, self.epoch))
        orders = []
        for places in self.databases:
            repeats = -(-self.rounds // len(places))
            order = np.concatenate([drawn.permutation(places) for _ in range(repeats)])
            orders.append(order[: self.rounds])
        return (Item(int(place), self.epoch) for place in np.stack(orders, 1).flat)


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

    Attributes:
        start: Batches that the next pass leaves out, because an earlier start has trained on them.
    """

    def __init__(
        self, items: Iterable[Item], batch_size: int, processes: int = 1, rank: int = 0
    ) -> None:
        super().__init__(items, batch_size * processes, drop_last=False)
        self.processes, self.rank = processes, rank
        self.start = 0

    def __iter__(self) -> Iterator[list[Item]]:
        start, self.start = self.start, 0
        for batch in islice(super().__iter__(), start, None):
            first, end = (
                place * len(batch) // self.processes for place in (self.rank, self.rank + 1)
            )
            yield batch[first:end] or [batch[0]._replace(counts=False)]
