"""The view of still images; an image is a video of one frame and is read like any other."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from vqa.training.views.file_views import FileView
from vqa.video import VideoInfo
from vqa.video.sampling import uniform_indices


class CentreImage(FileView):
    """The centre of an image (3, 299, 299), uint8 RGB, at its own resolution, read every time.

    For a video of several frames the middle one is used. Only images smaller than 299 pixels are
    enlarged. Nothing is random: training sees the same pixels every epoch, as in the FMC-IQA
    recipe.

    Args:
        reader: See `vqa.video.choose_reader`.
        damaged: See `vqa.video.probe`.
        max_seconds: See only the beginning of each video; None sees all of it.
    """

    def indices(self, info: VideoInfo, rng: np.random.Generator | None = None) -> np.ndarray:
        """Return the index of the middle frame, (1, 1)."""
        return uniform_indices(info.frames, 1)[None]

    def of_frames(
        self,
        chunks: Iterator[np.ndarray],
        info: VideoInfo,
        indices: np.ndarray,
        rng: np.random.Generator | None = None,
    ) -> Tensor:
        """Return the image, (3, 299, 299)."""
        from vqa.models.pretrained.inception import cropped  # imports torchvision

        (frame,) = chunks
        return cropped(torch.from_numpy(frame))[0]
