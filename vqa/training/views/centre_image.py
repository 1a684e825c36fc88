"""The view of still images; an image is a video of one frame and is read like any other."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from vqa.databases.records import VideoRecord
from vqa.video import VideoInfo, probe, read_frames
from vqa.video.beginning import beginning
from vqa.video.sampling import uniform_indices


class CentreImage:
    """The centre of an image (3, 299, 299), uint8 RGB, at its own resolution, read every time.

    For a video of several frames the middle one is used. Only images smaller than 299 pixels are
    enlarged. Nothing is random: training sees the same pixels every epoch, as in the FMC-IQA
    recipe.

    Args:
        reader: See `vqa.video.choose_reader`.
        damaged: See `vqa.video.probe`.
        max_seconds: See only the beginning of each video; None sees all of it.
    """

    def __init__(
        self, reader: str = "auto", damaged: str = "refuse", max_seconds: float | None = None
    ) -> None:
        self.reader, self.damaged, self.max_seconds = reader, damaged, max_seconds

    def __call__(self, video: VideoRecord, rng: np.random.Generator | None = None) -> Tensor:
        """Return the image, (3, 299, 299).

        Raises:
            VideoError: The file cannot be read.
        """
        from vqa.models.pretrained.inception import cropped  # imports torchvision

        info = self._probe(video)
        frame = read_frames(
            video.path, self._middle(info), reader=self.reader, raw=video.raw_format, info=info
        )
        return cropped(torch.from_numpy(frame))[0]

    def collate(self, name: str, samples: Sequence[Tensor]) -> dict[str, Tensor]:
        """`<name>` (B, 3, 299, 299)."""
        return {name: torch.stack(list(samples))}

    def times_s(self, video: VideoRecord) -> Tensor:
        """Return the presentation time of the frame, (1,)."""
        info = self._probe(video)
        return torch.from_numpy(info.times_s[self._middle(info)])

    def _probe(self, video: VideoRecord) -> VideoInfo:
        return probe(video.path, raw=video.raw_format, damaged=self.damaged)

    def _middle(self, info: VideoInfo) -> np.ndarray:
        return uniform_indices(beginning(info, self.max_seconds).frames, 1)
