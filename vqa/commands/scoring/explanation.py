"""Why a score is what it is, as far as the model can honestly tell.

    causes         groups of features that pull the score down or lift it, with their check
    main_cause     the kind that the video suffers from most, and a sentence about it; None if
                   there are no causes
    moments        the worst moments of the timeline
    descriptions   CLiF-VQA: descriptions whose fit moves the score
    maps           where in the picture quality is lost, or a description fits, at a worst moment
    remarks        facts such as a dark picture; what could not be told, and why

All is plain data; `vqa.reports.scoring.pictures` draws pictures from it and the video. A fault in
explaining costs its part of the explanation, never the score.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from vqa.commands.experiment import Experiment
from vqa.commands.scoring.causes import causes, of_statistics
from vqa.databases.records import VideoRecord
from vqa.evaluation.moments import worst_moments
from vqa.features.extraction.feature_source import FeatureSource
from vqa.training.learners.neural import NeuralLearner
from vqa.video import probe, read_frames
from vqa.video.plain_facts import PlainFacts, plain_facts

if TYPE_CHECKING:
    from vqa.features.openclip import OpenClipWindows

SHOWN = 3  # descriptions of each direction
ONLY_MOMENTS = "this model can tell only the worst moments"
Models = Sequence[tuple[Any, Callable[[Any], Any]]]  # learners and their curves to the scale


def explained(
    models: Models,
    experiment: Experiment,
    record: VideoRecord,
    inputs: Mapping[str, Any],
    times_s: np.ndarray,
    quality: np.ndarray,
) -> dict[str, Any]:
    """Explain the score of one video.

    Args:
        models: The learners of all splits, with their curves to the MOS scale.
        experiment: Of the run; gives sources and views.
        record: The video.
        inputs: Its views, as a batch of one.
        times_s: (T,) times of its timeline.
        quality: (T,) the timeline, on the MOS scale.
    """
    places = worst_moments(times_s, quality)
    told: dict[str, Any] = {
        "causes": [],
        "main_cause": None,
        "moments": [
            {"time_s": float(times_s[place]), "quality": float(quality[place])} for place in places
        ],
        "descriptions": [],
        "maps": [],
        "remarks": [],
    }
    parts: dict[str, Callable[..., dict[str, Any]]]
    parts = {"causes": _causes, "descriptions": _descriptions, "maps": _maps}
    for name, part in parts.items():
        try:
            found = part(models, experiment, record, inputs, told, (times_s, quality))
        except Exception as error:  # noqa: BLE001 (whatever fails here, the score stands)
            cause = " ".join(str(error).split()) or type(error).__name__
            found = {"remarks": [f"no {name}: {cause}"]}
        told |= found | {"remarks": told["remarks"] + found.get("remarks", [])}
    if not (told["causes"] or told["descriptions"] or told["maps"] or told["remarks"]):
        told["remarks"].append(ONLY_MOMENTS)
    return told


def _causes(
    models: Models,
    experiment: Experiment,
    record: VideoRecord,
    inputs: Mapping[str, Any],
    *rest: Any,
) -> dict[str, Any]:
    """Return the causes and the main one."""
    features = inputs.get("features")
    if features is None or features.ndim != 2:  # a sequence, or no features
        return {}
    sources, facts, unseen = experiment.sources.sources, None, []
    if of_statistics(sources):
        try:
            facts = _facts(record, experiment.reading)
        except (OSError, ValueError, RuntimeError, MemoryError) as error:
            unseen = [f"the frames were not looked at: {error}"]
    told, main, remarks = causes(models, features, sources, facts)
    return {"causes": told, "main_cause": main, "remarks": remarks + unseen}


def _facts(record: VideoRecord, reading: Mapping[str, Any]) -> PlainFacts:
    """Look at the frames that were scored."""
    info = probe(record.path, raw=record.raw_format, damaged=reading["damaged"])
    return plain_facts(info, record.raw_format, reading.get("max_seconds"))


def _descriptions(
    models: Models, experiment: Experiment, _: Any, inputs: Mapping[str, Any], *rest: Any
) -> dict[str, Any]:
    """Change the fit of each description to that of any description, and see the score move."""
    networks = [_network(learner) for learner, _ in models]
    source = _openclip(experiment)
    if source is None or not all(
        hasattr(one, "score_vectors") and one.semantic is not None for one in networks
    ):
        return {}
    changes = np.mean(
        [
            _moved(learner, curve, inputs, len(source.descriptions))
            for learner, curve in models
        ],
        axis=0,
    )  # fmt: skip
    order = np.argsort(changes, kind="stable")
    kept = dict.fromkeys([*order[:SHOWN].tolist(), *order[::-1][:SHOWN].tolist()])
    told = [
        {
            "set": source.sets[place],
            "text": source.descriptions[place],
            "change": round(float(changes[place]), 6),
        }
        for place in kept
    ]
    return {"descriptions": sorted(told, key=lambda one: one["change"])}


@torch.inference_mode()
def _moved(
    learner: NeuralLearner, curve: Callable[[Any], Any], inputs: Mapping[str, Any], count: int
) -> np.ndarray:
    """Return what each description does to the score: with its fit, less without. (count,).

    Without means that its mean and its maximum over the windows are 1 / count at all times, as if
    no description fitted better than another.
    """
    module, network = learner.module, _network(learner)
    assert module is not None
    prepared = module.scaled_inputs(learner.moved(inputs))
    features = prepared["features"]
    neutral = module.standardise(torch.full_like(inputs["features"][:, :1], 1 / count)).to(features)
    neutral = neutral.expand_as(features)
    variants = features.repeat(count + 1, 1, 1)
    for place in range(count):
        for column in (place, count + place):
            variants[place + 1, :, column] = neutral[0, :, column]
    lengths = prepared["lengths"].expand(count + 1)
    spatial = None
    if network.spatial is not None:
        spatial = network.spatial_vector(prepared["fragments"])
    raw = network.score_vectors(network.semantic_vector(variants, lengths), spatial).mean(1)
    raw = module.to_mos_scale(raw.double()).cpu().numpy()
    scores = curve(learner.curve(raw))
    return scores[0] - scores[1:]


@torch.inference_mode()
def _maps(
    models: Models,
    experiment: Experiment,
    record: VideoRecord,
    inputs: Mapping[str, Any],
    told: Mapping[str, Any],
    timeline: tuple[np.ndarray, np.ndarray],
) -> dict[str, Any]:
    """Return the maps of quality of the worst clips, and of descriptions at the worst moment."""
    times_s, quality = timeline
    found: list[dict[str, Any]] = []
    learner = models[0][0]
    network = _network(learner)
    network = getattr(network, "spatial", network)  # the branch of CLiF-VQA
    if hasattr(network, "quality_map"):
        module, fragments = learner.module, learner.moved(inputs)["fragments"]
        clips = module.to_mos_scale(network.quality_map(fragments)[0].mean(1))
        if len(clips) != len(times_s):  # the timeline is not that of the clips
            clips = clips.mean(0, keepdim=True).expand(len(times_s), -1, -1)
        for place in worst_moments(times_s, quality):
            found.append(
                {
                    "title": "local quality",
                    "time_s": float(times_s[place]),
                    "values": _rounded(clips[place]),
                    "region": "whole frame; raw scores of the fragments; their mean is the clip's",
                }
            )  # fmt: skip
    found += _description_maps(experiment, record, told)
    several = f"maps are those of the first of {len(models)} models"
    return {"maps": found, "remarks": [several] if found and len(models) > 1 else []}


def _description_maps(
    experiment: Experiment, record: VideoRecord, told: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return where the most harmful description of each set fits, at the worst moment."""
    source = _openclip(experiment)
    if source is None or not told["descriptions"] or not told["moments"]:
        return []
    worst = min(told["moments"], key=lambda moment: moment["quality"])
    info = probe(record.path, raw=record.raw_format)
    index = int(np.abs(info.times_s - worst["time_s"]).argmin())
    (frame,) = read_frames(record.path, [index], raw=record.raw_format, info=info)
    maps = dict(source.draw(frame))
    harmful: dict[str, dict[str, Any]] = {}
    for one in told["descriptions"]:  # the most harmful first
        harmful.setdefault(one["set"], one)
    return [
        {
            "title": f'fit of "{one["text"]}"',
            "time_s": worst["time_s"],
            "values": _rounded(_coarse(torch.from_numpy(maps[one["text"]]))),
            "region": "whole frame; how well the description fits each place",
        }
        for one in harmful.values()
    ]


def _coarse(drawn: Tensor, side: int = 24) -> Tensor:
    """Sample a map (H, W) at a grid with at most `side` values along its longer side."""
    height, width = drawn.shape
    step = max(height, width) / side
    rows = ((torch.arange(max(1, round(height / step))) + 0.5) * step).long().clamp_max(height - 1)
    columns = ((torch.arange(max(1, round(width / step))) + 0.5) * step).long().clamp_max(width - 1)
    return drawn[rows][:, columns]


def _rounded(values: Tensor) -> list[list[float | None]]:
    """Return a map (h, w) as lists; what is unknown is None."""
    rows = values.double().cpu().tolist()
    return [[round(one, 5) if np.isfinite(one) else None for one in row] for row in rows]


def _network(learner: Any) -> Any:
    module = learner.module if isinstance(learner, NeuralLearner) else None
    return None if module is None else module.network


def _openclip(experiment: Experiment) -> "OpenClipWindows | None":
    """Return the extractor of descriptions if it is the only one.

    open_clip takes seconds to import, so only models that use it do.
    """
    if not experiment.uses_features:
        return None
    sources = [one for one in experiment.sources.sources if isinstance(one, FeatureSource)]
    extractors = [one.extractor for one in sources]
    (only,) = extractors if len(extractors) == 1 else (None,)
    if only is None or only.name != "openclip":
        return None
    from vqa.features.openclip import OpenClipWindows

    return only if isinstance(only, OpenClipWindows) else None
