"""Views of features: a sequence of frames, or one vector."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from vqa.cache import FeatureCache
from vqa.records import VideoRecord


class _Kept:
    """Tensors that stay in memory until they fill it."""

    def __init__(self, memory_gb: float) -> None:
        self._tensors: dict[str, Tensor] = {}
        self._free_bytes = int(memory_gb * 2**30)

    def get(self, name: str, make: Callable[[], Tensor]) -> Tensor:
        """The tensor of this name, made if it is not kept."""
        if name in self._tensors:
            return self._tensors[name]
        tensor = make()
        if tensor.nbytes <= self._free_bytes:
            self._free_bytes -= tensor.nbytes
            self._tensors[name] = tensor
        return tensor


class FeatureSequence:
    """A video as its sequence of cached frame features (T, D), float32.

    Args:
        caches: Where the features lie; several are joined along D, frame by frame.
        memory_gb: Sequences stay in memory until they fill this much; 0 reads each time.
        device: Where they are kept and handed out; `cuda` spares the transfer of each batch, and
            means the main memory where there is no GPU.
    """

    def __init__(
        self, caches: Sequence[FeatureCache], memory_gb: float = 4.0, device: str = "cpu"
    ) -> None:
        self.caches = tuple(caches)
        self.device = device if torch.cuda.is_available() else "cpu"
        self._kept = _Kept(memory_gb)

    def __call__(self, video: VideoRecord, rng: np.random.Generator | None = None) -> Tensor:
        """The features of a video, (T, D).

        Raises:
            FileNotFoundError: They have not been extracted.
            ValueError: Several kinds of features describe different numbers of frames.
        """
        return self._kept.get(video.id, lambda: self._load(video))

    def _load(self, video: VideoRecord) -> Tensor:
        parts = [cache.load(video.id).features for cache in self.caches]
        if len({len(part) for part in parts}) > 1:
            raise ValueError(
                f"{video.id}: features of {[len(part) for part in parts]} frames cannot be joined "
                "frame by frame; take the same frames for all of them, or a model of vectors"
            )
        return torch.cat(parts, 1).to(self.device, torch.float32)

    def collate(self, name: str, samples: Sequence[Tensor]) -> dict[str, Tensor]:
        """`<name>` (B, T, D) padded with zeros, `lengths` (B,)."""
        lengths = torch.tensor([len(sample) for sample in samples])
        return {name: pad_sequence(list(samples), batch_first=True), "lengths": lengths}

    def times_s(self, video: VideoRecord) -> Tensor:
        """Presentation times of the described frames, (T,)."""
        return self.caches[0].load(video.id).times_s


class FeatureVector:
    """A video as one vector (D,): its features' mean over time, several kinds one after the other.

    Numbers that are not defined (NaN) do not count; where none is, the mean is NaN too. The type is
    that of the features.

    Args:
        caches: Where the features lie, in the order of the vector.
        memory_gb: Vectors stay in memory until they fill this much; 0 reads each time.
        device: As for `FeatureSequence`.
    """

    def __init__(
        self, caches: Sequence[FeatureCache], memory_gb: float = 4.0, device: str = "cpu"
    ) -> None:
        self.caches = tuple(caches)
        self.device = device if torch.cuda.is_available() else "cpu"
        self._kept = _Kept(memory_gb)

    def __call__(self, video: VideoRecord, rng: np.random.Generator | None = None) -> Tensor:
        """The vector of a video, (D,).

        Raises:
            FileNotFoundError: Its features have not been extracted.
        """
        return self._kept.get(video.id, lambda: self._load(video))

    def _load(self, video: VideoRecord) -> Tensor:
        rows = [cache.load(video.id).features for cache in self.caches]
        return torch.cat([row.double().nanmean(0).to(row.dtype) for row in rows]).to(self.device)

    def collate(self, name: str, samples: Sequence[Tensor]) -> dict[str, Tensor]:
        """`<name>` (B, D)."""
        return {name: torch.stack(list(samples))}

    def times_s(self, video: VideoRecord) -> Tensor:
        """Mean time of what was described, (1,)."""
        return self.caches[0].load(video.id).times_s.double().mean(0, keepdim=True)
