"""Compare finished runs on the splits that they share.

`shared` finds what the runs have in common, `pairs` tests which model is better, `model_cards` and
`by_group` describe each model and its scores on each kind of video, `formatting` prints all of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from vqa.evaluation.groups import read_groups
from vqa.evaluation.metrics import cards
from vqa.evaluation.results import Summary
from vqa.evaluation.summary import summarise
from vqa.files import write_atomically, write_json
from vqa.protocols.splits import Split
from vqa.runs.comparison.by_group import models_by_group
from vqa.runs.comparison.formatting import models_table
from vqa.runs.comparison.model_cards import describe_model
from vqa.runs.comparison.pairs import LEVEL, tested_pairs
from vqa.runs.comparison.shared import check_runs, distinct_labels, joined_scores, shared_splits
from vqa.runs.run import Run
from vqa.runs.used_features import MARK, untrained_features


@dataclass(frozen=True, slots=True)
class Comparison:
    """The outcome of `compare`.

    Attributes:
        content: Content of comparison.json.
        predictions: Columns `split, video, mos` and one of scores per run.
    """

    content: dict[str, Any]
    predictions: pd.DataFrame


def compare(
    runs: Sequence[Run],
    *,
    metric: str = "srocc",
    resamples: int = 2000,
    seed: int = 0,
    command: str = "",
) -> Comparison:
    """Compare finished runs of one database on the splits that they share.

    The label of a run on random weights says so, in every table and figure.

    Args:
        runs: Two or more runs.
        metric: Metric that pairs are compared by.
        resamples: Resamples of the paired bootstrap.
        seed: Seed of the paired bootstrap.
        command: Command line to store in the comparison.

    Raises:
        ComparisonError: Fewer than two runs, one that is not finished or tested nothing, different
            databases or labels, or no split in common.
        ValueError: Unknown metric.
    """
    cards.rankable_metric(metric)
    check_runs(runs)
    untrained = [untrained_features(run.folder) for run in runs]
    labels = [
        f"{label} ({MARK})" if names else label
        for label, names in zip(distinct_labels(runs), untrained, strict=True)
    ]
    splits = shared_splits(runs)
    table = joined_scores(runs, labels, splits)
    own = {
        label: table[["split", "video", "mos", label]].rename(columns={label: "score"})
        for label in labels
    }
    results = {label: summarise(part, ci95=runs[0].ci95()) for label, part in own.items()}
    content = {
        "title": f"{len(runs)} models on {runs[0].database['name']}",
        "models": [
            describe_model(run, label) | {"untrained": names}
            for run, label, names in zip(runs, labels, untrained, strict=True)
        ],
        "shared": {
            "splits": len(splits),
            "videos": table["video"].nunique(),
            "predictions": len(table),
        },
        "metric": metric,
        "summaries": {label: _summary(result.summary) for label, result in results.items()},
        "pairs": tested_pairs(own, results, splits, metric, resamples=resamples, seed=seed),
        "groups": models_by_group(own, read_groups(runs[0].folder / "videos.csv")),
        "notes": _notes(runs, labels, splits),
        "level": LEVEL,
        "command": command,
    }
    return Comparison(content, table)


def write_comparison_files(found: Comparison, folder: Path) -> None:
    """Write comparison.json, models.csv and predictions.csv, from which the page is made."""
    write_json(folder / "comparison.json", found.content)
    write_atomically(folder / "models.csv", models_table(found.content).to_csv(index=False))
    write_atomically(folder / "predictions.csv", found.predictions.to_csv(index=False))


def _summary(summary: Summary) -> dict[str, Any]:
    """Return a model's numbers; `median` has all metrics, also those reported alongside."""
    return {
        "median": summary.median | summary.alongside,
        "mean": summary.mean,
        "std": summary.std,
        "interval": summary.intervals,
    }


def _notes(runs: Sequence[Run], labels: Sequence[str], splits: Sequence[Split]) -> list[str]:
    """Return the notes of all runs and on splits that are not shared, each note once."""
    who: dict[str, list[str]] = {}
    for run, label in zip(runs, labels, strict=True):
        notes = run.notes()
        if (more := len(run.splits()) - len(splits)) > 0:
            notes = [*notes, f"{more} splits that the others do not have were skipped."]
        for note in notes:
            who.setdefault(note, []).append(label)
    return [
        f"{'all models' if len(found) == len(labels) else ', '.join(found)}: {note}"
        for note, found in who.items()
    ]
