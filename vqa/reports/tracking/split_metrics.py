"""The test metrics of one split, before the run is finished."""

from pathlib import Path

from vqa.evaluation.metrics import cards, score_all
from vqa.evaluation.predictions import read_predictions


def split_metrics(run_folder: Path, split: str) -> dict[str, float] | None:
    """Return the number of test videos of a split and its metrics; None if it tested nothing."""
    path = run_folder / split / "predictions.csv"
    if not path.is_file() or len(path.read_bytes().splitlines()) < 2:
        return None
    rows = read_predictions(path)
    names = [name for name in cards.table() if not cards.METRICS[name].needs_ci95]
    values = score_all(rows["mos"], rows["score"], names=names)
    return {"videos": len(rows)} | {name: values[name] for name in names}
