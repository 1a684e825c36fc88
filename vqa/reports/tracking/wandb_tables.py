"""What W&B gets of a finished job: a run, a matrix, a comparison, a study."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import wandb

from vqa.evaluation.metrics import cards
from vqa.evaluation.predictions import read_predictions
from vqa.evaluation.results import read_results
from vqa.evaluation.summary import summarise
from vqa.files import read_json
from vqa.reports import figures
from vqa.reports.page import read_yaml
from vqa.reports.tracking import wandb_media as media
from vqa.runs.histories import read_histories, validation_srocc
from vqa.runs.used_features import MARK, untrained_features

if TYPE_CHECKING:
    from wandb import Run


def log_results(run: "Run", folder: Path, *, thumbnails: bool) -> None:
    """Log the results of a run or an evaluation."""
    if (folder / "predictions.csv").is_file():
        predictions = read_predictions(folder / "predictions.csv")
        results = read_results(folder / "results.json") or summarise(predictions)
        summary = results.to_json()["summary"]
        del summary["predictions"]  # a table has this name
        run.summary.update(media.flat(summary))
        remark = MARK if (untrained := untrained_features(folder)) else ""
        run.summary["untrained"] = ", ".join(untrained)
        run.summary["notes"] = "\n".join(read_json(folder / "notes.json") or [])
        rows = media.predictions_table(folder, predictions, thumbnails)
        drawn = {
            "scatter": figures.scatter(predictions),
            "residuals": figures.residuals(predictions),
        }
        histories = read_histories(folder, results.splits)
        selection = (read_yaml(folder / "config.yaml").get("model") or {}).get("selection", "last")
        with suppress(ValueError):  # without a validation part
            # What a W&B sweep compares runs by: never a number of a test part.
            selected = validation_srocc(histories, list(results.splits), selection)
            run.summary["val_srocc"] = selected
        for name, figure in figures.learning_curves(histories).items():
            drawn[f"curves/{name}"] = figure
        run.log(
            {
                **{
                    name: media.image(figures.mark(figure, remark))
                    for name, figure in drawn.items()
                },
                "predictions": rows,
                "score_mos": wandb.plot.scatter(rows, "score", "mos", "MOS over score"),
                **media.groups_of(folder, predictions),
            }
        )
    media.log_run_artifacts(run, folder)


def log_matrix(run: "Run", folder: Path) -> None:
    """Log a cross-database matrix: heat map, cells, predictions, files."""
    matrix = read_json(folder / "matrix.json")
    metric = matrix["metric"]
    if any(cell.get("untrained") for cell in matrix["cells"]):
        run.tags = [*(run.tags or ()), MARK]
    shown: dict[str, Any] = {
        "heat_map": media.image(figures.heat_map(matrix, metric)),
        "cells": media.table(pd.read_csv(folder / "matrix.csv")),
    }
    keys = ["train", "test"]
    predictions, files = media.cell_predictions(folder, matrix["cells"], keys)
    if len(predictions):
        shown["predictions"] = media.table(predictions, keys)
    run.log(shown)
    run.summary.update(
        {
            f"{cell['train']}/{cell['test']}/{metric}": cell["metrics"][metric]
            for cell in matrix["cells"]
        }
    )
    made = [folder / "matrix.json", folder / "matrix.csv"]
    media.log_files(run, "matrix", media.named(made))
    media.log_files(run, "predictions", files)


def log_comparison(run: "Run", folder: Path) -> None:
    """Log a comparison: models with their medians, pairs, groups, predictions, files."""
    found = read_json(folder / "comparison.json")
    metric = found["metric"]
    labels = [model["label"] for model in found["models"]]
    predictions = pd.read_csv(folder / "predictions.csv", dtype={"split": str, "video": str})
    shown = {
        "pairs": media.table(pd.DataFrame(found["pairs"])),
        "predictions": media.table(predictions, "split"),
    }
    models = folder / "models.csv"
    if models.is_file():
        shown["models"] = media.table(pd.read_csv(models))
    for one in found["groups"]:
        rows = [
            {"group": row["group"], "videos": row["n"]}
            | {
                f"{label} {name}": value
                for label in labels
                for name, value in row["values"].get(label, {}).items()
            }
            for row in one["rows"]
        ]
        shown[f"groups/{one['by']}"] = media.table(pd.DataFrame(rows))
    run.log(shown)
    run.summary.update(
        {
            f"{label}/{name}": found["summaries"][label]["median"].get(name)
            for label in labels
            for name in dict.fromkeys([metric, *cards.table()])
        }
    )
    names = ("comparison.json", "models.csv", "predictions.csv")
    made = [folder / name for name in names if (folder / name).is_file()]
    media.log_files(run, "comparison", media.named(made))


def log_study(run: "Run", folder: Path) -> None:
    """Log a study: its table, its cells, the predictions behind them, pictures and files."""
    study = read_json(folder / "study.json")
    run.config.update({key: study.get(key) for key in ("name", "title", "command")})
    run.summary["notes"] = "\n".join(study.get("notes") or [])
    shown: dict[str, Any] = {}
    if study["cells"]:
        found = [_named_cell(cell) for cell in study["cells"]]
        cells = pd.DataFrame(found).drop(columns=["runs", "untrained"], errors="ignore")
        several = cells["metric"].nunique() > 1
        columns = cells["column"] + (" " + cells["metric"] if several else "")
        values = cells.assign(column=columns).pivot_table(
            index="row", columns="column", values="value", aggfunc="first", sort=False
        )
        shown = {"study": media.table(values.reset_index()), "cells": media.table(cells)}
        keys = ["row", "column", "metric"]
        predictions, files = media.cell_predictions(folder, found, keys)
        if len(predictions):
            shown["predictions"] = media.table(predictions, keys)
        media.log_files(run, "predictions", files)
        run.summary.update(
            {
                f"{row}/{column}": value
                for row, column, value in zip(cells["row"], columns, cells["value"], strict=True)
                if pd.notna(value)
            }
        )
    pictures = sorted((folder / "figures").glob("*.png"))
    shown |= {f"figures/{path.stem}": wandb.Image(str(path)) for path in pictures}
    if shown:
        run.log(shown)
    drawn = [*(folder / "figures").glob("*.svg"), *(folder / "figures").glob("*.pdf")]
    tables = [folder / name for name in study.get("files") or ()]
    made = [folder / "study.json", *tables, *sorted(drawn), *pictures]
    media.log_files(run, "study", media.named([path for path in made if path.is_file()]))


def _named_cell(cell: Mapping[str, Any]) -> dict[str, Any]:
    """Return a cell with its whole row and column as one name each, and its run if it has one."""
    runs = cell.get("runs") or []
    places = {"row": ("block", "row_group", "row"), "column": ("column_group", "column")}
    names = {
        name: " ".join(filter(None, (str(cell.get(key) or "") for key in keys)))
        for name, keys in places.items()
    }
    return {**cell, **names, "run": runs[0] if len(runs) == 1 else None}
