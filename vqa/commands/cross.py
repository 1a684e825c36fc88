"""The cross-database matrix: models trained on each database, tested on each.

The diagonal comes from the protocol, on test parts alone. Off it a model trained on all of a
database is tested on all of another, without the files that both hold. Every cell's numbers are
those of the run that its predictions lie in, so the matrix can be killed at any moment and goes on.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from vqa.commands import workflow
from vqa.commands.assembly import Config
from vqa.evaluation.metrics import METRICS
from vqa.evaluation.results import TITLES, aligned_rows, number, write_json
from vqa.files import write_atomically
from vqa.reports import write_matrix_page
from vqa.runs import Run

log = logging.getLogger(__name__)

Compose = Callable[..., Config]


def cross_database(
    trains: Sequence[str],
    tests: Sequence[str],
    compose: Compose,
    folder: Path,
    *,
    whole: str | None = "full",
    metric: str = "srocc",
    title: str = "Cross-database evaluation",
    command: str = "",
) -> dict[str, Any]:
    """Train and test what is missing, and write matrix.json, matrix.csv and matrix.html.

    Args:
        trains: Databases to train on.
        tests: Databases to test on.
        compose: Makes the configuration of a training from a database and, optionally, the protocol
            to use instead of the configured one.
        folder: Where the matrix goes; it is written anew after every cell.
        whole: Protocol of the models that are tested on other databases; None takes those of the
            diagonal.
        metric: What the table and the first map show.
        title: What is evaluated.
        command: Kept in the matrix.

    Returns:
        What matrix.json holds.

    Raises:
        ValueError: Unknown metric, or a database named twice or not at all.
    """
    _check(trains, tests, metric)
    matrix: dict[str, Any] = {
        "title": title,
        "metric": metric,
        "train": list(trains),
        "test": list(tests),
        "cells": [],
        "notes": [],
        "level": 0.95,
        "command": command,
    }
    for number_done, (train, test, result, kind) in enumerate(
        _runs(trains, tests, compose, whole), 1
    ):
        cell = _cell(train, test, result, kind)
        matrix["cells"].append(cell)
        matrix["notes"] = list(
            dict.fromkeys(note for done in matrix["cells"] for note in done["notes"])
        )
        write_matrix(matrix, folder)
        shown = number(cell["metrics"][metric])
        log.info(
            "cell %d of %d: %s -> %s, %s %s",
            number_done, len(trains) * len(tests), train, test, TITLES[metric], shown,
        )  # fmt: skip
    return matrix


def write_matrix(matrix: Mapping[str, Any], folder: Path) -> Path:
    """Write a matrix as JSON, table and page; returns the page's path."""
    write_json(folder / "matrix.json", matrix)
    rows = [
        {
            **{name: cell[name] for name in ("train", "test", "kind", "n", "splits", "excluded")},
            **cell["metrics"],
            **{f"{name}_low": cell["interval"][name][0] for name in METRICS},
            **{f"{name}_high": cell["interval"][name][1] for name in METRICS},
            "run": cell["run"],
        }
        for cell in matrix["cells"]
    ]
    write_atomically(folder / "matrix.csv", pd.DataFrame(rows).to_csv(index=False))
    return write_matrix_page(folder)


def format_matrix(matrix: Mapping[str, Any]) -> str:
    """The matrix of its first metric as aligned text, intervals below the values."""
    metric = matrix["metric"]
    cells = {(cell["train"], cell["test"]): cell for cell in matrix["cells"]}
    table = [[f"{TITLES[metric]}, trained on", *(f"on {test}" for test in matrix["test"])]]
    for train in matrix["train"]:
        row = [cells.get((train, test)) for test in matrix["test"]]
        table.append([train, *(_value(cell, metric) for cell in row)])
        table.append(["", *(_interval(cell, metric) for cell in row)])
    lines = aligned_rows(table)
    lines.insert(1, "-" * len(lines[0]))
    percent = f"{100 * matrix['level']:g} %"
    lines.append(f"* by protocol, on test parts; others on whole databases; {percent} intervals")
    return "\n".join(lines)


def _runs(
    trains: Sequence[str], tests: Sequence[str], compose: Compose, whole: str | None
) -> Iterator[tuple[str, str, Run, str]]:
    """Every cell's run in turn: trained on, tested on, the run, how it was tested."""
    for train in trains:
        own = compose(train)
        if train in tests or whole is None:
            by_protocol = workflow.train(own)
        if train in tests:
            yield train, train, by_protocol, "protocol"
        others = [test for test in tests if test != train]
        if not others:
            continue
        model = by_protocol if whole is None else workflow.train(compose(train, whole))
        for test in others:
            result = workflow.test(model, compose(test).data, own.paths, fresh=False)
            yield train, test, result, "whole"


def _cell(train: str, test: str, run: Run, kind: str) -> dict[str, Any]:
    """A cell from the results of its run."""
    summary = run.results()["summary"]
    tested = {video for split in run.splits() for video in split.test}
    excluded = 0 if kind == "protocol" else len(run.videos()) - len(tested)
    return {
        "train": train,
        "test": test,
        "kind": kind,
        "n": summary["videos"],
        "splits": summary["splits"],
        "excluded": excluded,
        "metrics": summary["median"],
        "interval": summary["interval"],
        "run": str(run.folder),
        "notes": run.notes(),
    }


def _check(trains: Sequence[str], tests: Sequence[str], metric: str) -> None:
    if metric not in METRICS:
        raise ValueError(f"metric={metric!r} is not known; expected one of {', '.join(METRICS)}")
    for key, names in (("train", trains), ("test", tests)):
        if not names or len(set(names)) < len(names):
            raise ValueError(f"{key}={list(names)}: expected databases, each once")


def _value(cell: Mapping[str, Any] | None, metric: str) -> str:
    if cell is None:
        return "-"
    return number(cell["metrics"][metric]) + ("*" if cell["kind"] == "protocol" else " ")


def _interval(cell: Mapping[str, Any] | None, metric: str) -> str:
    if cell is None:
        return ""
    low, high = cell["interval"][metric]
    return f"{number(low, 2)} to {number(high, 2)} "
