"""Views: what one video looks like to a model.

A view turns a record into a tensor and the tensors of a batch into the inputs of a network. The
names under which a model lists its views are the keyword names of its network's inputs.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from vqa.cache import FeatureCache
from vqa.fragments import GRID_SIZE, PATCH_SIZE, gather, plan
from vqa.pipeline import raw_format
from vqa.records import VideoRecord
from vqa.sampling import clip_indices, time_fragment_indices
from vqa.video import VideoInfo, probe, stream_frames

EVALUATION_SEED = 0


class View(Protocol):
    """One way to look at a video."""

    def __call__(self, video: VideoRecord, rng: np.random.Generator | None = None) -> Tensor:
        """What the model sees.

        Args:
            video: Where it is.
            rng: Draws what is random in training; None for evaluation, which always sees the same.
        """
        ...

    def collate(self, name: str, samples: Sequence[Tensor]) -> dict[str, Tensor]:
        """A batch of samples as network inputs, under the view's name and any that belong to it."""
        ...

    def times_s(self, video: VideoRecord) -> Tensor:
        """Presentation times of what a network's timeline has one value each for."""
        ...


class Views:
    """All views of a model, by name."""

    def __init__(self, views: Mapping[str, View]) -> None:
        self.views = dict(views)

    def __call__(
        self, video: VideoRecord, rng: np.random.Generator | None = None
    ) -> dict[str, Tensor]:
        """One sample of every view."""
        return {name: view(video, rng) for name, view in self.views.items()}

    def collate(self, samples: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
        """Samples of several videos as the inputs of a network."""
        inputs: dict[str, Tensor] = {}
        for name, view in self.views.items():
            inputs |= view.collate(name, [sample[name] for sample in samples])
        return inputs

    def alone(self, video: VideoRecord) -> dict[str, Tensor]:
        """The inputs of a batch that holds one video, as evaluation sees it."""
        return self.collate([self(video)])

    def times_s(self, video: VideoRecord) -> Tensor:
        """Times of what a timeline has values for: by the last view, so of clips before frames."""
        return list(self.views.values())[-1].times_s(video)


def moments(times_s: Tensor, values: int) -> Tensor:
    """Times (T,) for so many values: their mean where a timeline has one value for a whole video.

    Raises:
        ValueError: Another number.
    """
    if values == len(times_s):
        return times_s
    if values == 1:
        return times_s.mean(0, keepdim=True)
    raise ValueError(f"a timeline of {values} values does not fit {len(times_s)} times")


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


class FragmentClips:
    """A video as clips of fragments (K, T, S, S, 3), uint8 RGB, read from its file each time.

    Training draws where clips begin and where patches lie. Evaluation takes the middle of what a
    clip can be, and patches at places drawn once for all: they differ from cell to cell and from
    clip to clip, as in training, yet depend on nothing but the frame's size. (The release draws
    anew each time, so that a video has no score of its own; a seed made of the video's name would
    give a renamed file another score.)

    Source: Wu et al., FAST-VQA, ECCV 2022; FasterVQA, TPAMI 2023.

    Args:
        num_clips: K in evaluation.
        training_clips: K in training.
        clip_length: T, frames of a clip.
        frame_interval: Frames of the video from one frame of a clip to the next.
        grid_size: Cells along each side of a frame.
        patch_size: Side of a patch in pixels; S = grid_size * patch_size.
        aligned: Consecutive frames that share the places of their patches; None for a whole clip.
        time_fragments: Pieces that a clip is made of, spread over the video as in FasterVQA; None
            for a clip in one piece.
        reader: See `vqa.video.choose_reader`.
    """

    def __init__(
        self,
        num_clips: int = 4,
        training_clips: int = 1,
        clip_length: int = 32,
        frame_interval: int = 2,
        grid_size: int = GRID_SIZE,
        patch_size: int = PATCH_SIZE,
        aligned: int | None = None,
        time_fragments: int | None = None,
        reader: str = "auto",
    ) -> None:
        if time_fragments and max(num_clips, training_clips) > 1:
            raise ValueError(
                f"time_fragments={time_fragments} spreads one clip over the video: set num_clips=1 "
                f"and training_clips=1, not {num_clips} and {training_clips}"
            )
        self.num_clips, self.training_clips = num_clips, training_clips
        self.clip_length, self.frame_interval = clip_length, frame_interval
        self.grid_size, self.patch_size, self.aligned = grid_size, patch_size, aligned
        self.time_fragments, self.reader = time_fragments, reader

    def __call__(self, video: VideoRecord, rng: np.random.Generator | None = None) -> Tensor:
        """The clips of a video, (K, T, S, S, 3).

        Only the frames that clips need, and those that these depend on, are decoded, each once.

        Raises:
            VideoError: The file cannot be read.
        """
        info = self._probe(video)
        indices = self._indices(info, rng)
        corners = plan(
            info.height,
            info.width,
            *indices.shape,
            aligned=self.aligned,
            grid_size=self.grid_size,
            patch_size=self.patch_size,
            rng=np.random.default_rng(EVALUATION_SEED) if rng is None else rng,
        )
        chunks = stream_frames(
            video.path,
            np.unique(indices),
            reader=self.reader,
            raw=raw_format(video),
            info=info,
            leaping=True,
        )
        return torch.from_numpy(gather(chunks, indices, corners, patch_size=self.patch_size))

    def collate(self, name: str, samples: Sequence[Tensor]) -> dict[str, Tensor]:
        """`<name>` (B, K, T, S, S, 3)."""
        return {name: torch.stack(list(samples))}

    def times_s(self, video: VideoRecord) -> Tensor:
        """Mean presentation time of the frames of each clip of evaluation, (K,)."""
        info = self._probe(video)
        return torch.from_numpy(info.times_s[self._indices(info, None)].mean(1))

    def _probe(self, video: VideoRecord) -> VideoInfo:
        return probe(video.path, raw=raw_format(video))

    def _indices(self, info: VideoInfo, rng: np.random.Generator | None) -> np.ndarray:
        """Frame indices (K, T)."""
        shape = {"clip_length": self.clip_length, "frame_interval": self.frame_interval}
        if self.time_fragments:
            return time_fragment_indices(
                info.frames, time_fragments=self.time_fragments, **shape, rng=rng
            )
        clips = self.num_clips if rng is None else self.training_clips
        return clip_indices(info.frames, clips, **shape, rng=rng)
