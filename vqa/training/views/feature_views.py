"""Views of features: a sequence of frames, or one vector."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from vqa.databases.records import VideoRecord
from vqa.features.extraction.sources import Source
from vqa.video import VideoError


class _Cached:
    """A video's cached features in the form of `read`, kept in memory while there is room.

    Args:
        sources: Sources of the features, in the order in which they are joined.
        memory_gb: Videos stay in memory until they fill this much; 0 reads every time.
        device: Where the features of a training are kept, see `PreparedFeatures.gather`.

    Attributes:
        finite: Whether the view refuses features that are not finite.
        is_random: Whether training may take a part of a video's frames.
        memory_bytes: `memory_gb` in bytes.
    """

    finite: bool
    is_random = False

    def __init__(
        self, sources: Sequence[Source], memory_gb: float = 4.0, device: str = "auto"
    ) -> None:
        self.sources, self.device = tuple(sources), device
        self.memory_bytes = int(memory_gb * 2**30)
        self._kept: dict[str, Tensor] = {}
        self._free_bytes = self.memory_bytes

    def __call__(self, video: VideoRecord, rng: np.random.Generator | None = None) -> Tensor:
        """Return the features of a video in this view's form.

        Raises:
            FileNotFoundError: They have not been extracted.
            ValueError: Several kinds of features cannot be joined.
            VideoError: A network would get features that are not finite.
        """
        if video.id in self._kept:
            return self._kept[video.id]
        tensor = self.read(video)
        if tensor.nbytes <= self._free_bytes:
            self._free_bytes -= tensor.nbytes
            self._kept[video.id] = tensor
        return tensor

    def read(self, video: VideoRecord) -> Tensor:
        """Read the features of a video, whatever is kept of it."""
        raise NotImplementedError

    def cropped(self, features: Tensor, rng: np.random.Generator) -> Tensor:
        """Return what training takes of a video's features: all of them."""
        return features

    @property
    def cache_root(self) -> Path | None:
        """The folder of all caches; None if a source has no cache on disk."""
        roots = [source.cache_root for source in self.sources]
        return roots[0] if roots and None not in roots else None


class FeatureSequence(_Cached):
    """A video as a sequence of frame features (T, D), float32; several kinds joined along D.

    All values are finite: a video with undefined ones is refused.

    Args:
        sources: Sources of the features, in the order in which they are joined.
        memory_gb: Videos stay in memory until they fill this much; 0 reads every time.
        device: Where the features of a training are kept, see `PreparedFeatures.gather`.
        crop_length: Frames of a training sample, consecutive ones from a random start; None, or a
            shorter video, takes all. Evaluation always takes all.
    """

    finite = True

    def __init__(
        self,
        sources: Sequence[Source],
        memory_gb: float = 4.0,
        device: str = "auto",
        crop_length: int | None = None,
    ) -> None:
        super().__init__(sources, memory_gb, device)
        self.crop_length, self.is_random = crop_length, crop_length is not None

    def __call__(self, video: VideoRecord, rng: np.random.Generator | None = None) -> Tensor:
        """Return the features of a video, or in training a random run of its frames.

        Raises:
            FileNotFoundError: They have not been extracted.
            ValueError: Several kinds of features cannot be joined.
            VideoError: Features are not finite.
        """
        features = super().__call__(video)
        return features if rng is None else self.cropped(features, rng)

    def cropped(self, features: Tensor, rng: np.random.Generator) -> Tensor:
        """Return what training takes of a video's features (T, D): a random run of frames."""
        if self.crop_length is None or len(features) <= self.crop_length:
            return features
        start = int(rng.integers(len(features) - self.crop_length + 1))
        return features[start : start + self.crop_length]

    def read(self, video: VideoRecord) -> Tensor:
        """Read the features of a video, whatever is kept of it."""
        parts = [source.load(video).features for source in self.sources]
        if len({len(part) for part in parts}) > 1:
            raise ValueError(
                f"{video.id}: features of {[len(part) for part in parts]} frames cannot be joined "
                "frame by frame; use the same frames for all kinds, or a model of vectors"
            )
        features = torch.cat(parts, 1).float()
        if undefined := int((~torch.isfinite(features)).sum()):
            names = ", ".join(source.name for source in self.sources)
            raise VideoError(
                video.path,
                f"{undefined} of {features.numel()} features of {names} are not finite numbers, "
                "which a network needs; use model=svr, which replaces them, or other features",
            )
        return features

    def collate(self, name: str, samples: Sequence[Tensor]) -> dict[str, Tensor]:
        """`<name>` (B, T, D) padded with zeros, `lengths` (B,)."""
        lengths = torch.tensor([len(sample) for sample in samples])
        return {name: pad_sequence(list(samples), batch_first=True), "lengths": lengths}

    def times_s(self, video: VideoRecord) -> Tensor:
        """Return the presentation times of the frames, (T,)."""
        return self.sources[0].load(video).times_s


class FeatureVector(_Cached):
    """A video as one vector (D,): the mean of its features over time, several kinds concatenated.

    Undefined numbers (NaN) are ignored; if all are undefined, the mean is NaN too. The type is that
    of the features.
    """

    finite = False

    def read(self, video: VideoRecord) -> Tensor:
        """Read the features of a video and average them, whatever is kept of it."""
        rows = [source.load(video).features for source in self.sources]
        return torch.cat([row.double().nanmean(0).to(row.dtype) for row in rows])

    def collate(self, name: str, samples: Sequence[Tensor]) -> dict[str, Tensor]:
        """`<name>` (B, D)."""
        return {name: torch.stack(list(samples))}

    def times_s(self, video: VideoRecord) -> Tensor:
        """Return the mean time of the frames, (1,)."""
        return self.sources[0].load(video).times_s.double().mean(0, keepdim=True)

    def rows(self, video: VideoRecord) -> Tensor | None:
        """Return the features of each moment (T, D).

        None if there is only one moment, or kinds of features describe different ones.
        """
        parts = [source.load(video).features for source in self.sources]
        if len({len(part) for part in parts}) > 1 or len(parts[0]) < 2:
            return None
        return torch.cat(parts, 1)

    def row_times_s(self, video: VideoRecord) -> Tensor:
        """Return the times of the moments, (T,)."""
        return self.sources[0].load(video).times_s.double()
