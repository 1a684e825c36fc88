"""The time that a run took: `timing.json`, and the seconds of each split beside its model."""

from collections.abc import Mapping
from typing import Any

from vqa.files import read_json, write_json
from vqa.runs.run import Run


def time_split(run: Run, split: str, seconds: float) -> None:
    """Store the training time of a split."""
    write_json(run.split_folder(split) / "seconds.json", round(seconds, 3))


def time_features(run: Run, features: Mapping[str, Any]) -> None:
    """Store the time spent on features and training in `timing.json`."""
    found = [read_json(run.split_folder(one.name) / "seconds.json") for one in run.splits()]
    seconds = [value for value in found if value is not None]
    timing = {"features": features, "training_s": round(sum(seconds), 3), "splits": len(seconds)}
    write_json(run.folder / "timing.json", timing)
