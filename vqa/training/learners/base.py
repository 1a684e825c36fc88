"""What every learner offers, whatever is inside."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from torch import Tensor

from vqa.databases.records import VideoRecord
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
    """The weights' file and the card of a saved learner.

    Raises:
        FileNotFoundError: There is none; the run may not be finished.
    """
    weights = folder / WEIGHTS_FILE
    if not weights.is_file():
        raise FileNotFoundError(f"no trained model at {weights}; run train.py to its end first")
    return weights, json.loads((folder / CARD_FILE).read_text())


class Learner(Protocol):
    """Fits on the training part of a split and predicts one score per video."""

    def fit(self, data: VQADataModule, folder: Path, logger: Any) -> None:
        """Train; checkpoints and the history go into `folder`, from which it also resumes."""
        ...

    def predict(self, data: VQADataModule, videos: Sequence[VideoRecord]) -> list[Prediction]:
        """Score videos, in their order."""
        ...

    def assess(self, inputs: dict[str, Tensor]) -> tuple[float, np.ndarray]:
        """Score of one video from a batch of it alone, and its quality over time (T,)."""
        ...

    def save(self, folder: Path) -> None:
        """Write all that `load` needs."""
        ...

    def load(self, folder: Path) -> None:
        """Become the learner that was saved there."""
        ...
