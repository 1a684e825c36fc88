"""Features as a network takes them: each video is read, scaled and condensed once."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vqa.databases.records import VideoRecord
from vqa.progress import progress_bar
from vqa.training.views.feature_views import FeatureSequence, FeatureVector
from vqa.training.views.mapped import Sample, mapped_samples

log = logging.getLogger(__name__)

BAR_DELAY_S = 2.0
SOME = 16  # videos whose size stands for that of all


class PreparedFeatures:
    """A view of features in the form that a network takes.

    A sample has the network's inputs for one video: `features` (T, D) or (D,), and what `condense`
    puts beside them. It stays in memory while there is room, in half precision if that loses
    nothing. `gather` puts all videos in one place instead.

    Args:
        view: The view of features.
        scale: Scales features (..., D), on the CPU; None leaves them as they are.
        condense: Reduces the features (T, D) of a video to what the network reads; None keeps all.
            Equal ones do the same.
        takes_rows: The network takes a list of videos, see `vqa.models.frozen`.
        device: That the network runs on.
        dtype: That it computes in.
    """

    def __init__(
        self,
        view: FeatureSequence | FeatureVector,
        scale: nn.Module | None = None,
        condense: Callable[[Tensor], Sample] | None = None,
        takes_rows: bool = False,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.view, self.scale, self.condense = view, scale, condense
        self.takes_rows, self.device, self.dtype = takes_rows, torch.device(device), dtype
        self._samples: dict[str, Sample] = {}
        self._free_bytes = view.memory_bytes
        self._block: Tensor | None = None  # rows of all gathered videos, on the device
        self._gathered = False

    @property
    def is_random(self) -> bool:
        """Whether training may take a part of a video's frames."""
        return self.view.is_random

    def is_like(self, other: "PreparedFeatures") -> bool:
        """Return whether another one makes the same of the same view."""
        own, its = (
            (one.view, one.condense, one.takes_rows, one.device, one.dtype) for one in (self, other)
        )
        states = [one.scale.state_dict() if one.scale else {} for one in (self, other)]
        return (
            own == its
            and states[0].keys() == states[1].keys()
            and all(torch.equal(value, states[1][name]) for name, value in states[0].items())
        )

    def __call__(self, video: VideoRecord, rng: np.random.Generator | None = None) -> Sample:
        """Return the network's inputs for a video; in training perhaps of a random run of frames.

        Raises:
            FileNotFoundError: The features have not been extracted.
            ValueError: Several kinds of features cannot be joined.
            VideoError: A network would get features that are not finite.
        """
        sample = self._samples.get(video.id)
        if sample is None:
            sample = self.read(video)
            size = sum(tensor.nbytes for tensor in sample.values())
            if size <= self._free_bytes:
                self._free_bytes -= size
                self._samples[video.id] = sample
        if rng is None:
            return sample
        return {**sample, "features": self.view.cropped(sample["features"], rng)}

    def read(self, video: VideoRecord) -> Sample:
        """Read and prepare a video, whatever is kept of it."""
        # Features that are scaled are read again for each split, so the view keeps them.
        features = self.view.read(video) if self.scale is None else self.scale(self.view(video))
        features = features.to(self.dtype)
        sample = self.condense(features) if self.condense else {"features": features}
        rows = sample["features"]
        half = rows.half()
        kept = half if torch.equal(half.to(rows.dtype), rows) else rows
        return {**sample, "features": kept.contiguous()}

    def gather(self, videos: Sequence[VideoRecord]) -> None:
        """Put the features of a training in one place, before it begins.

        On a GPU, if the view's `device` is `cuda`, or `auto` and they fill at most half of its free
        memory. Otherwise they stay in memory, or in a mapped file if they need more than the view
        may keep and are the same for every split.

        Args:
            videos: All videos of the database, or of the split if features are scaled.
        """
        device, where = self.device, self.view.device
        if self._gathered or not videos:
            return
        self._gathered = True
        some = videos[:: -(-len(videos) // SOME)]
        sizes = [sum(tensor.nbytes for tensor in self(video).values()) for video in some]
        size = len(videos) * sum(sizes) // len(some)
        told = f"features: {size / 2**30:.2f} GB of {len(videos)} videos"
        if device.type == "cuda" and where != "cpu":
            free, _ = torch.cuda.mem_get_info(device)
            if where == "cuda" or size <= free / 2:
                log.info("%s, on %s", told, device)
                self._move(videos)
                return
            log.info("%s, in main memory; %s has %.1f GB free", told, device, free / 2**30)
        if size > self.view.memory_bytes and self.scale is None:
            found = mapped_samples(self.view, videos, self.read, repr(self.condense))
            if found is not None:
                self._samples = found

    def _move(self, videos: Sequence[VideoRecord]) -> None:
        """Put all samples on the device, their rows one after another."""
        moved: list[Sample] = []
        with progress_bar(len(videos), "load features", "video", delay=BAR_DELAY_S) as bar:
            for video in videos:
                sample = self._samples.pop(video.id, None) or self.read(video)
                moved.append({key: tensor.to(self.device) for key, tensor in sample.items()})
                bar.update()
        rows = [torch.atleast_2d(sample["features"]) for sample in moved]
        if len({row.dtype for row in rows}) > 1:
            rows = [row.to(self.dtype) for row in rows]
        self._block = torch.cat(rows)
        parts = self._block.split([len(row) for row in rows])
        is_vector = moved[0]["features"].ndim == 1
        for video, sample, part in zip(videos, moved, parts, strict=True):
            features = part[0] if is_vector else part
            self._samples[video.id] = {**sample, "features": features}

    def collate(self, name: str, samples: Sequence[Sample]) -> dict[str, Any]:
        """Return the inputs of a network: as the view's, or a list of videos for `features`."""
        features = [sample["features"] for sample in samples]
        beside = {
            key: torch.stack(_together([sample[key] for sample in samples], self.device))
            for key in samples[0]
            if key != "features"
        }
        is_sequence = isinstance(self.view, FeatureSequence)
        if is_sequence and self.takes_rows and self.device.type == "cpu":
            lengths = torch.tensor([len(one) for one in features])
            return {name: features, "lengths": lengths, **beside}
        if is_sequence and self._block is not None and all(map(self._is_gathered, features)):
            return {**_padded(self._block, name, features, self.dtype), **beside}
        whole = [one.to(self.dtype) for one in _together(features, self.device)]
        inputs = {**self.view.collate(name, whole), **beside}
        if self.device.type == "cuda":
            return {
                key: one.pin_memory() if one.device.type == "cpu" else one
                for key, one in inputs.items()
            }
        return inputs

    def _is_gathered(self, features: Tensor) -> bool:
        """Return whether a sample is a run of rows of the block."""
        own, block = features.untyped_storage(), self._block.untyped_storage()
        return own.data_ptr() == block.data_ptr()

    def times_s(self, video: VideoRecord) -> Tensor:
        """Return the times of the view's moments."""
        return self.view.times_s(video)


def _together(tensors: list[Tensor], device: torch.device) -> list[Tensor]:
    """Return tensors of one device: their own, or this one if they are of several."""
    if len({tensor.device for tensor in tensors}) == 1:
        return tensors
    return [tensor.to(device) for tensor in tensors]


def _padded(
    block: Tensor, name: str, runs: Sequence[Tensor], dtype: torch.dtype
) -> dict[str, Tensor]:
    """Pad runs of rows of a block (R, D) with zeros, in one operation on its device."""
    width = block.shape[1]
    starts = np.array([run.storage_offset() // width for run in runs])
    counts = np.array([len(run) for run in runs])
    step = np.arange(counts.max())
    index = starts[:, None] + np.minimum(step, counts[:, None] - 1)
    lengths = torch.from_numpy(counts).to(block.device, non_blocking=True)
    rows = block[torch.from_numpy(index).to(block.device, non_blocking=True)].to(dtype)
    ended = torch.arange(len(step), device=block.device) >= lengths[:, None]
    return {name: rows.masked_fill_(ended[..., None], 0), "lengths": lengths}
