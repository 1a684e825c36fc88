"""Groups of statistics that pull the score of a video down, or lift it, and the check of that.

Each group's effect is its Shapley value against the median of the training videos
(`vqa.models.shapley`), on the scale of the scores. The check stands beside it: the score after only
that group is put back to the median.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vqa.features.extraction.sources import Source
from vqa.features.nss.damages import KINDS, kinds_of
from vqa.features.nss.names import DIM
from vqa.models.shapley import MOST_GROUPS, Attribution, attribute
from vqa.training.learners.base import Learner
from vqa.training.learners.vectors import training_quantiles, vector_scores
from vqa.video.plain_facts import PlainFacts

OTHER = "other"
SMALL = 0.005  # on the scale; less is shown as nothing
NAMED = 0.02  # on the scale; a group that pulls down by less is no cause
PRESENT = 0.3  # amount of a damage that is named although it does not lower the score
STANDING = 0.1  # share of the time that a picture stands still before it is said
DARK = 0.25  # mean brightness of a dark picture
ANSWER_TO = {
    "sharpness": "statistics as of a blurred picture",
    "noise": "statistics as of a noisy picture",
    "colour": "statistics as of a dark picture",
    "motion": "statistics as of a picture that stands still",
    OTHER: "statistics that no such damage explains",
}
NO_VECTOR = "this model scores no feature vector, so no group of features can be put back"
NO_MEDIAN = "the run stores no median of its training videos to compare with (scaler rank_gauss)"
NO_GROUPS = "nothing is known about what this model's features describe"


def causes(
    models: Sequence[tuple[Learner, Callable[[Any], Any]]],
    features: Tensor | None,
    sources: Sequence[Source],
    facts: PlainFacts | None = None,
) -> tuple[list[dict[str, Any]], dict[str, Any] | None, list[str]]:
    """Attribute a score to groups of features.

    Args:
        models: Learners of one run, each with its curve from raw scores to the scale.
        features: (1, D), the feature vector of the video as a batch, as the learners get it; other
            shapes, as of sequences, and None have no causes.
        sources: The sources of the features, in the order in which they are joined.
        facts: What is certain of the video; None if nobody looked.

    Returns:
        Causes, the most harmful first, each with `kind`, `effect` (negative pulls the score down;
        all effects add up to the score less that of the median), `amount` (1 is a planted damage),
        `removed` (the score after this group is put back to the median) and `text`; the main cause,
        with `kind` (None if no kind is named) and `text`, or None without causes; and remarks: what
        is certain of the video, or why there are no causes.
    """
    if features is None or features.ndim != 2 or len(features) != 1:
        return [], None, [NO_VECTOR]
    vector = features[0]
    known = [one for learner, _ in models if (one := training_quantiles(learner)) is not None]
    if len(known) < len(models):
        return [], None, [NO_MEDIAN]
    values, quantiles = vector.cpu().numpy(), np.mean(known, axis=0)
    reference = np.median(quantiles, axis=0).astype(values.dtype)
    names, groups, amounts = _groups(values, quantiles, sources, facts)
    if not names:
        return [], None, [NO_GROUPS]

    def score(mixtures: NDArray[Any]) -> NDArray[np.float64]:
        rows = torch.from_numpy(mixtures).to(vector.dtype)
        return np.mean([curve(vector_scores(learner, rows)) for learner, curve in models], axis=0)

    found = attribute(score, values, reference, groups, len(names))
    told: list[dict[str, Any]] = [
        {
            "kind": name,
            "effect": round(float(found.effects[place]), 6),
            "amount": round(float(amounts[place]), 6),
            "removed": round(float(found.removed[place]), 6),
            "text": _text(name, int((groups == place).sum()), found, place),
        }
        for place, name in enumerate(names)
    ]
    told.sort(key=lambda cause: cause["effect"])
    remarks = [] if facts is None else [text for _, text in certain(facts)]
    return told, _main_cause(told, facts), remarks


def certain(facts: PlainFacts) -> Iterator[tuple[str, str]]:
    """Yield the kinds of damage that the frames themselves show, each with a sentence."""
    if facts.standing >= STANDING:
        yield "motion", f"the picture stands still for {facts.standing:.0%} of the time"
    if facts.brightness <= DARK:
        yield "colour", f"the picture is dark: its mean brightness is {facts.brightness:.0%}"


def named(told: Sequence[Mapping[str, Any]], facts: PlainFacts | None = None) -> str:
    """Return the kind that a video suffers from most, in one word; empty if from none.

    A picture that stands still or is dark is certain, whatever a model makes of it. Else it is the
    kind that pulls the score down most, by 0.02 at least; and if none does, the one of which there
    is most, 0.3 of a planted damage at least.

    Args:
        told: The causes, the most harmful first.
        facts: What is certain of the video; None if nobody looked.
    """
    sure = [] if facts is None else [kind for kind, _ in certain(facts)]
    known = [one for one in told if one["kind"] != OTHER]
    harmful = [one["kind"] for one in known if one["effect"] <= -NAMED]
    much = sorted(known, key=lambda one: -one["amount"])
    present = [one["kind"] for one in much if one["amount"] >= PRESENT]
    return next(iter([*sure, *harmful, *present]), "")


def _main_cause(told: Sequence[Mapping[str, Any]], facts: PlainFacts | None) -> dict[str, Any]:
    """Return the kind that `named` names, None for none, and a sentence about it."""
    kind = named(told, facts) or None
    text = f"main cause: {kind or 'none'}"
    if any(one["kind"] == kind and one["effect"] > -NAMED for one in told):
        text += ", for which the model does not lower the score"
    return {"kind": kind, "text": text}


def of_statistics(sources: Sequence[Source]) -> bool:
    """Return whether features are natural scene statistics and nothing else."""
    return [source.name for source in sources] == ["nss"]


def _groups(
    values: NDArray[Any],
    quantiles: NDArray[np.float64],
    sources: Sequence[Source],
    facts: PlainFacts | None,
) -> tuple[list[str], NDArray[np.int64], NDArray[np.float64]]:
    """Return the names of the groups, the group (D,) of each feature and the amount of each group.

    There are no names if nothing is known.
    """
    if of_statistics(sources) and len(values) == DIM:
        known = None if facts is None else {kind for kind, _ in certain(facts)}
        return list(KINDS), *kinds_of(values, quantiles, known)
    families = [family for source in sources for family in source.families]
    names = sorted(set(families))
    if len(families) != len(values) or not 1 < len(names) <= MOST_GROUPS:
        return [], np.empty(0, np.int64), np.empty(0)
    groups = np.array([names.index(family) for family in families])
    return names, groups, np.zeros(len(names))


def _text(name: str, count: int, found: Attribution, place: int) -> str:
    """Say in a sentence what a group of `count` features does to the score."""
    what, effect = ANSWER_TO.get(name, f"features of {name}"), found.effects[place]
    if not count:
        return f"{name}: no {what}"
    if abs(effect) < SMALL:
        does = "leave the score as it is"
    elif effect < 0:
        does = f"pull the score down by {-effect:.2f}"
    else:
        does = f"lift the score by {effect:.2f}"
    check = f"with them at the training median it is {found.removed[place]:.2f}"
    return f"{name}: {count} {what} {does}; {check} instead of {found.score:.2f}"
