"""Description of a compared model, and the cost of its features and its training."""

from typing import Any

from vqa.runs.run import Run
from vqa.runs.stored import read_object


def describe_model(run: Run, label: str) -> dict[str, Any]:
    """Describe a run's model for the page, with its costs.

    Returns:
        `label`, `folder`, `model`, `features`, `database`, `weights_note` (text), and the costs
        `dimension`, `seconds_a_video` and `training_s_a_split`, None if unknown.
    """
    return {
        "label": label,
        "folder": str(run.folder.resolve()),
        "model": run.config.get("model_name", ""),
        "features": ", ".join(run.config.get("features", {})),
        "database": run.database["name"],
        "weights_note": " ".join(note for note in run.notes() if "weights" in note.lower()),
    } | _costs(run)


def _costs(run: Run) -> dict[str, float | None]:
    """Return what the run stored in `timing.json` about its features and training.

    Features add up; the sum is None if one of them is unknown.
    """
    path = run.folder / "timing.json"
    timing = read_object(path, features=dict, splits=int) or {"features": {}, "splits": 0}
    sources = timing["features"].values()
    seconds = [source["seconds_a_video"] for source in sources]
    timed = bool(seconds) and None not in seconds
    return {
        "dimension": sum(source["dim"] for source in sources) or None,
        "seconds_a_video": sum(seconds) if timed else None,
        "training_s_a_split": timing["training_s"] / timing["splits"] if timing["splits"] else None,
    }
