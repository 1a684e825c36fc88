"""Which model scores: a run, a model folder, an embedded model, or published weights."""

from collections.abc import Sequence
from glob import has_magic
from pathlib import Path
from typing import NamedTuple

from vqa.commands.configuration import UsageError
from vqa.databases.searching import VIDEO_SUFFIXES, kind
from vqa.databases.unrated import STANDARD_INPUT
from vqa.files import shown, user_path
from vqa.remote.addresses import is_range, protocol_of
from vqa.runs import Run
from vqa.runs.opening import embedded

DEFAULT = "ugc"
HUB = "hf://"


class Choice(NamedTuple):
    """A model and what it scores, as the words of a command line name them.

    Attributes:
        model: A folder, the name of an embedded model, or, with weights, of a published one.
        places: Of the videos.
        remark: How an ambiguous word was taken; empty if none was.
    """

    model: str
    places: list[str]
    remark: str = ""


def chosen(words: Sequence[str], model: str | None) -> Choice:
    """Tell the model from the places of the videos.

    Without `model`, the first of several words is the model if it is a run or model folder, the
    name of an embedded model or an address on a hub, or if it names nothing that could be a video.

    Args:
        words: The words without a flag.
        model: The model that a flag names.

    Raises:
        UsageError: No video is left, or two models are named.
    """
    first, rest = words[0], list(words[1:])
    if model is not None:
        if _is_model_folder(first) or first.startswith(HUB):
            raise UsageError(
                f"two models are given, {shown(first)} and --model {shown(model)}: leave one out"
            )
        return Choice(model, list(words))
    if first in embedded():
        return _embedded(first, rest)
    is_model = _is_model_folder(first) or first.startswith(HUB)
    if is_model and not rest:
        raise UsageError(
            f"{shown(first)} is a model: expected videos after it, such as vqa score "
            f"{shown(first)} clip.mp4"
        )
    if _names_nothing(first):
        _refuse_untrained(first)
        is_model = bool(rest)
    if is_model:
        return Choice(first, rest)
    return Choice(DEFAULT, list(words))


def opened(
    model: str | Path,
    *,
    weights: str | Path | None = None,
    backbone_weights: str | Path | None = None,
    cache: str | Path | None = None,
) -> str | Path | Run:
    """Return what a scorer takes: a run or model folder as it is, or published weights as a run.

    Args:
        model: A folder, the name of an embedded model, `hf://owner/name`, or with `weights` the
            name of a published model.
        weights: A file of published weights.
        backbone_weights: The weights of its backbone; None loads them by name.
        cache: Where prepared weights are kept; None is the folder `cache`.

    Raises:
        UsageError: Weights without the name of a published model, or the other way round.
    """
    name = str(model)
    if weights is not None:
        if _is_model_folder(name) or name in embedded() or name.startswith(HUB):
            raise UsageError(
                f"{shown(name)} has weights: expected weights= only with a published model, such "
                "as vsfa"
            )
        from vqa.commands.published import published_run

        backbone = None if backbone_weights is None else str(user_path(backbone_weights))
        return published_run(
            name, str(user_path(weights)), backbone_weights=backbone, cache=cache or "cache"
        )
    if backbone_weights is not None:
        raise UsageError("backbone weights go with the weights of a published model; give both")
    if not (name in embedded() or user_path(name).exists() or name.startswith(HUB)):
        _refuse_untrained(name)
    return model


def _refuse_untrained(name: str) -> None:
    """Refuse the name of a model that can be trained, but is none that was.

    Raises:
        UsageError: It is one.
    """
    from vqa.commands.models import models

    if any(one.name == name for one in models()):
        raise UsageError(
            f"{name} has no weights: give those that its authors published (vqa score <videos> "
            f"--model {name} --weights <file>), or train it (vqa train model={name}) and give the "
            "run folder"
        )


def _embedded(name: str, rest: list[str]) -> Choice:
    """Take the name of an embedded model, which may also be a file or folder."""
    exists = bool(kind(Path(name)))
    if rest:
        remark = f"{name} is the embedded model; write ./{name} for the videos there"
        return Choice(name, rest, remark if exists else "")
    if not exists:
        raise UsageError(f"{name} is a model: expected videos after it, such as {name} clip.mp4")
    remark = f"{name} is the folder of that name; vqa score {name} <videos> names the model"
    return Choice(DEFAULT, [name], remark)


def _is_model_folder(word: str) -> bool:
    return (user_path(word) / "config.yaml").is_file()


def _names_nothing(word: str) -> bool:
    """Return whether a word is no place of videos, absent ones included."""
    return not (
        kind(user_path(word))
        or protocol_of(word)
        or is_range(word)
        or kind(Path(word))
        or has_magic(word)
        or word == STANDARD_INPUT
        or word.startswith("@")
        or Path(word).suffix.lower() in VIDEO_SUFFIXES | {".txt", ".tar"}
    )
