"""The page of a cross-database matrix: trained on one database, tested on another.

It is made from `matrix.json`, in which cells may be missing.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vqa.evaluation.metrics import cards
from vqa.reports import figures
from vqa.reports.page import link_to_report, placed, require_json, write_page
from vqa.reports.words import known, percent, plural, shown
from vqa.runs.used_features import MARK

KEYS = ("title", "metric", "train", "test", "cells", "notes", "level")
CELL_KEYS = ("train", "test", "kind", "n", "metrics", "interval")


def write_matrix_page(folder: str | Path) -> Path:
    """Write `matrix.html` and its figures from the `matrix.json` of a folder.

    Returns:
        The path of the page.

    Raises:
        FileNotFoundError: `matrix.json` is absent.
        ValueError: It has unexpected content.
    """
    folder = Path(folder)
    path = folder / "matrix.json"
    matrix = require_json(path, KEYS)
    for number, cell in enumerate(matrix["cells"]):
        if missing := [key for key in CELL_KEYS if key not in cell]:
            raise ValueError(f"{path}: cell {number} has no {', '.join(missing)}")
    try:
        cards.rankable_metric(matrix["metric"])
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    content = _content(folder, matrix)
    # Only the map whose radio button is on is visible.
    rules = [
        f"#maps:has(#show-{metric}:checked) .map-{metric} {{ display: block; }}"
        for metric in content["metrics"]
    ]
    return write_page(folder / "matrix.html", "matrix.html", content, "\n".join(rules))


def _content(folder: Path, matrix: dict[str, Any]) -> dict[str, Any]:
    """Return the variables of the template."""
    first = matrix["metric"]
    measured = {name for cell in matrix["cells"] for name in cell["metrics"]}
    metrics = [first, *(name for name in cards.rankable() if name in measured - {first})]
    cells = {(cell["train"], cell["test"]): cell for cell in matrix["cells"]}
    rows = [
        {"train": train, "test": test, "cell": _row(folder, cells.get((train, test)))}
        for train in matrix["train"]
        for test in matrix["test"]
    ]
    return matrix | {
        "kicker": "Cross-database matrix",
        "verdict": _verdict(matrix, cells),
        "summary": [
            f"{len(cells)} of {plural(len(rows), 'cell')} computed",
            f"trained on {', '.join(matrix['train'])}",
            f"tested on {', '.join(matrix['test'])}",
        ],
        "metrics": metrics,
        "maps": {
            metric: placed(
                folder, figures.heat_map(matrix, metric), f"matrix-{metric}", _label(matrix, metric)
            )
            for metric in metrics
        },
        "rows": rows,
        "percent": percent(matrix["level"]),
        "command": matrix.get("command") or "",
    }


def _row(folder: Path, cell: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return a cell as its row in the table shows it; None if it was not computed."""
    if cell is None:
        return None
    return {
        "splits": cell.get("splits"),
        "excluded": cell.get("excluded") or 0,
        "tested": ("by protocol" if cell["kind"] == "protocol" else cell["kind"])
        + (f", {MARK}" if cell.get("untrained") else ""),
        "report": link_to_report(folder, cell.get("run")),
        "n": cell["n"],
        "metrics": cell["metrics"],
        "interval": cell["interval"],
        "notes": cell.get("notes") or [],
    }


def _verdict(matrix: Mapping[str, Any], cells: Mapping[tuple[str, str], Mapping]) -> str:
    """Return the mean results on the database trained on and on the others.

    Cells of random weights are left out, and a last sentence says so.
    """
    metric = matrix["metric"]
    same, others = [], []
    random = sum(bool(cell.get("untrained")) for cell in cells.values())
    if random and random == len(cells):
        return "Every cell has random weights: these numbers say nothing about quality."
    left_out = f" {plural(random, 'cell')} with random weights left out." if random else ""
    for (train, test), cell in cells.items():
        if cell.get("untrained"):
            continue
        value = cell["metrics"].get(metric)
        if known(value):
            (same if train == test else others).append(value)
    parts = [
        f"{shown(float(np.mean(values)), 3)} {where} ({plural(len(values), 'cell')})"
        for values, where in ((same, "on the database trained on"), (others, "on others"))
        if values
    ]
    if not parts:
        return f"No cell has {cards.title_of(metric)} yet.{left_out}"
    return f"Mean {cards.title_of(metric)} {', '.join(parts)}.{left_out}"


def _label(matrix: Mapping[str, Any], metric: str) -> str:
    """Return the text alternative of a map."""
    size = f"{len(matrix['train'])} by {len(matrix['test'])}"
    title = cards.title_of(metric)
    return f"Heat map of {title}, {size} databases; the table below has the numbers"
