"""Finished runs side by side, on the splits that they share.

What goes together is found in `shared`; `pairs` tests who is better, `models` and `groups` say what
each model is, costs and does on each kind of video. `tables` shows it as text.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from vqa.evaluation.groups import read_groups
from vqa.evaluation.metrics import METRICS
from vqa.evaluation.results import summarise, write_json
from vqa.files import write_atomically
from vqa.protocols.splits import Split
from vqa.reports import write_comparison
from vqa.runs import Run
from vqa.runs.comparison.by_group import groups_beside
from vqa.runs.comparison.formatting import models_table
from vqa.runs.comparison.models import describe_model
from vqa.runs.comparison.pairs import LEVEL, tested_pairs
from vqa.runs.comparison.shared import check_runs, distinct_labels, joined_scores, shared_splits

KEPT = ("median", "mean", "std", "interval")


@dataclass(frozen=True, slots=True)
class Comparison:
    """What `compare` found.

    Attributes:
        content: What comparison.json holds.
        predictions: Columns `split, video, mos` and one per run.
    """

    content: dict[str, Any]
    predictions: pd.DataFrame


def compare(
    runs: Sequence[Run], *, metric: str = "srocc", resamples: int = 2000, seed: int = 0
) -> Comparison:
    """Compare finished runs of one database on the splits that they share.

    Args:
        runs: Two or more.
        metric: What pairs are compared by.
        resamples: Of the paired bootstrap.
        seed: Of the paired bootstrap.

    Raises:
        ComparisonError: Fewer than two runs, one that is not finished or tested nothing, another
            database or other labels, or no split in common.
        ValueError: Unknown metric.
    """
    if metric not in METRICS:
        raise ValueError(f"metric={metric!r} is not known; expected one of {', '.join(METRICS)}")
    check_runs(runs)
    labels = distinct_labels(runs)
    splits = shared_splits(runs)
    table = joined_scores(runs, labels, splits)
    own = {
        label: table[["split", "video", "mos", label]].rename(columns={label: "score"})
        for label in labels
    }
    results = {label: summarise(part, ci95=runs[0].ci95()) for label, part in own.items()}
    content = {
        "title": f"{len(runs)} models on {runs[0].database['name']}",
        "models": [describe_model(run, label) for run, label in zip(runs, labels, strict=True)],
        "shared": {
            "splits": len(splits),
            "videos": table["video"].nunique(),
            "predictions": len(table),
        },
        "metric": metric,
        "summaries": {
            label: {key: result["summary"][key] for key in KEPT}
            for label, result in results.items()
        },
        "pairs": tested_pairs(own, results, splits, metric, resamples=resamples, seed=seed),
        "groups": groups_beside(own, read_groups(runs[0].folder / "videos.csv")),
        "notes": _notes(runs, labels, splits),
        "level": LEVEL,
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
    }
    return Comparison(content, table)


def write_comparison_files(found: Comparison, folder: Path) -> Path:
    """Write comparison.json, models.csv, predictions.csv and the page; returns the page's path."""
    write_json(folder / "comparison.json", found.content)
    write_atomically(folder / "models.csv", models_table(found.content).to_csv(index=False))
    write_atomically(folder / "predictions.csv", found.predictions.to_csv(index=False))
    return write_comparison(folder)


def _notes(runs: Sequence[Run], labels: Sequence[str], splits: Sequence[Split]) -> list[str]:
    """What must be said of runs, once for all of which it is true, and of splits not shared."""
    who: dict[str, list[str]] = {}
    for run, label in zip(runs, labels, strict=True):
        said = run.notes()
        if more := len(run.splits()) - len(splits):
            said = [*said, f"{more} splits that the others do not have are left out."]
        for note in said:
            who.setdefault(note, []).append(label)
    return [
        f"{'all models' if len(found) == len(labels) else ', '.join(found)}: {note}"
        for note, found in who.items()
    ]
