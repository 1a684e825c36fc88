"""Fragment clips that are cut once and kept, for trainings that decoders do not keep up with."""

import fcntl
import hashlib
import json
import logging
import math
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from vqa import __version__
from vqa.databases.records import VideoRecord
from vqa.progress import progress_bar
from vqa.training.draws import number_of, rng_of
from vqa.training.views.fragment_clips import FragmentClips
from vqa.training.views.packs import Line, Writer, lines, read

log = logging.getLogger(__name__)

EVALUATION = "evaluation"
Wanted = list[tuple[VideoRecord, list[str]]]


class Place(NamedTuple):
    """Where a clip is: a line of a pack, and its place there."""

    line: Line
    place: int


class StoredClips:
    """A view of fragments that reads clips from a store, and those that it lacks from the videos.

    A clip of training is draw k of a video: what the view gives with the generator of epoch k. A
    training with a store of K draws takes draw e mod K in epoch e, so its first K epochs are those
    of a training without one, bit for bit. A clip whose bytes changed is read from its video.

    Args:
        view: The view.
        folder: Of all stores; that of this view and seed is in it.
        sources: Identity of each video's file, by id; a clip of another file does not count.
        draws: K.
        seed: Of the training.

    Attributes:
        folder: Of this store.
    """

    is_random = True

    def __init__(
        self,
        view: FragmentClips,
        folder: Path,
        sources: Mapping[str, str],
        draws: int,
        seed: int,
    ) -> None:
        self.view, self.sources, self.draws, self.seed = view, sources, draws, seed
        settings = {name: value for name, value in vars(view).items() if name[0] != "_"}
        text = json.dumps([__version__, settings, seed], sort_keys=True)
        self.folder = folder / hashlib.sha256(text.encode()).hexdigest()[:16]
        self._places: dict[str, dict[str, Place]] = {}
        self._warned = False

    def __call__(self, video: VideoRecord, rng: np.random.Generator | None = None) -> Tensor:
        """Return the clips of a video (K, T, S, S, 3), uint8 RGB, as the view does.

        Raises:
            VideoError: The store does not have them, and the file cannot be read.
        """
        found = self._places.get(video.id, {}).get(self._name(video, rng))
        if found is not None:
            data = read(*found)
            if data is not None:
                return torch.from_numpy(data).view(self.view.shape(rng is not None))
            if not self._warned:
                log.warning(
                    "%s is not what was written (%s); such clips are read from their videos",
                    found.line.pack, video.id,
                )  # fmt: skip
                self._warned = True
        return self.view(video, rng)

    def collate(self, name: str, samples: Sequence[Tensor]) -> dict[str, Tensor]:
        """Collate as the view does."""
        return self.view.collate(name, samples)

    def times_s(self, video: VideoRecord) -> Tensor:
        """Return the times of the view."""
        return self.view.times_s(video)

    def fill(
        self, train: Sequence[VideoRecord], val: Sequence[VideoRecord], workers: int = 0
    ) -> None:
        """Cut the clips that are missing: the draws of a training part, the others of a validation.

        Processes that need the same store fill it once: the others wait. What a start that was
        interrupted has cut is used. A video that cannot be read is left to the training.

        Args:
            train: The training part.
            val: The validation part.
            workers: Processes that decode; 0 decodes in this one.

        Raises:
            ValueError: The disk lacks room.
            OSError: A clip cannot be written.
        """
        draws = [str(draw) for draw in range(self.draws)]
        wanted: Wanted = [(video, draws) for video in train]
        wanted += [(video, [EVALUATION]) for video in val]
        if not wanted:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with _alone(self.folder / "lock"):
            self._read_index()
            missing = self._missing(wanted)
            self._check_room(wanted, missing, len(train), len(val))
            if missing:
                self._cut(missing, workers)
                self._read_index()

    def _name(self, video: VideoRecord, rng: np.random.Generator | None) -> str:
        """Return the name of a clip by the seed of its generator; empty for any other."""
        if rng is None:
            return EVALUATION
        seeds = getattr(rng.bit_generator.seed_seq, "entropy", None)
        if not isinstance(seeds, tuple) or len(seeds) != 3:
            return ""
        return str(seeds[1]) if seeds == (self.seed, seeds[1], number_of(video.id)) else ""

    def _read_index(self) -> None:
        self._places = {}
        sizes = {name == EVALUATION: self._bytes(name) for name in ("0", EVALUATION)}
        for line in lines(self.folder):
            if self.sources.get(line.video) != line.source:
                continue
            known = self._places.setdefault(line.video, {})
            for place, name in enumerate(line.names):
                if line.sizes[place] == sizes[name == EVALUATION]:
                    known[name] = Place(line, place)

    def _missing(self, wanted: Wanted) -> Wanted:
        left = []
        for video, names in wanted:
            known = self._places.get(video.id, {})
            if absent := [name for name in names if name not in known]:
                left.append((video, absent))
        return left

    def _bytes(self, name: str) -> int:
        return math.prod(self.view.shape(name != EVALUATION))

    def _check_room(self, wanted: Wanted, missing: Wanted, train: int, val: int) -> None:
        """Say how large the store is, and refuse if the disk lacks room for what is missing."""
        total, left = (
            sum(self._bytes(name) for _, names in part for name in names)
            for part in (wanted, missing)
        )
        free = shutil.disk_usage(self.folder).free
        log.info(
            "fragment store %s: %d draws of %s videos, evaluation clips of %s: %s, %s to be cut; "
            "%s are free",
            self.folder, self.draws, f"{train:,}", f"{val:,}", *map(_size, (total, left, free)),
        )  # fmt: skip
        if left > free:
            raise ValueError(
                f"loader.store={self.draws}: expected {_size(left)} free in {self.folder}, found "
                f"{_size(free)}; set paths.cache to a larger disk, or fewer draws"
            )

    def _cut(self, missing: Wanted, workers: int) -> None:
        """Cut clips in processes that write to packs of their own."""
        loader = DataLoader(
            _Cutting(self, missing),
            batch_size=None,
            num_workers=min(workers, len(missing)),
            collate_fn=_unchanged,
        )
        failed = []
        with progress_bar(len(missing), "cut fragments", "video") as bar:
            for video_id, cause in loader:
                failed += [f"{video_id}: {cause}"] if cause else []
                bar.update()
        if failed:
            log.warning("%d of %d videos were not cut; %s", len(failed), len(missing), failed[0])


class _Cutting(Dataset):
    """Cuts the missing clips of videos; an item is the id of a video, and why it was not cut."""

    def __init__(self, store: StoredClips, missing: Wanted) -> None:
        self.store, self.missing = store, missing
        self.writer = Writer(store.folder)  # opens its pack in the process that writes

    def __len__(self) -> int:
        return len(self.missing)

    def __getitem__(self, index: int) -> tuple[str, str]:
        store, (video, names) = self.store, self.missing[index]
        rngs = [
            None if name == EVALUATION else rng_of(store.seed, int(name), video.id)
            for name in names
        ]
        try:
            clips = store.view.several(video, rngs)
        except (OSError, RuntimeError, ValueError) as error:
            return video.id, " ".join(str(error).split())
        arrays = {name: clip.numpy() for name, clip in zip(names, clips, strict=True)}
        self.writer.add(video.id, store.sources[video.id], arrays)
        return video.id, ""


def _unchanged(item: tuple[str, str]) -> tuple[str, str]:
    return item


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Wait until no other process is in the block; a file system without locks lets all in."""
    with path.open("w", encoding="utf-8") as lock:
        with suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX)  # ends with the process
        yield


def _size(count: int) -> str:
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.1f} MB"
