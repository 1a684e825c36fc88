"""Pack a run into a model folder that scores anywhere, on disk or on a hub."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vqa.commands import configuration
from vqa.commands.card import card
from vqa.commands.configuration import UsageError
from vqa.commands.experiment import Experiment
from vqa.commands.preflight import check_folder
from vqa.commands.printing import say
from vqa.features.extraction.feature_source import FeatureSource
from vqa.files import making_folder, plain_name, user_path
from vqa.runs import Run, RunError, hub
from vqa.runs.calibration import Calibration
from vqa.runs.inputs import changes
from vqa.runs.opening import load_run
from vqa.runs.packing import pack, seal
from vqa.runs.used_features import hold_features

FILES, NOWHERE = {"name": "files"}, {"cache": "cache"}  # nothing is read or written there
COMPARED = ("seed", "model", "features", "views", "loader")
KEPT = ("name", "model_name", "seed", "model", "features", "views", "loader", "trainer")


def main(
    run: str,
    output: str,
    *,
    name: str | None = None,
    features: Sequence[str] = (),
    folds: str | None = None,
    about: str | None = None,
    private: bool = False,
    trust: Sequence[str] = (),
) -> int:
    """Write a model folder and print its path, or upload it and print its address.

    Args:
        run: A finished run, or a model folder.
        output: The model folder, absent or empty, or `hf://owner/name`.
        name: Name of the model; None takes that of the run.
        features: What computes the features of a run that learned from a matrix of features.
        folds: A finished run of the same settings and data whose tests on held-out videos give the
            intervals and the numbers on the card; for a run that was trained on all videos.
        about: File whose text ends the card.
        private: Whether a new model on the hub is private.
        trust: Packages besides vqa that the run's configuration may use.

    Raises:
        UsageError: The run learned from a matrix of features and `features` is empty, or the other
            way round, or the model takes another number of features; `folds` is another model's,
            `about` cannot be read, or a folder is to be private.
        RunError: The folder is not empty, or as `vqa.runs.packing.pack` and `vqa.runs.hub.upload`.
    """

    def write(target: Path) -> None:
        packed = pack(trained, target, config, text, tested)
        if features:
            record_features(packed, trust)

    trained = load_run(run)
    experiment = Experiment.of_run(trained, data=FILES, paths=NOWHERE, trust=trust)
    tested = tested_by(trained, folds) if folds else trained
    config = packed_settings(trained, experiment, name, features)
    text = card(trained, tested, config, about_text(about))
    if hub.is_address(output):
        address = hub.Address.parse(output)
        with tempfile.TemporaryDirectory(prefix="vqa-") as place:
            write(Path(place))
            page = hub.upload(Path(place), address, private=private or None)
        say(f"uploaded: {page}; vqa score <videos> --model {address} scores with it")
        return 0
    folder = user_path(output)
    if private:
        raise UsageError(f"--private is for --output hf://owner/name, found {output}")
    check_folder("output", folder)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
    if folder.exists():
        raise RunError(f"{folder} is not empty; choose another --output")
    with making_folder(folder) as made:
        write(made)
    say(f"packed: {folder}; vqa score <videos> --model {folder} scores with it")
    return 0


def tested_by(run: Run, folds: str) -> Run:
    """Open the run that tested the settings of a run on held-out videos.

    Raises:
        UsageError: It has other settings or other data, or tested nothing.
    """
    tested = load_run(folds)
    different = [
        key for key in (*COMPARED, "alignment") if run.config.get(key) != tested.config.get(key)
    ]
    different += list(changes(run.inputs(), tested.inputs()))
    if different or tested.results() is None:
        what = f"differs ({'; '.join(different)})" if different else "tested nothing"
        raise UsageError(
            f"--folds {folds}: expected a run of the same settings and data as {run.folder} that "
            f"tested on held-out videos; it {what}"
        )
    return tested


def about_text(path: str | None) -> str:
    """Return the text of a file, empty without one.

    Raises:
        UsageError: There is no such file, or it is no text.
    """
    if path is None:
        return ""
    try:
        return user_path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--about {path}: expected a text file ({error})") from error


def packed_settings(
    run: Run, experiment: Experiment, name: str | None, features: Sequence[str]
) -> dict[str, Any]:
    """Return the settings of a model folder: those of the run that a score depends on."""
    settings = {key: experiment.config[key] for key in KEPT if key in experiment.config}
    settings["name"] = plain_name("name", name or settings["name"])
    settings["trainer"] = {**settings["trainer"], "accelerator": "auto"}
    settings["data"] = {"name": run.database["name"], "reader": experiment.config["data"]["reader"]}
    external = [key for key, one in settings["features"].items() if "extractor" not in one]
    if external and not features:
        raise UsageError(
            f"{run.folder} learned from a matrix of features ({', '.join(external)}): give what "
            "computes them from a video, for example --features nss"
        )
    if features and not external:
        raise UsageError(
            f"{run.folder} computes its features itself ({', '.join(settings['features'])}); leave "
            "--features out"
        )
    if features:
        composed = configuration.compose("train", [f"features=[{','.join(features)}]"])
        settings["features"] = configuration.resolved(composed)["features"]
    return settings


def record_features(packed: Run, trust: Sequence[str]) -> None:
    """Store what computes the features, if they have the number of columns that the model takes.

    Raises:
        UsageError: They have another.
    """
    experiment = Experiment.of_run(packed, data=FILES, paths=NOWHERE, trust=trust)
    calibration = Calibration.load(packed.folder)
    taken = None if calibration is None else len(calibration.seen.low)
    sources = experiment.sources.sources
    given = sum(one.extractor.dim for one in sources if isinstance(one, FeatureSource))
    if taken and taken != given:
        raise UsageError(
            f"the model takes {taken} features, those given are {given}; give others with "
            "--features"
        )
    hold_features(packed.folder, sources)
    seal(packed.folder)
