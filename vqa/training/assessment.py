"""The score of one video and its quality over time, by a learner and its views."""

from typing import NamedTuple

import numpy as np
from torch import Tensor

from vqa.databases.records import VideoRecord
from vqa.training.learners.base import Learner
from vqa.training.learners.divergence import finite_score
from vqa.training.learners.vectors import vector_scores
from vqa.training.views import FeatureVector, Views, moments

AT_ONCE = 1024  # moments that are scored together
OF_MOMENTS = "score of each moment by itself; the score is that of their mean features"


class Assessment(NamedTuple):
    """What a learner says of a video.

    Attributes:
        score: As the learner gives it.
        quality: (T,) quality over time.
        times_s: (T,) its times.
    """

    score: float
    quality: np.ndarray
    times_s: np.ndarray


def assess(
    learner: Learner, views: Views, video: VideoRecord, inputs: dict[str, Tensor]
) -> Assessment:
    """Assess a video.

    A model of vectors scores the mean of a video's features over time, so it has no timeline of its
    own. Its timeline is the score of each moment's features alone, as if the video were nothing
    else; features of single moments vary more than their means, so it swings more than scores do.

    Args:
        learner: A trained learner.
        views: The views of its model.
        video: The video.
        inputs: Its views, from `views.alone`; several learners share them.

    Raises:
        TrainingError: The score is not finite.
        ValueError: The views do not fit the learner.
    """
    score, quality = learner.assess(inputs)
    times_s = moments(views.times_s(video), len(quality)).numpy()
    view = views.views.get("features")
    if isinstance(view, FeatureVector) and (rows := view.rows(video)) is not None:
        parts = rows.split(AT_ONCE)
        quality = np.concatenate([vector_scores(learner, part) for part in parts])
        times_s = view.row_times_s(video).numpy()
        for value in quality:
            finite_score(float(value))
    return Assessment(score, quality, times_s)


def timeline_is(learner: Learner, views: Views) -> str:
    """Say what the timelines of a learner are, in a few words."""
    return (
        OF_MOMENTS
        if isinstance(views.views.get("features"), FeatureVector)
        else learner.timeline_is
    )
