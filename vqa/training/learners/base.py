"""The interface of all learners."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from torch import Tensor

from vqa.databases.records import VideoRecord
from vqa.files import read_json

if TYPE_CHECKING:
    from vqa.training.datamodule import VQADataModule

WEIGHTS_FILE = "model.safetensors"
CARD_FILE = "learner.json"


@dataclass(frozen=True, slots=True)
class Prediction:
    """One video's score on the MOS scale of the training database; higher is better."""

    id: str
    mos: float
    score: float


def stored_model(folder: Path) -> tuple[Path, dict[str, Any]]:
    """Find the weights file and read the card of a saved learner.

    Raises:
        FileNotFoundError: There is no saved learner; the run may not be finished.
    """
    weights = folder / WEIGHTS_FILE
    if not weights.is_file():
        raise FileNotFoundError(f"no trained model at {weights}; finish the training first")
    return weights, read_json(folder / CARD_FILE)


class Learner(Protocol):
    """Fits on the training part of a split and predicts one score per video."""

    def begin_from(self, state: Mapping[str, Tensor], parts: Sequence[str] | None) -> None:
        """Start training from the weights of another model of the same shape.

        Args:
            state: Parameters of the other network by name.
            parts: Names of the parts to take, such as `spatial`; None takes all.

        Raises:
            ValueError: This learner has no weights to start from.
        """
        ...

    def fit(self, data: "VQADataModule", folder: Path, logger: Any) -> None:
        """Train. Checkpoints and history go into `folder`; training resumes from it."""
        ...

    def predict(self, data: "VQADataModule", videos: Sequence[VideoRecord]) -> list[Prediction]:
        """Score videos, in their order."""
        ...

    @property
    def timeline_is(self) -> str:
        """What the quality over time of `assess` is, and whether the score is its mean."""
        ...

    def assess(self, inputs: dict[str, Tensor]) -> tuple[float, np.ndarray]:
        """Score one video from a batch of size one; also return its quality over time (T,)."""
        ...

    def save(self, folder: Path) -> None:
        """Write everything that `load` needs."""
        ...

    def load(self, folder: Path, device: str = "cpu") -> None:
        """Restore the learner saved in `folder`, to score on `device` (`auto`, `cpu`, `cuda`)."""
        ...
