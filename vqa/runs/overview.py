"""List the runs below a folder with their results, from their JSON and YAML files only."""

import logging
import math
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vqa.files import user_path
from vqa.runs.errors import RunError
from vqa.runs.opening import load_run
from vqa.runs.run import Run
from vqa.runs.stored import as_data
from vqa.runs.used_features import untrained_features

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One run in a list.

    Attributes:
        folder: The run folder.
        name: Name from the configuration.
        model: Name of the model.
        data: Name of the database.
        protocol: Name of the protocol.
        videos: Number of different test videos; 0 without results.
        splits: Number of splits in the run folder.
        done: Number of splits with predictions.
        srocc: Median SROCC over the splits; None if it is unknown or undefined.
        srocc_low: Lower end of its interval, or None.
        srocc_high: Upper end of its interval, or None.
        finished: Whether results and report exist.
        changed: Time of the last change, `YYYY-MM-DD HH:MM`.
        untrained: Names of its features that come from random weights, separated by commas.
        plcc: Median PLCC over the splits; None if it is unknown or undefined.
        rmse: Median RMSE over the splits; None likewise.
    """

    folder: Path
    name: str
    model: str
    data: str
    protocol: str
    videos: int
    splits: int
    done: int
    srocc: float | None
    srocc_low: float | None
    srocc_high: float | None
    finished: bool
    changed: str
    untrained: str
    plcc: float | None = None
    rmse: float | None = None


def find_runs(folder: str | Path) -> list[RunSummary]:
    """Find all runs below a folder, at any depth; the last changed comes first.

    Folders inside a run folder, such as its evaluations, are not searched. A folder that holds a
    damaged run is skipped with a log line that gives the reason.

    Raises:
        FileNotFoundError: There is no such folder.
    """
    folder = user_path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder; give the folder that holds the runs")
    found: list[tuple[float, RunSummary]] = []
    for place in _run_folders(folder):
        try:
            with as_data(place):
                found.append(_summary(load_run(place)))
        except (OSError, RunError, ValueError) as error:
            log.warning("skipped %s: %s", place, error)
    return [summary for _, summary in sorted(found, key=lambda one: (-one[0], one[1].folder))]


def _run_folders(folder: Path) -> Iterator[Path]:
    """Yield the folders that hold a config.yaml, without descending into them."""
    for place, folders, files in os.walk(folder):
        if "config.yaml" in files:
            folders.clear()
            yield Path(place)
        # W&B's own files hold a config.yaml too.
        folders[:] = sorted(name for name in folders if name[0] != "." and name != "wandb")


def _summary(run: Run) -> tuple[float, RunSummary]:
    """Return the time of the last change and the summary of a run."""
    config = run.config
    results = run.results() if (run.folder / "results.json").is_file() else None
    values, ends = dict.fromkeys(("srocc", "plcc", "rmse"), math.nan), (math.nan, math.nan)
    if results is not None:
        values = {name: results.summary.value(name) for name in values}
        ends = results.summary.interval("srocc")
    splits = [path.stem for path in (run.folder / "splits").glob("*.json")]
    predicted = [run.split_folder(name) / "predictions.csv" for name in splits]
    paths = [run.folder / "config.yaml", run.folder / "results.json", *predicted]
    changed = max(path.stat().st_mtime for path in paths if path.is_file())
    low, high = map(_known, ends)
    summary = RunSummary(
        folder=run.folder,
        name=str(config["name"]),
        model=str(config.get("model_name") or _last_word(config["model"])),
        data=str((config.get("data") or {}).get("name", "")),
        protocol=_last_word(config.get("protocol")),
        videos=results.summary.videos if results else 0,
        splits=len(splits),
        done=sum(path.is_file() for path in predicted),
        srocc=_known(values["srocc"]),
        srocc_low=low,
        srocc_high=high,
        finished=run.finished,
        changed=time.strftime("%Y-%m-%d %H:%M", time.localtime(changed)),
        untrained=", ".join(untrained_features(run.folder)),
        plcc=_known(values["plcc"]),
        rmse=_known(values["rmse"]),
    )
    return changed, summary


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _last_word(section: Any) -> str:
    """Return the last word of a section's target: `repeated` for `vqa.protocols.repeated`."""
    target = section.get("_target_", "") if isinstance(section, dict) else ""
    return str(target).rsplit(".", 1)[-1]
