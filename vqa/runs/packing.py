"""Model folders: what scoring needs of a run, and nothing of where and on what it was trained.

    config.yaml          settings of model, features and views; files as `./weights/<name>`
    database.json        name and MOS range of the training database, hashes of its files
    calibration.json     curves to the MOS scale, errors on held-out videos, what was seen
    features.json        weights and hashes of the features it learned from
    notes.json           notes for every reader of the scores
    results.json         the numbers on the card
    <split>/             model.safetensors, learner.json
    weights/             files that settings name, such as weights of a backbone
    README.md            the card
    manifest.json        SHA-256 of every file that a score depends on

A model folder is a run folder without what only training and its report need, so whatever scores
with a run scores with a model folder.
"""

import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from vqa import __version__
from vqa.files import content_hash, read_json, user_path, write_atomically, write_json
from vqa.runs.calibration import CALIBRATION, Calibration
from vqa.runs.hashes import file_hashes
from vqa.runs.run import Run
from vqa.runs.stored import settings_text

TEXTS = ("database.json", "notes.json", "features.json", "calibration.json", "results.json")
PARTS = ("model.safetensors", "learner.json")
OWN_FILE = re.compile(r"\./weights/[\w-][\w.+-]*")


def pack(
    run: Run, folder: Path, config: Mapping[str, Any], card: str, tested: Run | None = None
) -> Run:
    """Write a model folder.

    Args:
        run: A finished run, or a model folder.
        folder: The model folder, empty.
        config: Its settings; paths of files in them are replaced by copies inside the folder.
        card: Text of its README.md.
        tested: The run whose results and errors on held-out videos are stored; None: `run` itself.

    Raises:
        RunError: The run is not finished or was changed.
    """
    parts, tested = run.parts(), tested or run
    copied = ["features.json", *(f"{part}/{name}" for part in parts for name in PARTS)]
    run.check("database.json", "notes.json", CALIBRATION, *copied)
    tested.check(CALIBRATION, "results.json")
    calibration, judged = Calibration.load(run.folder), Calibration.load(tested.folder)
    if calibration is not None and judged is not None:
        replace(calibration, errors=judged.errors).save(folder)
    if (tested.folder / "results.json").is_file():
        write_json(folder / "results.json", read_json(tested.folder / "results.json"))
    write_json(folder / "notes.json", notes_for_scores(run))
    write_json(folder / "database.json", {**run.database, **_trained_on(run)})
    for name in copied:
        if (run.folder / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(run.folder / name, folder / name)
    write_json(folder / "environment.json", {"vqa": __version__})
    write_atomically(folder / "config.yaml", settings_text(_inside(config, folder)))
    write_atomically(folder / "README.md", card)
    seal(folder)
    return Run(folder, config)


def _trained_on(run: Run) -> dict[str, list[str]]:
    """Return the hashes of the training files, and the names of the databases they are from."""
    if not (run.folder / "videos.csv").is_file():
        return {}
    names = {run.database["name"], *run.videos()["group"].dropna()}
    return {"databases": sorted(names), "files": sorted(run.training_files())}


def notes_for_scores(run: Run) -> list[str]:
    """Return the notes of a run without those that name videos of its training."""
    if not (run.folder / "videos.csv").is_file():
        return run.notes()
    videos = list(run.videos().index)
    return [note for note in run.notes() if not any(video in note for video in videos)]


def seal(folder: Path) -> None:
    """Write the manifest of a model folder."""
    write_json(folder / "manifest.json", file_hashes(folder))


def with_own_files(run: Run, settings: Any) -> Any:
    """Return settings with the places of a model folder's own files for `./weights/<name>`.

    Raises:
        RunError: Such a file is not the one that was packed.
    """
    if isinstance(settings, Mapping):
        return {key: with_own_files(run, value) for key, value in settings.items()}
    if isinstance(settings, list):
        return [with_own_files(run, value) for value in settings]
    if isinstance(settings, str) and OWN_FILE.fullmatch(settings):
        name = settings.removeprefix("./")
        run.check(name)
        return str((run.folder / name).absolute())
    return settings


def _inside(settings: Any, folder: Path) -> Any:
    """Copy the files that settings name into a model folder; return the settings with the copies.

    Names of classes and settings that happen to be names of files are left alone: only values with
    a separator of folders or a suffix of weights count.
    """
    if isinstance(settings, Mapping):
        return {
            key: value if key == "_target_" else _inside(value, folder)
            for key, value in settings.items()
        }
    if isinstance(settings, list):
        return [_inside(value, folder) for value in settings]
    if not isinstance(settings, str) or not ("/" in settings or "." in settings):
        return settings
    path = user_path(settings)
    if not path.is_file():
        return settings
    name = re.sub(r"[^\w.+-]", "_", path.name).lstrip(".") or "file"
    target = folder / "weights" / name
    if target.is_file() and content_hash(target) != content_hash(path):
        target = target.with_name(f"{content_hash(path)[:8]}-{name}")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, target)
    return f"./weights/{target.name}"
