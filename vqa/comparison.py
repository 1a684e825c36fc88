"""Finished runs side by side, on the splits that they share.

Runs are compared on the same test videos or not at all: a split counts where every run has it with
the same hash. `protocol=imported` on the first run's `splits/` makes others comparable.
"""

import math
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import pandas as pd

from vqa.files import write_atomically
from vqa.metrics import METRICS, lower_is_better
from vqa.reports import write_comparison
from vqa.reports.figures.cost import seconds_text
from vqa.reports.groups import group_tables, read_groups
from vqa.reports.page import read_json
from vqa.results import TITLES, aligned_rows, number, summarise, write_json
from vqa.runs import Run
from vqa.splits import Split
from vqa.statistics import compare_splits, corrected_resampled_t, f_test, holm

LEVEL = 0.95
KEPT = ("median", "mean", "std", "interval")
# What a run costs, and its heads in the text.
COSTS = {
    "dimension": "dimension",
    "seconds_a_video": "s a video",
    "training_s_a_split": "training s a split",
}


class ComparisonError(ValueError):
    """Runs that cannot be compared; the text says why and what would help."""


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
    _check(runs)
    labels = _labels(runs)
    splits = _shared_splits(runs)
    table = _joined(runs, labels, splits)
    own = {label: _scores_of(table, label) for label in labels}
    results = {label: summarise(part, ci95=runs[0].ci95()) for label, part in own.items()}
    options = {"resamples": resamples, "level": LEVEL, "seed": seed}
    pairs = [_pair(a, b, own, results, splits, metric, options) for a, b in combinations(labels, 2)]
    for pair, adjusted in zip(pairs, holm([pair["p_bootstrap"] for pair in pairs]), strict=True):
        pair["p_holm"] = float(adjusted)
        pair["better"] = _better(pair)
    content = {
        "title": f"{len(runs)} models on {runs[0].database['name']}",
        "models": [_model(run, label) for run, label in zip(runs, labels, strict=True)],
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
        "pairs": pairs,
        "groups": _groups(runs[0], own),
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


def models_table(content: Mapping[str, Any]) -> pd.DataFrame:
    """A row for each model: medians of all metrics, both ends of their intervals, what it costs.

    The costs (`dimension` of the features, `seconds_a_video` of them, `training_s_a_split`) are
    columns where a run has any.
    """
    rows = []
    for model in content["models"]:
        row = {key: model[key] for key in ("label", "model", "features")}
        summary = content["summaries"][model["label"]]
        for name in METRICS:
            low, high = summary["interval"][name]
            row |= {name: summary["median"][name], f"{name}_low": low, f"{name}_high": high}
        rows.append(row | {key: model[key] for key in _known_costs(content)})
    table = pd.DataFrame(rows)
    # Whole numbers, also beside models without a dimension.
    return table.astype({"dimension": "Int64"}) if "dimension" in table else table


def format_comparison(content: Mapping[str, Any]) -> str:
    """Summaries and pairs as aligned plain text."""
    metric, shared = content["metric"], content["shared"]
    costs = _known_costs(content)
    head = ["median of splits", *TITLES.values(), *(COSTS[key] for key in costs)]
    rows = [
        [
            model["label"],
            *(number(content["summaries"][model["label"]]["median"][name]) for name in METRICS),
            *(_cost_text(key, model[key]) for key in costs),
        ]
        for model in content["models"]
    ]
    pairs = [["pair", f"difference of {TITLES[metric]}", "95 % interval", "p, Holm", "better"]]
    for pair in content["pairs"]:
        low, high = (number(end) for end in pair["interval"])
        pairs.append(
            [
                f"{pair['a']} - {pair['b']}", number(pair["difference"]), f"{low} to {high}",
                number(pair["p_holm"]), pair["better"] or "neither",
            ]
        )  # fmt: skip
    counts = f"{shared['splits']} splits, {shared['videos']} videos in common"
    return "\n\n".join([counts, _ruled([head, *rows]), _ruled(pairs)])


def _check(runs: Sequence[Run]) -> None:
    if len(runs) < 2:
        raise ComparisonError(f"{len(runs)} run given; expected two or more to compare")
    for run in runs:
        if not run.finished or run.results() is None:
            raise ComparisonError(f"{run.folder} is not finished, or tested nothing")
    names = sorted({run.database["name"] for run in runs})
    if len(names) > 1:
        raise ComparisonError(
            f"the runs are about different databases ({', '.join(names)}); compare runs of one"
        )


def _labels(runs: Sequence[Run]) -> list[str]:
    """The runs' names, or, where two are called the same, the names of their folders."""
    names = [str(run.config["name"]) for run in runs]
    folders = [run.folder.resolve().name for run in runs]
    for chosen in (names, folders):
        if len(set(chosen)) == len(runs):
            return chosen
    return [f"{folder} ({place})" for place, folder in enumerate(folders, 1)]


def _shared_splits(runs: Sequence[Run]) -> list[Split]:
    """Splits with a test part that every run has, by hash."""
    hashes = [{split.sha256 for split in run.splits()} for run in runs]
    shared = [
        split
        for split in runs[0].splits()
        if split.test and all(split.sha256 in known for known in hashes)
    ]
    if not shared:
        raise ComparisonError(
            f"the runs share no split; train the others with protocol=imported "
            f"protocol.path={runs[0].folder / 'splits'}"
        )
    return shared


def _joined(runs: Sequence[Run], labels: Sequence[str], splits: Sequence[Split]) -> pd.DataFrame:
    """All scores beside each other, joined by split and video."""
    # A split of one hash has one name, since the name is hashed as well.
    names = {split.name for split in splits}
    table = None
    for run, label in zip(runs, labels, strict=True):
        part = run.predictions()
        part = part[part["split"].isin(names)].rename(columns={"score": label})
        if table is None:
            table = part
            continue
        table = table.merge(part, "inner", ["split", "video"], suffixes=("", " of it"))
        differ = table[(table["mos"] - table["mos of it"]).abs() > 1e-9]
        if len(differ):
            raise ComparisonError(
                f"{label} has other MOS than {labels[0]} for {len(differ)} predictions, for "
                f"instance {differ['video'].iloc[0]}; they were trained on different labels"
            )
        table = table.drop(columns="mos of it")
    return table


def _scores_of(table: pd.DataFrame, label: str) -> pd.DataFrame:
    return table[["split", "video", "mos", label]].rename(columns={label: "score"})


def _pair(
    a: str,
    b: str,
    own: Mapping[str, pd.DataFrame],
    results: Mapping[str, Mapping[str, Any]],
    splits: Sequence[Split],
    metric: str,
    options: Mapping[str, Any],
) -> dict[str, Any]:
    """One pair's mean difference over splits (a minus b), with its tests."""
    boot = compare_splits(own[a], own[b], metric, **options)
    one, two = (results[label]["splits"] for label in (a, b))
    differences = [one[split.name][metric] - two[split.name][metric] for split in splits]
    known = [value for value in differences if not math.isnan(value)]
    p_t = None
    if len(known) > 1:
        train, test = len(splits[0].train), len(splits[0].test)
        p_t = corrected_resampled_t(known, train, test).p
    return {
        "a": a,
        "b": b,
        "metric": metric,
        "difference": boot.difference,
        "interval": list(boot.interval),
        "p_bootstrap": boot.p,
        "p_t": p_t,
        "p_f": statistics.median(list(_f_tests(one, two, splits)) or [math.nan]),
    }


def _f_tests(
    one: Mapping[str, Any], two: Mapping[str, Any], splits: Sequence[Split]
) -> Iterator[float]:
    """P of the F-test of each split on which both models have residuals.

    It is meant for independent sets; of models on the same videos it finds too little.
    """
    for split in splits:
        n, rmse = len(split.test), (one[split.name]["rmse"], two[split.name]["rmse"])
        if n > 4 and all(value > 0 for value in rmse):
            yield f_test(rmse[0], n, rmse[1], n).p


def _better(pair: Mapping[str, Any]) -> str | None:
    """Which of the two is significantly better, None where neither is."""
    if not pair["p_holm"] < 1 - LEVEL:
        return None
    first_is_higher = pair["difference"] > 0
    return pair["a" if first_is_higher != lower_is_better(pair["metric"]) else "b"]


def _model(run: Run, label: str) -> dict[str, Any]:
    """What a model is, for the page."""
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


def _known_costs(content: Mapping[str, Any]) -> list[str]:
    """Which costs at least one run has."""
    return [key for key in COSTS if any(model[key] is not None for model in content["models"])]


def _cost_text(key: str, value: float | None) -> str:
    """A cost as the table writes it."""
    return seconds_text(value) if key != "dimension" or value is None else str(value)


def _groups(run: Run, own: Mapping[str, pd.DataFrame]) -> list[dict[str, Any]]:
    """The groups' metrics with the models beside each other."""
    groups = read_groups(run.folder / "videos.csv")
    tables = {label: group_tables(part, groups) for label, part in own.items()}
    beside = []
    for place, table in enumerate(next(iter(tables.values()))):
        rows = []
        for number_of_row, row in enumerate(table["rows"]):
            values = {
                label: {
                    name: found[place]["rows"][number_of_row][name]
                    for name in ("srocc", "rmse_raw")
                }
                for label, found in tables.items()
            }
            rows.append({"group": row["group"], "n": row["n"], "values": values})
        beside.append({"by": table["by"], "rows": rows})
    return beside


def _notes(runs: Sequence[Run], labels: Sequence[str], splits: Sequence[Split]) -> list[str]:
    """What must be said of each run, and of splits that are not shared."""
    notes = [
        f"{label}: {note}" for run, label in zip(runs, labels, strict=True) for note in run.notes()
    ]
    for run, label in zip(runs, labels, strict=True):
        if more := len(run.splits()) - len(splits):
            notes.append(f"{label}: {more} splits that the others do not have are left out.")
    return notes


def _ruled(rows: Sequence[Sequence[str]]) -> str:
    """Rows as text, a line below the first."""
    lines = aligned_rows(rows)
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])
