"""The page on a matrix of databases: trained on the one, tested on the other.

`matrix.json` holds what was computed; cells may be missing.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vqa.evaluation.metrics import METRICS
from vqa.reports import figures
from vqa.reports.page import link_to_report, placed, require_json, write_page
from vqa.reports.words import known, metric_title, percent, plural, shown

KEYS = ("title", "metric", "train", "test", "cells", "notes", "level")
CELL_KEYS = ("train", "test", "kind", "n", "metrics", "interval")


def write_matrix_page(folder: str | Path) -> Path:
    """Write `matrix.html` and its figures from the folder's `matrix.json`.

    Returns:
        The page's path.

    Raises:
        FileNotFoundError: `matrix.json` is absent.
        ValueError: It is not what it should be.
    """
    folder = Path(folder)
    path = folder / "matrix.json"
    matrix = require_json(path, KEYS)
    for number, cell in enumerate(matrix["cells"]):
        if missing := [key for key in CELL_KEYS if key not in cell]:
            raise ValueError(f"{path}: cell {number} has no {', '.join(missing)}")
    content = _content(folder, matrix)
    # The switch of the metric: one map is seen, the one whose radio button is on.
    rules = [
        f"#maps:has(#show-{metric}:checked) .map-{metric} {{ display: block; }}"
        for metric in content["metrics"]
    ]
    return write_page(folder / "matrix.html", "matrix.html", content, "\n".join(rules))


def _content(folder: Path, matrix: dict[str, Any]) -> dict[str, Any]:
    """All that the template shows."""
    first = matrix["metric"]
    measured = {name for cell in matrix["cells"] for name in cell["metrics"]}
    metrics = sorted(
        (name for name in METRICS if name in {first, *measured}), key=lambda name: name != first
    )
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
    """A cell as its row in the table shows it, None where it was not computed."""
    if cell is None:
        return None
    return {
        "splits": cell.get("splits"),
        "excluded": cell.get("excluded") or 0,
        "tested": "by protocol" if cell["kind"] == "protocol" else cell["kind"],
        "report": link_to_report(folder, cell.get("run")),
        "n": cell["n"],
        "metrics": cell["metrics"],
        "interval": cell["interval"],
        "notes": cell.get("notes") or [],
    }


def _verdict(matrix: Mapping[str, Any], cells: Mapping[tuple[str, str], Mapping]) -> str:
    """How well models do at home and abroad."""
    metric = matrix["metric"]
    home, abroad = [], []
    for (train, test), cell in cells.items():
        value = cell["metrics"].get(metric)
        if known(value):
            (home if train == test else abroad).append(value)
    said = [
        f"{shown(float(np.mean(values)), 3)} {where} ({plural(len(values), 'cell')})"
        for values, where in ((home, "on the database trained on"), (abroad, "on others"))
        if values
    ]
    if not said:
        return f"No cell has {metric_title(metric)} yet."
    return f"Mean {metric_title(metric)} {', '.join(said)}."


def _label(matrix: Mapping[str, Any], metric: str) -> str:
    """What a map shows, in words."""
    size = f"{len(matrix['train'])} by {len(matrix['test'])}"
    return f"Heat map of {metric_title(metric)}, {size} databases; the table below has the numbers"
