"""The mean MOS of the training part as every video's score: the least that a model must beat."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import load_file, save
from torch import Tensor

from vqa.databases.records import VideoRecord
from vqa.files import write_atomically
from vqa.training.learners.base import CARD_FILE, WEIGHTS_FILE, Prediction, stored_model

if TYPE_CHECKING:
    from vqa.training.datamodule import VQADataModule


class MeanMOS:
    """Predicts one number. Correlations are undefined; its error is the spread of the MOS."""

    def __init__(self) -> None:
        self.mean: float | None = None

    def begin_from(self, state: Mapping[str, Tensor], parts: Sequence[str] | None) -> None:
        """Refuse: a mean has no initial weights.

        Raises:
            ValueError: Always.
        """
        raise ValueError(
            "init_from: expected a network, found the mean MOS, which has no initial weights; "
            "leave init_from out"
        )

    def fit(self, data: "VQADataModule", folder: Path, logger: Any = False) -> None:
        """Take the mean MOS of the training part."""
        self.mean = float(np.mean([video.mos for video in data.train]))

    def predict(self, data: "VQADataModule", videos: Sequence[VideoRecord]) -> list[Prediction]:
        """Score videos, in their order."""
        mean = self._ready()
        return [Prediction(video.id, video.mos, mean) for video in videos]

    @property
    def timeline_is(self) -> str:
        """What the timeline is: the score does not depend on the video."""
        return "one value, the score"

    def assess(self, inputs: dict[str, Tensor]) -> tuple[float, np.ndarray]:
        """Score one video; the timeline is that one value, (1,)."""
        mean = self._ready()
        return mean, np.array([mean])

    def save(self, folder: Path) -> None:
        """Write the mean; `load` reads it."""
        write_atomically(folder / WEIGHTS_FILE, save({"mean": np.array([self._ready()])}))
        write_atomically(folder / CARD_FILE, json.dumps({"mean_mos": self._ready()}) + "\n")

    def load(self, folder: Path, device: str = "cpu") -> None:
        """Restore the learner that `save` wrote, whatever the device.

        Raises:
            FileNotFoundError: There is no saved learner; the run may not be finished.
        """
        weights, _ = stored_model(folder)
        self.mean = float(load_file(weights)["mean"][0])

    def _ready(self) -> float:
        if self.mean is None:
            raise RuntimeError("this learner is neither fitted nor loaded")
        return self.mean
