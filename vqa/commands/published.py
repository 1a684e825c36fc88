"""Published checkpoints as model folders, so that they score and are tested as runs are."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vqa import __version__
from vqa.commands import configuration
from vqa.commands.configuration import UsageError, quoted
from vqa.commands.pack import KEPT
from vqa.evaluation.calibration import ScaleCurve
from vqa.files import content_hash, making_folder, user_path, write_atomically, write_json
from vqa.models.pretrained.published_models import read_published
from vqa.models.pretrained.releases import PublishedModel
from vqa.models.pretrained.weights import WeightsError
from vqa.runs import Run
from vqa.runs.calibration import PUBLISHED, Calibration
from vqa.runs.hashes import file_hashes
from vqa.runs.opening import identity, load_run
from vqa.runs.seen import Seen
from vqa.runs.stored import settings_text
from vqa.runs.used_features import random_weights
from vqa.training.learners.neural import NeuralLearner
from vqa.training.learners.scoring import ScoringNetwork

PART, RANDOM = "published", "random"


def published_run(
    model: str,
    weights: str | Path,
    *,
    backbone_weights: str | Path | None = None,
    cache: str | Path = "cache",
    folder: str | Path | None = None,
    overrides: Sequence[str] = (),
) -> Run:
    """Make the model folder of a checkpoint that the authors of a model published.

    It is named after the content of the files and the settings, so it is made once.

    Args:
        model: Name of the model in `conf/model`.
        weights: The authors' file.
        backbone_weights: File of the weights of the network that computes the features; None takes
            them by torchvision's loader, `random` takes none.
        cache: Folder of caches; model folders are in `models` below it.
        folder: Where model folders are instead.
        overrides: Further settings, as for `train`.

    Raises:
        WeightsError: The file is not such a checkpoint; as `read_published`.
        UsageError: Backbone weights for a model without a backbone, or wrong settings.
    """
    published = read_published(weights, model)
    config = settings_of(published, backbone_weights, overrides)
    place = user_path(folder) if folder is not None else user_path(cache) / "models"
    content = [content_hash(user_path(weights)), identity(config), __version__]
    if backbone_weights not in (None, RANDOM):
        content.append(content_hash(user_path(backbone_weights)))
    mark = hashlib.sha256(" ".join(content).encode()).hexdigest()[:8]
    target = place / f"{model}-{mark}"
    if not target.is_dir():
        with making_folder(target) as made:
            _write(made, published, config, str(weights))
    return load_run(target)


def settings_of(
    published: PublishedModel, backbone_weights: str | Path | None, overrides: Sequence[str]
) -> dict[str, Any]:
    """Return the settings of a model folder of published weights."""
    kind = published.features
    # Any database but the demo, which brings its own recipe; it is not used.
    words = [f"model={published.model}", f"features={kind or 'none'}", "data=konvid"]
    words += published.settings
    if backbone_weights is not None:
        if kind is None:
            raise UsageError(
                f"--backbone-weights: {published.title} has no backbone of its own; its weights "
                "file holds the whole network, so leave it out"
            )
        path = user_path(backbone_weights)
        if backbone_weights != RANDOM and not path.is_file():
            raise WeightsError(
                f"no backbone weights at {path}: expected a file of {kind} weights; leave "
                "--backbone-weights out to take those of torchvision's loader"
            )
        value = RANDOM if backbone_weights == RANDOM else quoted(str(path.absolute()))
        words.append(f"features.{kind}.weights={value}")
    given = {word.lstrip("+").partition("=")[0] for word in overrides}
    words = [word for word in words if word.partition("=")[0] not in given]
    composed = configuration.resolved(configuration.compose("train", [*words, *overrides]))
    settings = {key: composed[key] for key in KEPT if key in composed}
    settings["name"] = published.model
    settings["trainer"] = {**settings["trainer"], "accelerator": "auto"}
    trained_on = published.databases[0] if published.databases else "unknown"
    settings["data"] = {"name": trained_on, "reader": composed["data"]["reader"]}
    return settings


def _write(folder: Path, published: PublishedModel, config: dict[str, Any], weights: str) -> None:
    scale, *others = published.scales or (None,)
    database = {
        "name": config["data"]["name"],
        "mos_range": list(scale.limits) if scale else [0.0, 1.0],
        "scale_known": scale is not None,
        "databases": list(published.databases),
    }
    write_json(folder / "database.json", database)
    notes = list(published.notes)
    for name, settings in config["features"].items():
        if settings.get("extractor", {}).get("weights") == RANDOM:
            notes.insert(0, random_weights(name))
    write_json(folder / "notes.json", notes)
    write_json(folder / "environment.json", {"vqa": __version__})
    write_atomically(folder / "config.yaml", settings_text(config))
    learner = NeuralLearner(None, None, None, None)  # type: ignore[arg-type]
    learner.module = ScoringNetwork(published.network, input_dim=published.input_dim, mos_scale=1.0)
    learner.save(folder / PART)
    if scale is not None:
        calibration = Calibration(
            scale.limits,
            {PART: ScaleCurve(scale.curve, *scale.limits)},
            PUBLISHED,
            None,
            np.empty(0),
            Seen(),
            scale.meaning,
            {one.name: ScaleCurve(one.curve, *one.limits) for one in others},
        )
        calibration.save(folder)
    write_atomically(folder / "README.md", _card(published, weights, notes))
    write_json(folder / "manifest.json", file_hashes(folder))


def _card(published: PublishedModel, weights: str, notes: Sequence[str]) -> str:
    trained_on = ", ".join(published.databases) or "unknown"
    scales = [
        f"- Scale {one.name}: [{one.limits[0]:g}, {one.limits[1]:g}], {one.meaning}"
        for one in published.scales
    ]
    lines = [
        f"# {published.title}",
        "",
        f"- Weights: {Path(weights).name}, published by the authors; not trained here",
        f"- Trained on: {trained_on}",
        f"- Raw score: {published.raw}",
        *(scales or ["- Scale: unknown, raw scores only"]),
        f"- Features: {published.features or 'none, fragments of the frames'}",
        *(f"- Note: {note}" for note in notes),
        "",
    ]
    return "\n".join(lines)
