"""Still images as a model sees them: an image is a video of one frame, read like any other."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from vqa.databases.records import VideoRecord
from vqa.features.extraction.pipeline import raw_format
from vqa.models.pretrained.inception import cropped
from vqa.video import VideoInfo, probe, read_frames
from vqa.video.sampling import uniform_indices


class CentreImage:
    """The centre of an image (3, 299, 299), uint8 RGB, in its own resolution, read each time.

    Of a video with more frames it is the middle one. Only what is smaller than 299 pixels is
    enlarged. Nothing is random: training sees the same pixels each epoch, as in the recipe of
    FMC-IQA.

    Args:
        reader: See `vqa.video.choose_reader`.
    """

    def __init__(self, reader: str = "auto") -> None:
        self.reader = reader

    def __call__(self, video: VideoRecord, rng: np.random.Generator | None = None) -> Tensor:
        """The image, (3, 299, 299).

        Raises:
            VideoError: The file cannot be read.
        """
        info = self._probe(video)
        frame = read_frames(
            video.path, _middle(info), reader=self.reader, raw=raw_format(video), info=info
        )
        return cropped(torch.from_numpy(frame))[0]

    def collate(self, name: str, samples: Sequence[Tensor]) -> dict[str, Tensor]:
        """`<name>` (B, 3, 299, 299)."""
        return {name: torch.stack(list(samples))}

    def times_s(self, video: VideoRecord) -> Tensor:
        """Presentation time of the frame, (1,)."""
        info = self._probe(video)
        return torch.from_numpy(info.times_s[_middle(info)])

    def _probe(self, video: VideoRecord) -> VideoInfo:
        return probe(video.path, raw=raw_format(video))


def _middle(info: VideoInfo) -> np.ndarray:
    return uniform_indices(info.frames, 1)
