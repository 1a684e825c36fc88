"""Support vector regression as a learner: feature vectors, no epochs."""

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from safetensors.numpy import load_file, save
from torch import Tensor

from vqa.databases.records import VideoRecord
from vqa.files import write_atomically, write_csv
from vqa.models.svr import GRID_C, GRID_GAMMA, FittedSVR, fit_svr
from vqa.protocols.row_splits import inner_split
from vqa.training.learners.base import CARD_FILE, WEIGHTS_FILE, Prediction, stored_model
from vqa.training.learners.divergence import finite, finite_score

if TYPE_CHECKING:
    from vqa.training.datamodule import VQADataModule

log = logging.getLogger(__name__)

GRID_FILE = "grid.csv"
INNER_SHARE = 0.2


class SVRLearner:
    """Searches C and gamma inside the training part, then fits to all of it.

    Candidates are judged on the split's validation part if it has one, otherwise on a fifth of the
    training part: whole contents (`inner="content"`), or the rows that the published scripts draw
    (`inner="videval"`, with `protocol=videval`).

    Args:
        kernel: `rbf` or `linear`.
        C: Regularisation parameter, or several to choose from.
        gamma: Width of the Gaussian kernel, `scale`, or several to choose from.
        epsilon: Half-width of the tube inside which errors cost nothing.
        scaler: `minmax`, `standard` or `rank_gauss`, fitted on the training part.
        scale_target: Standardise the MOS for the solver.
        impute: Replacement for missing values: `zero`, or the `mean` of the column in the training
            part.
        limit: Absolute values above it count as missing; None: only NaN and infinities do.
        criterion: Judges candidates: `logistic_rmse` or `r2`.
        inner: How the inner part is drawn.
        workers: Threads of the search; None starts one per processor.
        seed: Draws the inner part.
    """

    def __init__(
        self,
        kernel: str = "rbf",
        C: float | Sequence[float] = GRID_C,
        gamma: float | str | Sequence[float | str] = GRID_GAMMA,
        epsilon: float = 0.1,
        scaler: str = "minmax",
        scale_target: bool = False,
        impute: str = "zero",
        limit: float | None = 1e6,
        criterion: str = "logistic_rmse",
        inner: Literal["content", "videval"] = "content",
        workers: int | None = None,
        seed: int = 0,
    ) -> None:
        if inner not in ("content", "videval"):
            raise ValueError(f"inner={inner!r}: expected content or videval")
        self.options = {
            "kernel": kernel, "C": C, "gamma": gamma, "epsilon": epsilon, "scaler": scaler,
            "scale_target": scale_target, "impute": impute, "limit": limit,
            "criterion": criterion, "workers": workers,
        }  # fmt: skip
        self.inner, self.seed = inner, seed
        self.fitted: FittedSVR | None = None

    def begin_from(self, state: Mapping[str, Tensor], parts: Sequence[str] | None) -> None:
        """Refuse: a support vector regression has no initial weights.

        Raises:
            ValueError: Always.
        """
        raise ValueError(
            "init_from: expected a network, found a support vector regression, which has no "
            "initial weights; leave init_from out"
        )

    def fit(self, data: "VQADataModule", folder: Path, logger: Any = False) -> None:
        """Search and fit; the candidates and their values go into `grid.csv` and to the logger."""
        videos = (*data.train, *data.val)
        train, val = self._inner_parts(data)
        mos = np.array([video.mos for video in videos])
        self.fitted = fit_svr(_vectors(data, videos), mos, train, val, **self.options)
        write_csv(
            folder / GRID_FILE,
            ["C", "gamma", self.options["criterion"]],
            ([one.C, one.gamma, one.value] for one in self.fitted.candidates),
        )
        if logger:
            for step, candidate in enumerate(self.fitted.candidates):
                logger.log_metrics({"inner": candidate.value, "C": candidate.C}, step=step)
            chosen = {"C": self.fitted.C, "gamma": self.fitted.gamma}
            logger.log_metrics({name: value for name, value in chosen.items() if value is not None})

    def predict(self, data: "VQADataModule", videos: Sequence[VideoRecord]) -> list[Prediction]:
        """Score videos, in their order.

        Raises:
            TrainingError: A score is not finite.
        """
        if not videos:
            return []
        scores = self._ready().predict(_vectors(data, videos)).tolist()
        pairs = zip(videos, scores, strict=True)
        return finite([Prediction(video.id, video.mos, score) for video, score in pairs])

    @property
    def timeline_is(self) -> str:
        """What the timeline is: a vector has no time axis."""
        return "one value, the score"

    def assess(self, inputs: dict[str, Tensor]) -> tuple[float, np.ndarray]:
        """Score one video; a vector has no time axis, so the timeline is that one value, (1,)."""
        score = self._ready().predict(inputs["features"].cpu().numpy())
        return finite_score(float(score[0])), score

    def save(self, folder: Path) -> None:
        """Write arrays and card; `load` rebuilds the regression from them."""
        fitted = self._ready()
        write_atomically(folder / WEIGHTS_FILE, save(fitted.state()))
        write_atomically(folder / CARD_FILE, json.dumps(fitted.card(), indent=1) + "\n")

    def load(self, folder: Path, device: str = "cpu") -> None:
        """Restore the learner that `save` wrote; it scores on the CPU, whatever the device.

        Raises:
            FileNotFoundError: There is no saved learner; the run may not be finished.
        """
        weights, card = stored_model(folder)
        self.fitted = FittedSVR.from_state(load_file(weights), card)

    def _inner_parts(self, data: "VQADataModule") -> tuple[np.ndarray, np.ndarray]:
        """Return the rows of the training part to fit candidates on, and those to judge them on."""
        from sklearn.model_selection import GroupShuffleSplit

        rows = np.arange(len(data.train))
        if data.val:
            return rows, len(rows) + np.arange(len(data.val))
        if self.inner == "videval":
            return inner_split(rows, data.split.seed)
        contents = [video.content_id for video in data.train]
        if len(set(contents)) < 2:
            return rows, rows[:0]
        parts = GroupShuffleSplit(1, test_size=INNER_SHARE, random_state=self.seed)
        return next(parts.split(rows, groups=contents))

    def _ready(self) -> FittedSVR:
        if self.fitted is None:
            raise RuntimeError("this learner is neither fitted nor loaded")
        return self.fitted


def _vectors(data: "VQADataModule", videos: Sequence[VideoRecord]) -> np.ndarray:
    """Stack the feature vectors of videos, (N, D)."""
    return np.stack([data.views(video)["features"].cpu().numpy() for video in videos])
