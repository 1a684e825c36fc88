"""Trackers; W&B is the real one, offline, with one W&B run per split."""

import json
import subprocess
import sys

import pandas as pd
import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

from benchmarks.wandb_records import records
from tests import run_folders
from tests.reports import page_folders
from tests.reports.tracking.offline import isolated
from vqa.reports.tracking import CsvTracker, TensorBoardTracker, WandbTracker


def track(folder, home, **options):
    """Two splits and the summary."""
    with isolated(home):
        tracker = WandbTracker(runs="split", **options)
        for split in ("split-0", "split-1"):
            logger = tracker.split_logger(split, folder, {"seed": 7, "model": {"lr": 0.5}})
            for epoch in range(3):
                logger.log_metrics({"epoch": epoch, "val_srocc": 0.1 * epoch}, epoch)
        tracker.finish(folder)


@pytest.fixture(scope="module")
def tracked(tmp_path_factory):
    base = tmp_path_factory.mktemp("wandb")
    folder = run_folders.complete(base / "2026-demo")
    for number in range(3):
        (folder / f"split-{number}" / "model.safetensors").write_bytes(bytes([number]) * 9)
    random = {"name": "cnn", "weights": "cnn random", "fingerprint": "0", "untrained": True}
    (folder / "features.json").write_text(json.dumps([random]))
    track(folder, base / "home", mode="offline")
    return folder, base / "home"


@pytest.fixture(scope="module")
def runs(tracked):
    """Run name -> its records."""
    found = {}
    for path in (tracked[0] / "wandb").glob("offline-run-*/*.wandb"):
        logged = list(records(path))
        run = next(record.run for record in logged if record.HasField("run"))
        found[run.display_name] = (run, logged)
    return found


def test_one_run_per_split_and_a_summary_in_one_group(runs):
    assert set(runs) == {"2026-demo/split-0", "2026-demo/split-1", "2026-demo/summary"}
    for name, (run, _) in runs.items():
        assert run.project == "vqa"
        assert run.run_group == "2026-demo"
        assert run.job_type == ("summary" if name.endswith("summary") else "split")


def test_random_weights_are_a_tag_of_every_run_and_in_the_summary(runs):
    assert [list(run.tags) for run, _ in runs.values()] == [["random weights"]] * 3
    _, logged = runs["2026-demo/summary"]
    told = {item.key: item.value_json for record in logged for item in record.summary.update}
    assert json.loads(told["untrained"]) == "cnn"


def test_curves_and_configuration_of_a_split(runs):
    run, logged = runs["2026-demo/split-1"]
    config = {item.key: json.loads(item.value_json) for item in run.config.update}
    assert config["seed"] == 7
    assert config["model"] == {"lr": 0.5}
    rows = [record.history.item for record in logged if record.HasField("history")]
    values = [
        json.loads(item.value_json)
        for row in rows
        for item in row
        if (item.key or item.nested_key[0]) == "split-1/val_srocc"
    ]
    assert values == pytest.approx([0, 0.1, 0.2])


def test_summary_has_results_configuration_and_artifacts(tracked, runs):
    run, logged = runs["2026-demo/summary"]
    results = json.loads((tracked[0] / "results.json").read_text())
    summary = {}
    for record in logged:
        for item in record.summary.update:
            summary[item.key or "/".join(item.nested_key)] = item.value_json
    for metric in ("srocc", "plcc_raw", "rmse"):
        assert json.loads(summary[f"median/{metric}"]) == results["summary"]["median"][metric]
    assert json.loads(summary["splits"]) == 3
    config = {item.key: json.loads(item.value_json) for item in run.config.update}
    assert config["protocol"]["splits"] == 3
    artifacts = {
        record.artifact.type: [entry.path for entry in record.artifact.manifest.contents]
        for record in logged
        if record.HasField("artifact")
    }
    assert artifacts["predictions"] == ["predictions.csv", "results.json"]
    assert artifacts["splits"] == [f"split-{number}.json" for number in range(3)]


def test_figures_and_models_are_kept(tracked, runs):
    folder, _ = tracked
    for name in ("scatter", "residuals"):
        assert list((folder / "wandb").glob(f"offline-run-*/files/media/images/{name}*.png"))
    _, logged = runs["2026-demo/summary"]
    artifacts = {
        record.artifact.type: [entry.path for entry in record.artifact.manifest.contents]
        for record in logged
        if record.HasField("artifact")
    }
    assert artifacts["model"] == [f"split-{number}-model.safetensors" for number in range(3)]


def test_a_matrix_is_a_run_of_its_own(tmp_path):
    folder = page_folders.matrix(tmp_path / "cross")
    pd.DataFrame({"train": ["a"], "test": ["b"], "srocc": [0.5]}).to_csv(
        folder / "matrix.csv", index=False
    )
    with isolated(tmp_path / "home"):
        WandbTracker(mode="offline").finish_matrix(folder)
    (path,) = (folder / "wandb").glob("offline-run-*/*.wandb")
    logged = list(records(path))
    run = next(record.run for record in logged if record.HasField("run"))
    assert (run.display_name, run.job_type) == ("cross/matrix", "cross_database")
    assert list((folder / "wandb").glob("offline-run-*/files/media/images/heat_map*.png"))
    assert list((folder / "wandb").glob("offline-run-*/files/media/table/cells*.json"))


def test_a_run_that_tested_nothing_has_its_model(tmp_path):
    folder = run_folders.complete(tmp_path / "full")
    (folder / "predictions.csv").unlink()
    (folder / "split-0" / "model.safetensors").write_bytes(b"weights")
    with isolated(tmp_path / "home"):
        WandbTracker(mode="offline").finish(folder)
    (path,) = (folder / "wandb").glob("offline-run-*/*.wandb")
    kinds = {record.artifact.type for record in records(path) if record.HasField("artifact")}
    assert {"splits", "model"} <= kinds


def test_predictions_table_has_the_thumbnails_of_the_evidence(tracked):
    (path,) = (tracked[0] / "wandb").glob("offline-run-*/files/media/table/predictions*.json")
    table = json.loads(path.read_text())
    assert table["columns"] == ["split", "video", "mos", "score", "mapped", "frames"]
    assert len(table["data"]) == 144
    assert sum(row[5] is not None for row in table["data"]) == 4
    assert table["data"][0][1] == run_folders.AWKWARD


def test_everything_is_in_the_run_folder(tracked):
    folder, home = tracked
    assert list((folder / "wandb").glob("offline-run-*/files/media/images/scatter*.png"))
    outside = [path for path in home.rglob("*") if path.is_file() and path.suffix != ".log"]
    assert outside == []
    own = (folder / "predictions.csv").read_bytes()
    kept = [path.read_bytes() for path in (folder / "wandb").rglob("*") if path.is_file()]
    assert own not in kept  # the artifact refers to the file in its place


def test_a_resumed_run_keeps_its_id(tmp_path):
    tracker = WandbTracker(mode="offline", runs="split")
    ids = [
        tracker.split_logger(split, folder, {}).version
        for folder in (tmp_path / "a", tmp_path / "b")
        for split in ("0", "1", "0")
    ]
    assert ids[0] == ids[2]
    assert len(set(ids)) == 4
    again = WandbTracker(mode="offline", runs="split").split_logger("0", tmp_path / "a", {})
    assert again.version == ids[0]


def test_without_thumbnails_no_frame_leaves_the_run(tmp_path):
    folder = run_folders.complete(tmp_path / "demo")
    track(folder, tmp_path / "home", mode="offline", thumbnails=False)
    (path,) = (folder / "wandb").glob("offline-run-*/files/media/table/predictions*.json")
    assert json.loads(path.read_text())["columns"][-1] == "mapped"
    copies = [path.read_bytes() for path in (folder / "wandb").rglob("*") if path.is_file()]
    assert not any(data.startswith(b"\xff\xd8") for data in copies)


def test_disabled_writes_nothing(tmp_path):
    folder = run_folders.minimal(tmp_path / "demo")
    track(folder, tmp_path / "home", mode="disabled")
    assert not (folder / "wandb").exists()


def test_csv_tracker_writes_nothing(tmp_path):
    tracker = CsvTracker()
    assert tracker.split_logger("split-0", tmp_path, {}) is False
    tracker.finish(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_configurations_build_the_trackers():
    def build(name):
        return instantiate(OmegaConf.load(f"conf/logger/{name}.yaml"))

    assert isinstance(build("csv"), CsvTracker)
    assert isinstance(build("tensorboard"), TensorBoardTracker)
    tracker = build("wandb")
    assert isinstance(tracker, WandbTracker)
    assert (tracker.project, tracker.mode, tracker.entity) == ("vqa", "online", None)
    assert tracker.runs == "experiment"


def test_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="mode='dryrun': expected one of online"):
        WandbTracker(mode="dryrun")
    with pytest.raises(ValueError, match="runs='all': expected one of experiment, split"):
        WandbTracker(runs="all")


def test_heavy_libraries_are_loaded_on_first_use():
    code = (
        "import sys, vqa.reports.tracking, vqa.reports\n"
        "sys.exit({'wandb', 'matplotlib.pyplot', 'torch'} & sys.modules.keys() or 0)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True
    )
    assert found.returncode == 0, found.stderr
