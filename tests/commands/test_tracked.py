"""A command with a tracker: training, evaluation and comparison, each in W&B, offline."""

import pytest

from benchmarks.wandb_records import read_runs
from tests.commands.calling import Failed, run
from tests.fakes import graded_clips
from tests.reports.tracking.offline import isolated

SETTINGS = ("data=csv", "data.mos_range=[1,5]", "data.labels=labels.csv", "threads=1")
OFFLINE = ("logger=wandb", "logger.mode=offline")


@pytest.mark.slow
def test_train_evaluate_and_compare(tmp_path, monkeypatch):
    monkeypatch.chdir(graded_clips(tmp_path / "own"))
    with isolated(tmp_path / "home"):
        for kernel in ("rbf", "linear"):
            run("train", *SETTINGS, "model=svr", "model.C=4", "model.gamma=1",
                "features=multiscale", f"model.kernel={kernel}",
                f"folder=runs/{kernel}", *OFFLINE)  # fmt: skip
        run("evaluate", "run=runs/rbf", *OFFLINE)
        run("evaluate", "run=runs/rbf", *OFFLINE)
        run("evaluate", "runs=[runs/rbf,runs/linear]", "output=runs/compared", *OFFLINE)
    found = read_runs(tmp_path / "own")
    assert {name: told.run.job_type for name, told in found.items()} == {
        "rbf": "train", "linear": "train", "rbf/evaluations/csv": "evaluation",
        "compared/comparison": "comparison",
    }  # fmt: skip
    assert len(found["rbf/evaluations/csv"].files) == 2
    assert found["rbf"].run.run_group == found["rbf/evaluations/csv"].run.run_group
    medians = [found[name].summary["median/srocc"] for name in ("rbf", "rbf/evaluations/csv")]
    assert medians[0] == medians[1]
    assert found["rbf"].summary["split0/C"] > 0
    run("runs", "runs")


def test_a_tracker_that_cannot_work_stops_an_evaluation_at_once(tmp_path):
    with isolated(tmp_path / "home"), pytest.raises(Failed, match="logger=wandb: ") as failure:
        run("evaluate", f"run={tmp_path}", "logger=wandb")
    assert "logger.mode=offline" in str(failure.value)
