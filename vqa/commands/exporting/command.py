"""`vqa export`: write a trained model as files that run without this package."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vqa.commands.experiment import Experiment
from vqa.commands.exporting import checking, description, formats
from vqa.commands.preflight import check_folder
from vqa.commands.printing import say
from vqa.commands.scoring.choice import opened
from vqa.features.extraction.feature_source import FeatureSource
from vqa.files import making_folder, shown, user_path, write_json
from vqa.runs import Run, RunError
from vqa.runs.calibration import Calibration
from vqa.runs.opening import load_run
from vqa.runs.used_features import random_weights
from vqa.training.exported.networks import Exported, OfFragments, OfVector, member_of
from vqa.training.learners.svr import SVRLearner

TRACED_ROWS, TRACED_CLIPS = 50, 2  # of the example that is traced; the numbers stay open
SMALLEST_SIDE = 64
YOURS = "the exported model takes features from you"
OUTPUTS = tuple(description.OUTPUTS)


def main(
    model: str,
    *,
    output: str | None = None,
    kind: str = formats.ONNX,
    head: bool = False,
    weights: str | None = None,
    backbone_weights: str | None = None,
    level: float = 0.9,
    trust: Sequence[str] = (),
) -> int:
    """Export a model, check what was written, and say where it is.

    Args:
        model: A run folder, a model folder, the name of an embedded model, or with `weights` the
            name of a published model.
        output: The new folder; None names it after model and format.
        kind: `onnx` or `torch`.
        head: Leave out the network that computes the features.
        weights: Published weights of `model`.
        backbone_weights: Weights of its backbone.
        level: Probability of the intervals.
        trust: Packages besides vqa that the run's configuration may use.

    Raises:
        ValueError: The model cannot be exported, or a package is missing.
        RunError: The folder exists, or the written model differs from the trained one.
    """
    if kind == formats.ONNX:
        formats.check_extra()
    if head and weights is not None and backbone_weights is None:
        backbone_weights = "random"  # it is left out
    chosen = opened(model, weights=weights, backbone_weights=backbone_weights)
    run = chosen if isinstance(chosen, Run) else load_run(chosen)
    folder = user_path(output or f"{run.folder.name}-{kind}")
    check_folder("output", folder)
    if folder.exists():
        raise RunError(f"{shown(str(folder))} exists; remove it, or choose another --output")
    experiment = Experiment.of_run(run, data={"name": "files"}, paths={}, device="cpu", trust=trust)
    # Random weights that are left out say nothing about the head.
    left_out = {random_weights(name) for name in run.config.get("features", ())} if head else set()
    notes = [note for note in run.notes() if note not in left_out]
    with making_folder(folder) as made:
        found = _write(run, experiment, made, kind, level, notes, head=head)
    for note in notes:
        say(f"NOTE: {note}")
    for name, largest in found.items():
        differences = ", ".join(f"{length}: {value:.1g}" for length, value in largest.items())
        say(f"{name}: largest difference to the trained model, by length: {differences}")
    for path in sorted(folder.iterdir()):
        say(f"{path}  {path.stat().st_size / 1e6:.2f} MB")
    return 0


def _write(
    run: Run,
    experiment: Experiment,
    folder: Path,
    kind: str,
    level: float,
    notes: Sequence[str],
    *,
    head: bool,
) -> dict[str, Any]:
    """Write and check all files; returns the largest differences."""
    calibration = Calibration.load(run.folder)
    models: list[tuple[Any, Any]] = []
    for name in run.parts():
        learner = experiment.learned(run, name)
        models.append((learner, None if calibration is None else calibration.curves[name]))
    name = str(run.config.get("model_name") or run.folder.name)
    members = [member_of(learner, name) for learner, _ in models]
    module = Exported(members, [curve for _, curve in models]).eval()
    inputs: Iterator[np.ndarray]
    if isinstance(members[0], OfFragments):
        source = description.fragments_input(experiment.config["views"]["fragments"])
        shape = source["shape"][1:]
        example = torch.zeros(TRACED_CLIPS, *shape, dtype=torch.uint8)
        inputs = checking.fragments(shape)
    else:
        learner, is_vector = models[0][0], isinstance(members[0], OfVector)
        is_svr = isinstance(learner, SVRLearner)
        dim = learner.fitted.dim if is_svr else learner.module.input_dim
        source = description.features_input(dim, is_vector)
        example = torch.rand(TRACED_ROWS, dim)
        inputs = checking.features(dim, calibration.seen if calibration else None, is_vector)
    axis = source["shape"][0]
    path = folder / f"model{formats.SUFFIXES[kind]}"
    formats.write(
        module, path, kind, example, {0: (axis, source["least"])}, (source["name"], OUTPUTS)
    )
    largest = {path.name: checking.check_model(formats.opened(path, kind), models, inputs, axis)}
    networks = {} if head else _networks(experiment, folder, kind, largest)
    content = description.described(
        run,
        kind,
        folder,
        source,
        description.frames_read(experiment.config, networks),
        description.scale_of(run, calibration, level),
        notes,
        largest,
        formats.versions(kind),
    )
    write_json(folder / "model.json", content)
    return largest


def _networks(
    experiment: Experiment, folder: Path, kind: str, largest: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    """Write the networks that compute features; returns what is known of each kind of features."""
    if not experiment.uses_features:
        return {}
    sources = [one for one in experiment.sources.sources if isinstance(one, FeatureSource)]
    known: dict[str, dict[str, Any]] = {}
    axes = {0: ("frames", 1), 1: ("height", SMALLEST_SIDE), 2: ("width", SMALLEST_SIDE)}
    for source in sources:
        known[source.name] = {}
        names = getattr(source.extractor, "names", ())
        if len(names) == source.extractor.dim:
            known[source.name]["names"] = list(names)
        network = source.extractor.network()
        if network is None:
            say(f"{source.name}: no network that can be exported computes these features; {YOURS}")
            continue
        name = f"features-{source.name}" if len(sources) > 1 else "features"
        path = folder / f"{name}{formats.SUFFIXES[kind]}"
        example = torch.zeros(2, 131, 179, 3, dtype=torch.uint8)
        try:
            formats.write(network, path, kind, example, axes, ("frames", ("features",)))
        except formats.ExportError as error:
            say(f"{source.name}: {error}; {YOURS}")
            continue
        run = formats.opened(path, kind)
        largest[path.name] = {}
        for x in checking.frames():
            size = "x".join(map(str, x.shape[:3]))
            expected = source.extractor(x).float().cpu().numpy()
            largest[path.name][size] = checking.compared(f"features of {size}", run(x)[0], expected)
        known[source.name]["computed_by"] = path.name
    return known
