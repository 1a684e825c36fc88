"""What a compared model is, and what its features and its training cost."""

from typing import Any

from vqa.reports.page import read_json
from vqa.runs import Run


def describe_model(run: Run, label: str) -> dict[str, Any]:
    """What a run's model is, for the page, and what it costs.

    Returns:
        `label`, `folder`, `model`, `features`, `database`, `weights_note` (text), and the costs
        `dimension`, `seconds_a_video` and `training_s_a_split`, None where not known.
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
    """What the run noted of its features and its training in `timing.json`; None: not known.

    Sums over the features, which are not known where one of them is not.
    """
    timing = read_json(run.folder / "timing.json") or {"features": {}, "splits": 0}
    sources = timing["features"].values()
    seconds = [source["seconds_a_video"] for source in sources]
    timed = bool(seconds) and None not in seconds
    return {
        "dimension": sum(source["dim"] for source in sources) or None,
        "seconds_a_video": sum(seconds) if timed else None,
        "training_s_a_split": timing["training_s"] / timing["splits"] if timing["splits"] else None,
    }
