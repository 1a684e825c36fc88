"""Pack a run into a model folder that scores anywhere, on disk or on a hub."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vqa.commands import configuration
from vqa.commands.configuration import UsageError
from vqa.commands.experiment import Experiment
from vqa.commands.preflight import check_folder
from vqa.commands.printing import say
from vqa.evaluation.metrics import cards
from vqa.evaluation.text import number
from vqa.features.extraction.feature_source import FeatureSource
from vqa.files import plain_name, user_path
from vqa.runs import Run, hub
from vqa.runs.calibration import Calibration
from vqa.runs.opening import load_run
from vqa.runs.packing import pack

FILES, NOWHERE = {"name": "files"}, {"cache": "cache"}  # nothing is read or written there
KEPT = ("name", "model_name", "seed", "model", "features", "views", "loader", "trainer")


def main(
    run: str,
    output: str,
    *,
    name: str | None = None,
    features: Sequence[str] = (),
    private: bool = False,
    trust: Sequence[str] = (),
) -> int:
    """Write a model folder and print its path, or upload it and print its address.

    Args:
        run: A finished run, or a model folder.
        output: The model folder, absent or empty, or `hf://owner/name`.
        name: Name of the model; None takes that of the run.
        features: What computes the features of a run that learned from a matrix of features.
        private: Whether a new model on the hub is private.
        trust: Packages besides vqa that the run's configuration may use.

    Raises:
        UsageError: The run learned from a matrix of features and `features` is empty, or the other
            way round, the model takes another number of features, or a folder is to be private.
        RunError: As `vqa.runs.packing.pack` and `vqa.runs.hub.upload`.
    """
    if not hub.is_address(output):
        if private:
            raise UsageError(f"--private is for --output hf://owner/name, found {output}")
        folder = user_path(output)
        check_folder("output", folder)
        packed = pack_run(run, folder, name, features, trust)
        say(f"packed: {packed.folder}; vqa score {packed.folder} <videos> scores with it")
        return 0
    address = hub.Address.parse(output)
    with tempfile.TemporaryDirectory(prefix="vqa-") as place:
        packed = pack_run(run, Path(place) / "model", name, features, trust)
        page = hub.upload(packed.folder, address, private=private or None)
    say(f"uploaded: {page}; vqa score {address} <videos> scores with it")
    return 0


def pack_run(
    run: str, folder: Path, name: str | None, features: Sequence[str], trust: Sequence[str]
) -> Run:
    """Write a model folder and return it; the arguments are those of `main`."""
    trained = load_run(run)
    experiment = Experiment.of_run(trained, data=FILES, paths=NOWHERE, trust=trust)
    config = packed_settings(trained, experiment, name, features)
    own = trained.folder / "README.md"
    text = own.read_text(encoding="utf-8") if own.is_file() else card(trained, config)
    packed = pack(trained, folder, config, text)
    if features:
        check_features(packed, trust)
    return packed


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


def check_features(packed: Run, trust: Sequence[str]) -> None:
    """Check that the features given have the number of columns that the model takes.

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
            f"{packed.folder}: the model takes {taken} features, those given are {given}; give "
            "others with --features and another --output"
        )


def card(run: Run, config: Mapping[str, Any]) -> str:
    """Return the text of a model's card."""
    low, high = run.database["mos_range"]
    lines = [
        f"# {config['name']}",
        "",
        f"Scores videos on [{low:g}, {high:g}], the MOS scale of {run.database['name']}; higher is "
        "better. Without a reference.",
        "",
        f"- Model: {config.get('model_name', '')}, trained on {run.database['videos']} videos",
        f"- Features: {', '.join(config['features']) or 'none'}",
        *(f"- Note: {note}" for note in run.notes()),
        "",
        "```bash",
        "vqa score <this folder> clip.mp4",
        "```",
        "",
    ]
    results = run.results()
    if results is not None:
        lines += ["## Measured on videos that no model of it was trained on", ""]
        names = cards.table()
        lines.append("| " + " | ".join(["", "videos", *map(cards.title_of, names)]) + " |")
        lines.append("|---|" + "---:|" * (len(names) + 1))
        for name, part in results.splits.items():
            values = [number(part.value(metric)) for metric in names]
            lines.append(f"| {name} | " + " | ".join([str(part.n), *values]) + " |")
        lines.append("")
    return "\n".join(lines)
