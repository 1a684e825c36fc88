"""The numbers of a study's cells, from stored predictions, and `study.json`."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import pandas as pd

from vqa.commands.study.definition import Study
from vqa.commands.study.jobs import Cell, Part, Test
from vqa.commands.study.planning import Plan
from vqa.commands.study.work import Work
from vqa.evaluation.combinations import Combined, Term, combined
from vqa.evaluation.metrics import cards
from vqa.evaluation.predictions import read_predictions
from vqa.files import plain
from vqa.runs import Run
from vqa.runs.calibrating import FITTED
from vqa.runs.used_features import untrained_features

LEVEL = 0.95


class Numbers:
    """Computes the cells that can be computed, each once.

    Args:
        plan: The plan.
        work: Its finished runs.
        released: Released predictions by the keys of block, row and column, instead of runs.
        smoke: Smoke size: nothing is compared with the printed numbers.
    """

    def __init__(
        self,
        plan: Plan,
        work: Work,
        released: Mapping[tuple[tuple[str, str], ...], pd.DataFrame] | None = None,
        *,
        smoke: bool = False,
    ) -> None:
        self.plan, self.work, self.released, self.smoke = plan, work, released, smoke
        self._known: dict[Cell, dict[str, Any]] = {}

    def cells(self) -> list[dict[str, Any]]:
        """Return all cells as study.json has them, in the order of reading."""
        return [self._cell(cell) for cell in self.plan.cells]

    def _cell(self, cell: Cell) -> dict[str, Any]:
        if cell in self._known:
            return self._known[cell]
        place = {
            "block": cell.block.name,
            "row_group": cell.row.group,
            "row": cell.row.name,
            "column_group": cell.column.group,
            "column": cell.column.name,
            "metric": cell.metric,
        }
        row = (
            place
            | asdict(EMPTY)
            | {
                "printed": cell.printed,
                "printed_deviation": cell.printed_deviation,
                "difference": None,
                "inside": None,
                "empty": cell.empty,
                "runs": [],
                "untrained": [],
            }
        )
        if cell.empty:
            return row
        terms, runs, row["empty"] = self._terms(cell)
        if not row["empty"]:
            found = combined(terms, cell.metric, aggregate=self.plan.study.aggregate, level=LEVEL)
            row |= asdict(found) | _against(found, None if self.smoke else cell.printed)
            row["runs"] = [str(run.folder) for run in runs]
            row["untrained"] = sorted(
                {name for one in runs for name in untrained_features(one.folder)}
            )
            self._known[cell] = row
        return row

    def _terms(self, cell: Cell) -> tuple[list[Term], list[Run], str]:
        """Return the terms of a cell and their runs, or why one is missing."""
        terms, runs, sizes = [], [], []
        for part in cell.terms:
            if self.released is not None:
                table = self.released.get(part.place)
                if table is None:
                    return [], [], "no released predictions"
            else:
                run = self.work.run_of(part.test)
                if run is None:
                    return [], [], self.work.why_missing(part.test)
                table = _predictions(run, part)
                if not len(table):
                    return [], [], f"{part.test.database} has no such videos"
                runs.append(run)
            sizes.append(runs[-1].database["videos"] if runs else table["video"].nunique())
            terms.append(Term(part.weight, _database_of(part.test), table))
        if cell.by_videos and len(terms) > 1:
            terms = [
                replace(term, weight=math.copysign(size / sum(sizes), term.weight))
                for term, size in zip(terms, sizes, strict=True)
            ]
        return terms, list(dict.fromkeys(runs)), ""


EMPTY = Combined(math.nan, math.nan, math.nan, math.nan, math.nan, 0, 0)


def _against(found: Combined, printed: float | None) -> dict[str, Any]:
    """Return the difference from the printed number, and whether the interval holds it."""
    if printed is None or math.isnan(found.value):
        return {"difference": None, "inside": None}
    inside = None if math.isnan(found.low) else bool(found.low <= printed <= found.high)
    return {"difference": found.value - printed, "inside": inside}


def _predictions(run: Run, of: Part) -> pd.DataFrame:
    """Return the predictions of the part of the splits, and of the videos, that are asked for."""
    if of.part == "val":
        tables = [
            read_predictions(run.split_folder(split.name) / FITTED).query("video in @split.val")
            for split in run.splits()
        ]
        table = pd.concat(tables, ignore_index=True)
    else:
        found = run.predictions()
        table = pd.DataFrame(columns=["split", "video", "mos", "score"]) if found is None else found
    if of.sizes or of.other_sizes:
        facts = run.videos()
        sizes = (
            facts["width"].astype("Int64").astype(str)
            + "x"
            + facts["height"].astype("Int64").astype(str)
        )
        kept = [
            name
            for name, size in sizes.items()
            if (not of.sizes or size in of.sizes) and size not in of.other_sizes
        ]
        table = table[table["video"].isin(kept)]
    return table


def _database_of(test: Test) -> str:
    """Key of the tested database: tests of one database are resampled together."""
    source = test.data or test.training.experiment
    return repr(source.config["data"])


def to_draw(study: Study, cells: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the numbers of a table as a drawing takes them.

    Returns:
        For each cell `name` (of the row), `x` (the row's), `metric` (its title), `value`, `low`,
        `high` and `printed`; rows without an x are left out if others have one.
    """
    places = {row.key: row.x for row in study.rows}
    curve = any(x is not None for x in places.values())
    return [
        {
            "name": cell["row"],
            "x": places[cell["row_group"], cell["row"]],
            "metric": cards.title_of(cell["metric"]),
            **{key: plain(cell[key]) for key in ("value", "low", "high", "printed")},
        }
        for cell in cells
        if not curve or places[cell["row_group"], cell["row"]] is not None
    ]


def document(
    plan: Plan,
    cells: Sequence[Mapping[str, Any]],
    work: Work,
    *,
    command: str,
    smoke: bool,
    released: bool,
) -> dict[str, Any]:
    """Return the content of study.json."""
    study = plan.study
    notes = list(study.notes)
    if not released:
        notes += [f"Empty cells: {one}" for one in dict.fromkeys(work.missing.values())]
    notes += [f"Left out: {absent}" for absent in plan.databases.values() if absent]
    if random := sorted({name for cell in cells for name in cell["untrained"]}):
        notes.insert(
            0, f"RANDOM weights ({', '.join(random)}): the numbers say nothing about quality."
        )
    if smoke:
        notes.insert(
            0,
            "SMOKE: demo databases stand for the paper's, in tiny sizes; this shows that the study "
            "runs, and its numbers say nothing.",
        )
    return {
        "name": study.name,
        "title": study.title,
        "source": study.source,
        "aggregate": study.aggregate,
        "deviation": study.deviation,
        "digits": study.digits,
        "level": LEVEL,
        "blocks": [{"name": one.name, "group": one.group} for one in study.blocks],
        "rows": [{"name": one.name, "group": one.group} for one in study.rows],
        "columns": [{"name": one.name, "group": one.group} for one in study.columns],
        "metrics": list(dict.fromkeys(cell["metric"] for cell in cells)),
        "titles": {name: cards.title_of(name) for name in {cell["metric"] for cell in cells}},
        "cells": list(cells),
        "trainings": [
            {
                "name": one.name,
                "folder": str(one.folder),
                "finished": one in work.runs,
                "missing": work.missing.get(one, ""),
            }
            for one in ([] if released else plan.trainings)
        ],
        "notes": notes,
        "smoke": smoke,
        "command": command,
    }
