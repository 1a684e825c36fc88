"""TensorBoard's event files, read with its own reader."""

import importlib.util

import pytest

from tests import run_folders
from vqa.reports.tracking import TensorBoardTracker


def test_an_absent_package_is_named_with_its_remedy(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"expected the package tensorboard.*vqa\[tensorboard\]"):
        TensorBoardTracker().check()


def test_curves_test_metrics_results_and_figures(tmp_path):
    pytest.importorskip("tensorboard", reason="an optional package: vqa[tensorboard]")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    def read(name):
        events = EventAccumulator(str(tmp_path / "demo" / "tensorboard" / name))
        events.Reload()
        return events

    def points(name, key):
        return [(point.step, point.value) for point in read(name).Scalars(key)]

    folder = run_folders.complete(tmp_path / "demo")
    table = run_folders.predictions()
    names = list(table["split"].unique())
    TensorBoardTracker().check()
    for epochs in (range(1), range(1, 3)):  # a training and its resumption
        tracker = TensorBoardTracker()
        logger = tracker.split_logger(names[1], folder, {}, names)
        for epoch in epochs:
            logger.log_metrics({"train_loss": 0.5**epoch}, epoch)
        logger.finalize("success")
    for name, part in table.groupby("split"):
        part.to_csv(folder / name / "predictions.csv", index=False)
        tracker.finish_split(folder, name)
    tracker.finish(folder)
    assert points(names[1], "train_loss") == [(0, 1), (1, 0.5), (2, 0.25)]
    assert [step for step, _ in points("summary", "test/srocc")] == [0, 1, 2]
    assert len(points("summary", "median/srocc")) == 1
    assert set(read("summary").Tags()["images"]) == {"scatter", "residuals"}
