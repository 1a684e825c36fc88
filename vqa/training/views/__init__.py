"""Views: the forms in which a model sees a video.

A view turns a record into a tensor, and the tensors of a batch into inputs of a network. The names
of a model's views are the keyword names of its network's inputs.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from torch import Tensor

from vqa.databases.records import VideoRecord
from vqa.training.views.centre_image import CentreImage
from vqa.training.views.feature_views import FeatureSequence, FeatureVector
from vqa.training.views.file_views import FileView, ReadAhead
from vqa.training.views.fragment_clips import FragmentClips
from vqa.training.views.prepared import PreparedFeatures
from vqa.training.views.stored_clips import StoredClips

__all__ = [
    "CentreImage",
    "FeatureSequence",
    "FeatureVector",
    "FileView",
    "FragmentClips",
    "PreparedFeatures",
    "ReadAhead",
    "StoredClips",
    "View",
    "Views",
    "moments",
    "over_time",
]


class View(Protocol):
    """One form of a video."""

    def __call__(self, video: VideoRecord, rng: np.random.Generator | None = None) -> Tensor:
        """Return the view of a video.

        Args:
            video: Its record.
            rng: Draws what is random in training; None for evaluation, which is deterministic.
        """
        ...

    def collate(self, name: str, samples: Sequence[Tensor]) -> dict[str, Tensor]:
        """Collate samples to network inputs, under the view's name and any that go with it."""
        ...

    def times_s(self, video: VideoRecord) -> Tensor:
        """Return the presentation times of the values of a network's timeline."""
        ...


class Views:
    """The views of a model, by name."""

    def __init__(self, views: Mapping[str, View | PreparedFeatures]) -> None:
        self.views: dict[str, Any] = dict(views)
        self._prepared: PreparedFeatures | None = None

    @property
    def finite(self) -> bool:
        """Whether a view refuses features that are not finite numbers."""
        return any(getattr(view, "finite", False) for view in self.views.values())

    @property
    def is_random(self) -> bool:
        """Whether training may show a video in different ways."""
        return any(getattr(view, "is_random", True) for view in self.views.values())

    def __call__(
        self, video: VideoRecord, rng: np.random.Generator | None = None
    ) -> dict[str, Any]:
        """Return one sample of every view."""
        return {name: view(video, rng) for name, view in self.views.items()}

    def collate(self, samples: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Collate samples of several videos to the inputs of a network."""
        inputs: dict[str, Any] = {}
        for name, view in self.views.items():
            inputs |= view.collate(name, [sample[name] for sample in samples])
        return inputs

    def prepared(self, **how: Any) -> "Views":
        """Return views whose `features` are as a network takes them.

        They are prepared once for all that asks for the same.

        Args:
            **how: Arguments of `PreparedFeatures` after the view.
        """
        view = self.views.get("features")
        if view is None:
            return self
        made = PreparedFeatures(view, **how)
        if self._prepared is None or not self._prepared.is_like(made):
            self._prepared = made
        return Views({**self.views, "features": self._prepared})

    def alone(self, video: VideoRecord) -> dict[str, Any]:
        """Return the inputs of a batch of one video, as in evaluation."""
        return self.collate([self(video)])

    def times_s(self, video: VideoRecord) -> Tensor:
        """Return the times of a timeline's values, from the last view: clips before frames."""
        return list(self.views.values())[-1].times_s(video)


def over_time(features: Tensor) -> np.ndarray:
    """Return the features of one video as means over time (D,), from a sequence (T, D) or (D,).

    Undefined numbers (NaN) are ignored.
    """
    rows = features.double().reshape(-1, features.shape[-1])
    return rows.nanmean(0).cpu().numpy()


def moments(times_s: Tensor, values: int) -> Tensor:
    """Match times (T,) to a number of values; one value for a whole video gets their mean.

    Raises:
        ValueError: The numbers do not match.
    """
    if values == len(times_s):
        return times_s
    if values == 1:
        return times_s.mean(0, keepdim=True)
    raise ValueError(f"expected a timeline of {len(times_s)} values or one, found {values}")
