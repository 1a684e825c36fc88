"""Shapley values: the effect of groups of features on a score, against a reference.

A group is either as the video has it, or put back to the reference. A group's Shapley value
(L. S. Shapley, "A value for n-person games", 1953) is the change of the score when it is put in,
averaged over all orders in which the groups can be put in. The values add up to the score less that
of the reference, whatever the model. With G groups there are 2^G mixtures, which the model scores
in one batch.

Shapes: D features, G groups.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import factorial

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
MOST_GROUPS = 8


@dataclass(frozen=True, slots=True)
class Attribution:
    """The effects of groups of features on one score.

    Attributes:
        score: Of the video.
        reference: Score of the reference.
        effects: (G,) Shapley values; their sum is `score - reference`.
        removed: (G,) score of the video after only this group is put back to the reference.
    """

    score: float
    reference: float
    effects: Array
    removed: Array


def attribute(
    score: Callable[[NDArray], ArrayLike],
    features: ArrayLike,
    reference: ArrayLike,
    groups: ArrayLike,
    count: int,
) -> Attribution:
    """Compute the effect of each group of features.

    Args:
        score: Scores features (N, D) -> (N,); rows do not depend on each other.
        features: (D,) of the video; may be undefined.
        reference: (D,) of the reference.
        groups: (D,) number of each feature's group, from 0.
        count: G, at most 8; a group may be empty.

    Raises:
        ValueError: Shapes that do not match, groups out of range, or too many of them.

    Examples:
        >>> import numpy as np
        >>> from vqa.models.shapley import attribute
        >>> found = attribute(lambda x: x[:, 0] + x[:, 1] * x[:, 2], [1, 2, 3], [0, 0, 0],
        ...                   [0, 1, 2], 3)
        >>> found.effects.round(6).tolist(), found.removed.tolist()
        ([1.0, 3.0, 3.0], [6.0, 1.0, 1.0])
    """
    features, reference = np.asarray(features), np.asarray(reference)
    groups = np.asarray(groups)
    if not (features.shape == reference.shape == groups.shape and features.ndim == 1):
        raise ValueError(
            "expected features, reference and groups of one length, found "
            f"{features.shape}, {reference.shape}, {groups.shape}"
        )
    if not 1 <= count <= MOST_GROUPS or np.any((groups < 0) | (groups >= count)):
        raise ValueError(
            f"expected groups from 0 to {count - 1} and at most {MOST_GROUPS} of them, "
            f"found {sorted(set(groups.tolist()))}"
        )
    present = np.arange(2**count)[:, None] >> np.arange(count) & 1 == 1  # (2^G, G)
    mixtures = np.where(present[:, groups], features, reference).astype(features.dtype)
    scores = np.asarray(score(mixtures), dtype=np.float64)
    size = present.sum(1)
    orders = [factorial(k) * factorial(count - k - 1) / factorial(count) for k in range(count)]
    effects = np.empty(count)
    for group in range(count):
        (without,) = np.nonzero(~present[:, group])
        gains = scores[without + 2**group] - scores[without]
        effects[group] = np.asarray(orders)[size[without]] @ gains
    everything = len(scores) - 1
    removed = scores[everything - 2 ** np.arange(count)]
    return Attribution(float(scores[everything]), float(scores[0]), effects, removed)
