"""Remarks on a score: a picture without change, and values outside the scale."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import torch
from torch import Tensor

STILL = 1e-5  # relative change of features that is rounding
FEW_FRAMES = 8


def is_still(features: Tensor) -> bool:
    """Return whether features (T, D) are the same at all T > 1 moments, or frames are one colour.

    Examples:
        >>> import torch
        >>> from vqa.commands.scoring.remarks import is_still
        >>> is_still(torch.ones(9, 4)), is_still(torch.eye(4))
        (True, False)
    """
    if features.dtype == torch.uint8:
        return bool(features.min() == features.max())
    if features.ndim != 2 or len(features) < 2:
        return False
    spread = features.amax(0) - features.amin(0)
    return bool((spread <= STILL * features.abs().amax(0).clamp(min=STILL)).all())


def outside_of(mos_range: tuple[float, float] | None, score: float, timeline: np.ndarray) -> str:
    """Note a score, or else values of its timeline (T,), that lie outside the announced scale.

    Examples:
        >>> import numpy as np
        >>> from vqa.commands.scoring.remarks import outside_of
        >>> outside_of((1.0, 5.0), 4.5, np.array([3.0, 6.0]))
        'the timeline leaves the scale [1, 5]'
    """
    if mos_range is None:
        return ""
    low, high = mos_range
    if not low <= score <= high:
        return f"outside the scale [{low:g}, {high:g}]"
    inside = low <= timeline.min() and timeline.max() <= high
    return "" if inside else f"the timeline leaves the scale [{low:g}, {high:g}]"


def doubts(
    facts: Mapping[str, str], features: Iterable[Tensor], fps: float | None
) -> Iterator[str]:
    """Say what about the frames themselves makes a score doubtful.

    Args:
        facts: Of the features of the video.
        features: Of each source, (T, D).
        fps: Rate at which the frames were sampled; None if they are those of the training.
    """
    if fps is not None:
        yield f"scored at {fps:g} frames per second"
    if (frames := int(facts["frames"])) < FEW_FRAMES:
        yield f"{frames} frame{'s' * (frames > 1)}: hardly anything is known about motion"
    if undefined := int(facts["undefined"]):
        yield f"{undefined} features are undefined, as for black or flat frames"
    elif any(map(is_still, features)):
        yield "nothing changes over time, as in a still or black picture"
