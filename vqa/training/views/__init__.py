"""Views: what one video looks like to a model.

A view turns a record into a tensor and the tensors of a batch into the inputs of a network. The
names under which a model lists its views are the keyword names of its network's inputs.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from torch import Tensor

from vqa.databases.records import VideoRecord
from vqa.training.views.centre_image import CentreImage
from vqa.training.views.feature_views import FeatureSequence, FeatureVector
from vqa.training.views.fragment_clips import FragmentClips

__all__ = [
    "CentreImage",
    "FeatureSequence",
    "FeatureVector",
    "FragmentClips",
    "View",
    "Views",
    "moments",
]


class View(Protocol):
    """One way to look at a video."""

    def __call__(self, video: VideoRecord, rng: np.random.Generator | None = None) -> Tensor:
        """What the model sees.

        Args:
            video: Where it is.
            rng: Draws what is random in training; None for evaluation, which always sees the same.
        """
        ...

    def collate(self, name: str, samples: Sequence[Tensor]) -> dict[str, Tensor]:
        """A batch of samples as network inputs, under the view's name and any that belong to it."""
        ...

    def times_s(self, video: VideoRecord) -> Tensor:
        """Presentation times of what a network's timeline has one value each for."""
        ...


class Views:
    """All views of a model, by name."""

    def __init__(self, views: Mapping[str, View]) -> None:
        self.views = dict(views)

    def __call__(
        self, video: VideoRecord, rng: np.random.Generator | None = None
    ) -> dict[str, Tensor]:
        """One sample of every view."""
        return {name: view(video, rng) for name, view in self.views.items()}

    def collate(self, samples: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
        """Samples of several videos as the inputs of a network."""
        inputs: dict[str, Tensor] = {}
        for name, view in self.views.items():
            inputs |= view.collate(name, [sample[name] for sample in samples])
        return inputs

    def alone(self, video: VideoRecord) -> dict[str, Tensor]:
        """The inputs of a batch that holds one video, as evaluation sees it."""
        return self.collate([self(video)])

    def times_s(self, video: VideoRecord) -> Tensor:
        """Times of what a timeline has values for: by the last view, so of clips before frames."""
        return list(self.views.values())[-1].times_s(video)


def moments(times_s: Tensor, values: int) -> Tensor:
    """Times (T,) for so many values: their mean where a timeline has one value for a whole video.

    Raises:
        ValueError: Another number.
    """
    if values == len(times_s):
        return times_s
    if values == 1:
        return times_s.mean(0, keepdim=True)
    raise ValueError(f"a timeline of {values} values does not fit {len(times_s)} times")
