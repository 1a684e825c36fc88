"""The view of fragments: small patches of a video's own pixels, in clips."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from vqa.databases.records import VideoRecord
from vqa.features.extraction.pipeline import raw_format
from vqa.video import VideoInfo, probe, stream_frames
from vqa.video.fragments import GRID_SIZE, PATCH_SIZE, gather, plan
from vqa.video.sampling import clip_indices, time_fragment_indices

EVALUATION_SEED = 0


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
