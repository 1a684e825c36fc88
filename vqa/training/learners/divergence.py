"""Divergence: nothing that is not finite is recorded, and the error names the cause."""

import math
from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from vqa.databases.records import VideoRecord
from vqa.training.errors import TrainingError
from vqa.training.learners.base import Prediction
from vqa.training.views import View

# Of a weight, in magnitude. Weights of trained networks stay orders of magnitude below.
LARGEST_WEIGHT = 1e5
# Of a feature, in magnitude: the square of a larger one overflows in float32.
LARGEST_FEATURE = 1e18


class Diverged(Exception):
    """What is no longer finite in a training, for `fit_network` to explain."""


def check_means(values: Mapping[str, float]) -> None:
    """Check the losses of an epoch.

    Raises:
        Diverged: One is not finite.
    """
    for name, value in values.items():
        if not math.isfinite(value):
            raise Diverged(f"{name} is {value}")


def check_weights(named: Iterable[tuple[str, Tensor]]) -> None:
    """Check the weights that are trained; they reach the host once.

    Raises:
        Diverged: One is not finite, or larger than `LARGEST_WEIGHT`.
    """
    trained = {name: weight.detach() for name, weight in named if weight.requires_grad}
    if not trained:
        return
    largest = torch.stack([weight.abs().max().double() for weight in trained.values()])
    for name, value in zip(trained, largest.tolist(), strict=True):
        if not value <= LARGEST_WEIGHT:
            raise Diverged(f"a weight of {name} is {value:.3g}")


def check_scores(scores: Mapping[str, float]) -> None:
    """Check the scores of the validation part.

    Raises:
        Diverged: One is not finite.
    """
    bad = [video for video, score in scores.items() if not math.isfinite(score)]
    if bad:
        raise Diverged(f"{len(bad)} of {len(scores)} validation scores are not finite: {bad[0]}")


def finite(predictions: list[Prediction]) -> list[Prediction]:
    """Return predictions, all of them finite.

    Raises:
        TrainingError: A score is not finite; names the video.
    """
    bad = [row.id for row in predictions if not math.isfinite(row.score)]
    if bad:
        raise TrainingError(
            f"{len(bad)} of {len(predictions)} scores are not finite, {bad[0]} first; its features "
            "may hold NaN or infinite values, so extract them again, or leave the video out"
        )
    return predictions


def finite_score(score: float) -> float:
    """Return the score of one video.

    Raises:
        TrainingError: It is not finite.
    """
    if not math.isfinite(score):
        raise TrainingError(f"the score is {score}: its features hold NaN or infinite values")
    return score


def cause(videos: Sequence[VideoRecord], features: View | None, rates: Sequence[float]) -> str:
    """Say why a training diverged, and what to do.

    Args:
        videos: Of the training and validation parts.
        features: Their view of features, if there is one.
        rates: Learning rates at the end.
    """
    for video in videos:
        if not math.isfinite(video.mos) or abs(video.mos) > torch.finfo(torch.float32).max:
            return f"the MOS of {video.id} is {video.mos:g}; correct the labels"
        values = features(video) if features else torch.zeros(1)
        bad = int((~(values.abs() <= LARGEST_FEATURE)).sum())
        if bad:
            return (
                f"{bad} of {values.numel()} features of {video.id} are not finite, or too large; "
                "extract them again, or leave the video out"
            )
    rate = " and ".join(f"{rate:g}" for rate in dict.fromkeys(rates))
    return (
        "features and labels are finite, so the gradient overflowed or the learning rate "
        f"({rate}) is too high; lower model.optimizer.lr and start again with fresh=true"
    )
