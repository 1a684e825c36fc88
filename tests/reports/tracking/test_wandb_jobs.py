"""Evaluations, matrices, comparisons and studies in W&B, offline, read record by record."""

import json

import pandas as pd
import pytest
import wandb

from benchmarks.wandb_records import read_runs
from tests import run_folders
from tests.reports import page_folders
from tests.reports.tracking.offline import isolated
from vqa.files import write_csv, write_json
from vqa.reports.tracking import WandbTracker, wandb_media


@pytest.fixture(autouse=True)
def alone(tmp_path):
    with isolated(tmp_path / "home"):
        yield


def tracker(**options):
    return WandbTracker(mode="offline", **options)


def only_run(folder):
    wandb.teardown()  # until then the end of a file may not be written
    (found,) = read_runs(folder).values()
    return found


def rows_of(folder, name):
    (path,) = folder.glob(f"wandb/offline-run-*/files/media/table/{name}*.json")
    return json.loads(path.read_text())


def test_an_evaluation_is_logged_beside_its_run(tmp_path):
    folder = run_folders.complete(tmp_path / "runs" / "vsfa-demo" / "evaluations" / "konvid")
    tracker().finish_evaluation(folder, tmp_path / "runs")
    found = only_run(tmp_path / "runs" / "wandb")
    assert found.run.display_name == "vsfa-demo/evaluations/konvid"
    assert (found.run.run_group, found.run.job_type) == ("vsfa-demo", "evaluation")
    assert found.summary["predictions"]["nrows"] == 144
    assert found.summary["groups/resolution"]["nrows"] > 1
    # A link inside the folder of a run would be refused at the next evaluation.
    assert not any(path.is_symlink() for path in folder.rglob("*"))
    assert not (folder / "wandb").exists()


def test_a_matrix_has_its_settings_and_the_predictions_of_its_cells(tmp_path):
    folder = page_folders.matrix(tmp_path / "cross")
    pd.DataFrame({"train": ["a"], "test": ["b"], "srocc": [0.5]}).to_csv(
        folder / "matrix.csv", index=False
    )
    matrix = json.loads((folder / "matrix.json").read_text())
    matrix["cells"][0]["run"] = "own"
    matrix["cells"][1]["run"] = str(run_folders.minimal(tmp_path / "other"))
    matrix["cells"][2]["untrained"] = ["cnn"]
    write_json(folder / "matrix.json", matrix)
    run_folders.minimal(folder / "own")
    tracker().finish_matrix(folder, {"whole": "full", "model_name": "vsfa"})
    found = only_run(folder)
    assert found.config["whole"] == "full"
    table = rows_of(folder, "predictions")
    assert table["columns"] == ["train", "test", "split", "video", "mos", "score"]
    assert {tuple(row[:2]) for row in table["data"]} == {
        ("konvid", "konvid"), ("konvid", "livevqc"),
    }  # fmt: skip
    assert len(table["data"]) == 2 * 144
    assert found.artifacts["predictions"] == ["konvid-konvid.csv", "konvid-livevqc.csv"]
    assert found.summary["konvid/konvid/srocc"] == 0.79


def test_a_comparison_has_models_pairs_and_groups(tmp_path):
    folder = page_folders.comparison(tmp_path / "comparison")
    pd.DataFrame({"label": ["vsfa"], "srocc": [0.5]}).to_csv(folder / "models.csv", index=False)
    tracker().finish_comparison(folder)
    found = only_run(folder)
    assert found.run.job_type == "comparison"
    assert len(rows_of(folder, "pairs")["data"]) == 3
    assert rows_of(folder, "groups/resolution")["columns"][:3] == ["group", "videos", "vsfa srocc"]
    assert found.summary["vsfa/srocc"] > 0.8
    assert found.artifacts["comparison"] == ["comparison.json", "models.csv", "predictions.csv"]


CELLS = [
    {"row": "vsfa", "column": "konvid", "metric": "srocc", "value": 0.8, "low": 0.7, "high": 0.9,
     "printed": 0.79, "n": 240, "runs": ["vsfa-konvid"]},
    {"row": "vsfa", "column": "cvd2014", "metric": "srocc", "value": None, "low": None,
     "high": None, "printed": 0.8, "n": 0, "runs": []},
]  # fmt: skip


def study(folder):
    folder.mkdir(parents=True)
    content = {
        "name": "vsfa/table1", "title": "VSFA", "columns": ["konvid", "cvd2014"], "rows": ["vsfa"],
        "files": ["table.csv"], "cells": CELLS, "notes": ["cvd2014 is absent."],
        "command": "vqa study vsfa/table1",
    }  # fmt: skip
    write_json(folder / "study.json", content)
    write_csv(folder / "table.csv", list(CELLS[0]), [cell.values() for cell in CELLS])
    (folder / "figures").mkdir()
    (folder / "figures" / "curve.svg").write_text("<svg/>")
    (folder / "figures" / "curve.pdf").write_bytes(b"%PDF")
    run_folders.minimal(folder / "vsfa-konvid")
    return folder


def test_a_study_has_its_table_cells_predictions_and_files(tmp_path):
    folder = study(tmp_path / "study")
    tracker().finish_study(folder)
    found = only_run(folder)
    assert (found.run.display_name, found.run.job_type) == ("study/study", "study")
    assert found.config["command"] == "vqa study vsfa/table1"
    assert found.summary["vsfa/konvid"] == 0.8
    assert found.summary["notes"] == "cvd2014 is absent."
    assert rows_of(folder, "study")["data"] == [["vsfa", 0.8]]
    assert rows_of(folder, "cells")["data"][1][3:6] == [None, None, None]
    assert rows_of(folder, "predictions")["columns"][:3] == ["row", "column", "metric"]
    assert set(found.artifacts["study"]) == {"study.json", "table.csv", "curve.svg", "curve.pdf"}
    assert found.artifacts["predictions"] == ["vsfa-konvid-srocc.csv"]


def test_a_study_of_pictures_only(tmp_path):
    folder = study(tmp_path / "study")
    write_json(folder / "study.json", {"name": "a", "title": "b", "cells": [], "notes": []})
    from PIL import Image

    Image.new("RGB", (8, 8)).save(folder / "figures" / "curve.png")
    tracker().finish_study(folder)
    assert only_run(folder).summary["figures/curve"]["_type"] == "image-file"


def test_long_tables_are_cut_alike_for_every_part(monkeypatch):
    monkeypatch.setattr(wandb_media, "MOST_ROWS", 10)
    rows = pd.DataFrame({"split": ["a"] * 30 + ["b"] * 5, "score": range(35)})
    kept = wandb_media.cut(rows, "split")
    assert kept["split"].value_counts().to_dict() == {"a": 5, "b": 5}
    assert len(wandb_media.cut(rows)) == 10
    assert wandb_media.cut(rows[:9]).equals(rows[:9])


def test_disabled_opens_nothing(tmp_path):
    folder = study(tmp_path / "study")
    disabled = WandbTracker(mode="disabled")
    disabled.finish_study(folder)
    disabled.finish_evaluation(folder / "vsfa-konvid", tmp_path)
    disabled.finish(folder / "vsfa-konvid")
    assert not (folder / "wandb").exists()
    assert not (tmp_path / "wandb").exists()
