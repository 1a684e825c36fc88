"""Published checkpoints of whole models, recognised by their keys and never by the file's name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from vqa.files import shown, user_path
from vqa.models.pretrained.releases import PublishedModel, fastvqa, gstvqa, mdtvsfa, vsfa
from vqa.models.pretrained.weights import WeightsError, local_state


@dataclass(frozen=True, slots=True)
class Layout:
    """The layout of a published checkpoint.

    Attributes:
        model: The model in `conf/model` that it belongs to.
        title: Its name for people.
        mark: First letters of a key that this layout has and the layouts after it do not.
        build: Makes the model from the tensors and the name of the file.
    """

    model: str
    title: str
    mark: str
    build: Callable[[Mapping[str, Tensor], str], PublishedModel]


LAYOUTS = (  # GSTVQA comes before VSFA, because it has most of VSFA's keys too
    Layout("gstvqa", "GSTVQA", "CA.bottleneck.", gstvqa),
    Layout("mdtvsfa", "MDTVSFA", "dimemsion_reduction.", mdtvsfa),
    Layout("vsfa", "VSFA", "ann.fc0.", vsfa),
    Layout("fastvqa", "FAST-VQA", "vqa_head.", fastvqa),
)
KNOWN = ", ".join(layout.title for layout in LAYOUTS)


def read_published(path: str | Path, model: str) -> PublishedModel:
    """Read a checkpoint that the authors of a model published.

    Args:
        path: The file, as the user typed it.
        model: Name in `conf/model` of the model that it should belong to.

    Raises:
        WeightsError: The file cannot be read, has an unknown layout, belongs to another model, or
            does not fit; the text says what was found.
    """
    if model not in (models := [layout.model for layout in LAYOUTS]):
        raise WeightsError(
            f"model={model}: expected a model with published checkpoints: {', '.join(models)}"
        )
    state = local_state(path, f"expected a published checkpoint of one of {KNOWN}")
    path = user_path(path)
    layout = recognised(state, shown(path))
    if layout.model != model:
        raise WeightsError(
            f"{shown(path)} is a checkpoint of {layout.title}: expected one of model={model}, or "
            f"use model={layout.model}"
        )
    bad = [key for key, value in state.items() if not _is_finite(value)]
    if bad:
        raise WeightsError(
            f"{shown(path)}: expected tensors of finite numbers, found {len(bad)} of {len(state)} "
            f"entries that are not, {bad[0]} first; download the file again"
        )
    try:
        return layout.build(state, path.name)
    except (ValueError, RuntimeError, LookupError) as error:
        cause = " ".join(str(error).split())[:300]
        raise WeightsError(
            f"{shown(path)} looks like a checkpoint of {layout.title} and does not fit: {cause}; "
            "download the authors' file"
        ) from error


def recognised(state: Mapping[str, Any], place: str) -> Layout:
    """Recognise the layout of a checkpoint by its keys.

    Args:
        state: Content of the file.
        place: Where it lies, for the error.

    Raises:
        WeightsError: It is none of the published layouts; weights of a run of vqa are named.
    """
    keys = [str(key) for key in state]
    if "mos_scale" in keys and any(key.startswith("network.") for key in keys):
        raise WeightsError(
            f"{place} holds the weights of a run of vqa without its settings: expected a published "
            f"checkpoint of one of {KNOWN}; give the run folder instead of model and weights"
        )
    for layout in LAYOUTS:
        if any(key.startswith(layout.mark) for key in keys):
            return layout
    first = shown(", ".join(keys[:3]))[:200] or "none"
    raise WeightsError(
        f"{place}: expected a published checkpoint of one of {KNOWN}, found {len(keys)} entries of "
        f"another layout (first {first}); give the authors' file"
    )


def _is_finite(value: Any) -> bool:
    return isinstance(value, Tensor) and bool(value.isfinite().all())
