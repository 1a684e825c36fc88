"""The index of all runs, studies, matrices and comparisons below a folder."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vqa.files import shown
from vqa.reports.page import link_to, write_page
from vqa.reports.words import plural
from vqa.runs.gathered import Gathered
from vqa.runs.overview import RunSummary
from vqa.runs.used_features import MARK

PLURALS = {"study": "studies", "matrix": "matrices", "comparison": "comparisons"}


def write_index(
    path: Path, folder: Path, runs: Sequence[RunSummary], gathered: Sequence[Gathered] = ()
) -> Path:
    """Write the page: one table, what gathers several runs first.

    Args:
        path: The page; its links are relative to its folder.
        folder: The folder that was searched.
        runs: The runs below it.
        gathered: The studies, matrices and comparisons below it.
    """
    rows = [*(_of_gathered(path, folder, one) for one in gathered)]
    rows += [_of_run(path, folder, one) for one in runs]
    content = {
        "kicker": "Index of runs",
        "title": shown(folder.resolve().name or folder.resolve()),
        "verdict": _verdict(runs, gathered),
        "summary": [f"last change {max(row['changed'] for row in rows)}"] if rows else [],
        "notes": [],
        "rows": rows,
    }
    return write_page(path, "index.html", content)


def _of_run(path: Path, folder: Path, run: RunSummary) -> dict[str, Any]:
    """Return a run as its row of the table."""
    done = "finished" if run.finished else f"{run.done} of {plural(run.splits, 'split')}"
    return asdict(run) | {
        "kind": "run",
        "title": shown(run.name),
        "place": _place(folder, run.folder),
        "link": link_to(path.parent, run.folder / "report.html"),
        "done": done,
        "share": 1.0 if run.finished else run.done / max(1, run.splits + 1),
        "mark": MARK if run.untrained else "",
        "interval": (run.srocc_low, run.srocc_high),
        "model": shown(run.model),
        "data": shown(run.data),
        "protocol": shown(run.protocol),
    }


def _of_gathered(path: Path, folder: Path, one: Gathered) -> dict[str, Any]:
    """Return a study, matrix or comparison as its row of the table; it has no single number."""
    cells = f"{one.done} of {plural(one.planned, 'cell')}"
    return dict.fromkeys(("model", "data", "protocol", "mark"), "") | {
        "kind": one.kind,
        "title": shown(one.title),
        "place": _place(folder, one.folder),
        "link": link_to(path.parent, one.page),
        "done": plural(one.planned, "model") if one.kind == "comparison" else cells,
        "share": one.done / max(1, one.planned),
        "videos": None,
        **dict.fromkeys(("srocc", "plcc", "rmse", "interval")),
        "changed": one.changed,
    }


def _place(folder: Path, place: Path) -> str:
    """Return a folder as it is called below the one that was searched."""
    return shown(place.relative_to(folder)) if place.is_relative_to(folder) else shown(place)


def _verdict(runs: Sequence[RunSummary], gathered: Sequence[Gathered]) -> str:
    """Count what there is."""
    finished = sum(run.finished for run in runs)
    parts = [f"{plural(len(runs), 'run')}, {finished} finished"] if runs else []
    for kind, several in PLURALS.items():
        if count := sum(one.kind == kind for one in gathered):
            parts.append(f"{count} {kind if count == 1 else several}")
    return "; ".join(parts) + "." if parts else "Nothing here yet."
