"""The cross-database matrix: models trained on each database, tested on each.

The diagonal comes from the protocol, on its test parts. Off the diagonal a model trained on all of
one database is tested on all of another, without the files that both contain. The numbers of a cell
are those of the run that holds its predictions, so an interrupted matrix resumes.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from vqa.commands.crossing import Crossing
from vqa.commands.engines.settings import EngineSettings
from vqa.commands.experiment import Experiment
from vqa.commands.test import evaluate_run
from vqa.commands.train import train
from vqa.evaluation.metrics import cards
from vqa.evaluation.text import aligned_rows, number
from vqa.features.extraction.fill import shard_of
from vqa.files import write_atomically, write_json
from vqa.reports.matrix_page import write_matrix_page
from vqa.runs import Run
from vqa.runs.environment import command_line
from vqa.runs.used_features import MARK, untrained_features

if TYPE_CHECKING:
    from omegaconf import DictConfig

log = logging.getLogger(__name__)

# From a database and, optionally, another protocol to the experiment that trains on it.
Compose = Callable[..., Experiment]


def main(config: "DictConfig") -> None:
    """Fill the matrix, then print it and the path of its page; or do this job's share of its rows.

    A share trains and tests, and writes no matrix: several jobs share its folder.
    """
    from hydra.core.hydra_config import HydraConfig

    crossing = Crossing(config, HydraConfig.get().overrides.task)
    crossing.check()
    if not EngineSettings.of(crossing.settings).is_local:
        from vqa.commands.engines import verbs

        verbs.cross(len(crossing.trains), crossing.experiments())
    shard = crossing.settings["shard"]
    if shard == "1/1":
        fill(crossing)
        return
    rows = shard_of(crossing.trains, shard)
    for trained, tested, run, _ in _runs(
        rows, crossing.tests, crossing.training, crossing.protocol
    ):
        log.info("%s -> %s: %s", trained, tested, run.folder)


def fill(crossing: Crossing) -> None:
    """Train and test what is missing; print the matrix."""
    given, whole = crossing.settings, crossing.whole
    found = cross_database(
        crossing.trains, crossing.tests, crossing.training, crossing.folder,
        whole=crossing.protocol, metric=given["metric"],
        title=f"{given['model_name']} with {', '.join(given['features'])} across databases",
        command=command_line(),
    )  # fmt: skip
    whole.tracker.finish_matrix(crossing.folder, given)
    for note in found["notes"]:
        print(f"NOTE: {note}")
    print(f"\n{format_matrix(found)}\n")
    print(f"report: {crossing.folder / 'matrix.html'}")


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
        compose: Makes the experiment of a training from a database and, optionally, the protocol
            to use instead of the configured one.
        folder: Folder of the matrix; it is written again after every cell.
        whole: Protocol of the models that are tested on other databases; None uses the models of
            the diagonal.
        metric: Shown in the table and the first map.
        title: Title of the page.
        command: Kept in the matrix.

    Returns:
        The content of matrix.json.

    Raises:
        ValueError: Unknown metric, or no database, or one that is named twice.
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
    for number_done, (trained, tested, result, kind) in enumerate(
        _runs(trains, tests, compose, whole), 1
    ):
        cell = _cell(trained, tested, result, kind)
        matrix["cells"].append(cell)
        matrix["notes"] = list(
            dict.fromkeys(note for done in matrix["cells"] for note in done["notes"])
        )
        write_matrix(matrix, folder)
        shown = number(cell["metrics"][metric])
        log.info(
            "cell %d of %d: %s -> %s, %s %s",
            number_done, len(trains) * len(tests), trained, tested, cards.title_of(metric), shown,
        )  # fmt: skip
    return matrix


def write_matrix(matrix: Mapping[str, Any], folder: Path) -> Path:
    """Write a matrix as JSON, table and page; returns the page's path."""
    write_json(folder / "matrix.json", matrix)
    rows = [
        {
            **{name: cell[name] for name in ("train", "test", "kind", "n", "splits", "excluded")},
            **cell["metrics"],
            **{f"{name}_low": low for name, (low, _) in cell["interval"].items()},
            **{f"{name}_high": high for name, (_, high) in cell["interval"].items()},
            "untrained": ", ".join(cell["untrained"]),
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
    title = f"{cards.title_of(metric)}, trained on"
    table = [[title, *(f"on {tested}" for tested in matrix["test"])]]
    for trained in matrix["train"]:
        row = [cells.get((trained, tested)) for tested in matrix["test"]]
        table.append([trained, *(_value(cell, metric) for cell in row)])
        table.append(["", *(_interval(cell, metric) for cell in row)])
    lines = aligned_rows(table)
    lines.insert(1, "-" * len(lines[0]))
    percent = f"{100 * matrix['level']:g} %"
    lines.append(f"* by protocol, on test parts; others on whole databases; {percent} intervals")
    if any(cell["untrained"] for cell in cells.values()):
        lines.append(f"† {MARK}: says nothing about quality")
    return "\n".join(lines)


def _runs(
    trains: Sequence[str], tests: Sequence[str], compose: Compose, whole: str | None
) -> Iterator[tuple[str, str, Run, str]]:
    """Each cell's run in turn: database trained on, database tested on, run, kind of test."""
    for trained in trains:
        own = compose(trained)
        if trained in tests or whole is None:
            by_protocol = train(own)
        if trained in tests:
            yield trained, trained, by_protocol, "protocol"
        others = [tested for tested in tests if tested != trained]
        if not others:
            continue
        model = by_protocol if whole is None else train(compose(trained, whole))
        for tested in others:
            data = compose(tested).config["data"]
            experiment = Experiment.of_run(model, data=data, paths=own.config["paths"], trust=None)
            yield trained, tested, evaluate_run(model, experiment), "whole"


def _cell(trained: str, tested: str, run: Run, kind: str) -> dict[str, Any]:
    """One cell, from the results of its run."""
    results = run.results()
    if results is None:
        raise ValueError(f"{run.folder} tested nothing; choose a protocol with a test part")
    summary = results.summary
    videos = {video for split in run.splits() for video in split.test}
    excluded = 0 if kind == "protocol" else len(run.videos()) - len(videos)
    return {
        "train": trained,
        "test": tested,
        "kind": kind,
        "n": summary.videos,
        "splits": summary.splits,
        "excluded": excluded,
        "metrics": {name: summary.value(name) for name in cards.METRICS},
        "interval": summary.intervals,
        "untrained": untrained_features(run.folder),
        "run": str(run.folder),
        "notes": run.notes(),
    }


def _check(trains: Sequence[str], tests: Sequence[str], metric: str) -> None:
    cards.rankable_metric(metric)
    for key, names in (("train", trains), ("test", tests)):
        if not names or len(set(names)) < len(names):
            raise ValueError(f"{key}={list(names)}: expected databases, each once")


def _value(cell: Mapping[str, Any] | None, metric: str) -> str:
    if cell is None:
        return "-"
    mark = "†" if cell["untrained"] else ""
    return number(cell["metrics"][metric]) + mark + ("*" if cell["kind"] == "protocol" else " ")


def _interval(cell: Mapping[str, Any] | None, metric: str) -> str:
    if cell is None:
        return ""
    low, high = cell["interval"][metric]
    return f"{number(low, 2)} to {number(high, 2)} "
