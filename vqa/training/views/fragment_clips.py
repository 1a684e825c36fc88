"""The view of fragments: small patches of a video at its own resolution, in clips."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from vqa.databases.records import VideoRecord
from vqa.training.views.file_views import FileView
from vqa.video import VideoInfo
from vqa.video.beginning import beginning
from vqa.video.fragments import GRID_SIZE, PATCH_SIZE, gather, plan
from vqa.video.sampling import clip_indices, time_fragment_indices

EVALUATION_SEED = 0


class FragmentClips(FileView):
    """A video as clips of fragments (K, T, S, S, 3), uint8 RGB, read from its file each time.

    Training draws the start of each clip and the positions of patches. Evaluation takes clips at
    the middle of their range, and patch positions drawn once with a fixed seed: they vary between
    cells and clips as in training, but depend only on the frame size. (The release draws new ones
    every time, so a video has no reproducible score; a seed from the file name would give a renamed
    file another score.)

    Source: Wu et al., FAST-VQA, ECCV 2022; FasterVQA, TPAMI 2023.

    Args:
        num_clips: K in evaluation.
        training_clips: K in training.
        clip_length: T, frames of a clip.
        frame_interval: Frames of the video between consecutive frames of a clip.
        grid_size: Cells along each side of a frame.
        patch_size: Side of a patch in pixels; S = grid_size * patch_size.
        aligned: Consecutive frames that share patch positions; None shares them in a whole clip.
        time_fragments: Pieces of a clip, spread over the video as in FasterVQA; None keeps a clip
            in one piece.
        reader: See `vqa.video.choose_reader`.
        damaged: See `vqa.video.probe`.
        max_seconds: See only the beginning of each video; None sees all of it.
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
        damaged: str = "refuse",
        max_seconds: float | None = None,
    ) -> None:
        super().__init__(reader, damaged, max_seconds)
        if time_fragments and max(num_clips, training_clips) > 1:
            raise ValueError(
                f"time_fragments={time_fragments} spreads one clip over the video: set num_clips=1 "
                f"and training_clips=1, not {num_clips} and {training_clips}"
            )
        self.num_clips, self.training_clips = num_clips, training_clips
        self.clip_length, self.frame_interval = clip_length, frame_interval
        self.grid_size, self.patch_size, self.aligned = grid_size, patch_size, aligned
        self.time_fragments = time_fragments

    def of_frames(
        self,
        chunks: Iterator[np.ndarray],
        info: VideoInfo,
        indices: np.ndarray,
        rng: np.random.Generator | None = None,
    ) -> Tensor:
        """Return the clips of a video, (K, T, S, S, 3)."""
        corners = self._corners(info, indices, rng)
        return torch.from_numpy(gather(chunks, indices, corners, patch_size=self.patch_size))

    def several(
        self, video: VideoRecord, rngs: Sequence[np.random.Generator | None]
    ) -> list[Tensor]:
        """Return the view for each of some generators, from one pass over the video.

        Raises:
            VideoError: The file cannot be read.
        """
        info = self._probe(video)
        seen = beginning(info, self.max_seconds)
        indices = [self.indices(seen, rng) for rng in rngs]
        corners = [self._corners(info, *pair) for pair in zip(indices, rngs, strict=True)]
        together = np.concatenate(indices)
        chunks = self._frames(video, info, together)
        cut = gather(chunks, together, np.concatenate(corners), patch_size=self.patch_size)
        return list(torch.from_numpy(cut).split([len(rows) for rows in indices]))

    def shape(self, is_training: bool) -> tuple[int, ...]:
        """Return the shape of the view of any video."""
        clips = self.training_clips if is_training else self.num_clips
        side = self.grid_size * self.patch_size
        return clips, self.clip_length, side, side, 3

    def _corners(
        self, info: VideoInfo, indices: np.ndarray, rng: np.random.Generator | None
    ) -> np.ndarray:
        return plan(
            info.height,
            info.width,
            *indices.shape,
            aligned=self.aligned,
            grid_size=self.grid_size,
            patch_size=self.patch_size,
            rng=np.random.default_rng(EVALUATION_SEED) if rng is None else rng,
        )

    def indices(self, info: VideoInfo, rng: np.random.Generator | None = None) -> np.ndarray:
        """Frame indices (K, T)."""
        shape = {"clip_length": self.clip_length, "frame_interval": self.frame_interval}
        if self.time_fragments:
            return time_fragment_indices(
                info.frames, time_fragments=self.time_fragments, **shape, rng=rng
            )
        clips = self.num_clips if rng is None else self.training_clips
        return clip_indices(info.frames, clips, **shape, rng=rng)
