"""One W&B run for a whole experiment, offline, read record by record."""

import pickle

import pytest

from benchmarks.wandb_records import read_runs
from tests import run_folders
from tests.reports.tracking.offline import isolated
from vqa.evaluation.metrics import srocc
from vqa.reports.tracking import WandbTracker, wandb_runs

NAMES = ["split-0", "split-1", "split-2"]
CONFIG = {"seed": 7, "shard": "1/1", "trainer": {"max_epochs": 3}}


def trained(folder, tracker, names, epochs=range(3), splits=NAMES, config=CONFIG):
    """Train and test these splits, as the job of a training does."""
    for name in names:
        logger = tracker.split_logger(name, folder, config, splits)
        for epoch in epochs:
            logger.log_metrics({"epoch": epoch, "train_loss": 1.0 / (1 + epoch)}, epoch)
        tracker.finish_split(folder, name)
    return logger


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A run of three splits, resumed after its first."""
    base = tmp_path_factory.mktemp("wandb")
    folder = run_folders.complete(base / "demo")
    table = run_folders.predictions()
    for name, part in table.groupby("split"):
        part.to_csv(folder / name / "predictions.csv", index=False)
    with isolated(base / "home"):
        first = WandbTracker(mode="offline")
        trained(folder, first, NAMES[:1])
        logger = first.split_logger(NAMES[1], folder, CONFIG, NAMES)
        logger.log_metrics({"epoch": 0, "train_loss": 1.0}, 0)
        first._close()  # as if the process had ended
        second = WandbTracker(mode="offline")
        trained(folder, second, NAMES[1:2], range(1, 3))
        logger = trained(folder, second, NAMES[2:])
        logger.log_metrics({"C": 4.0})
        second.finish(folder)
    return folder


@pytest.fixture(scope="module")
def told(place):
    (only,) = read_runs(place).items()
    return only


def test_all_splits_and_the_results_are_one_run_of_two_files(told):
    name, found = told
    assert (name, found.run.job_type, found.run.run_group) == ("demo", "train", "demo")
    assert len(found.files) == 2
    assert found.config["seed"] == 7
    assert {"splits", "predictions"} <= set(found.artifacts)


def test_each_split_has_a_curve_over_its_epochs_and_no_epoch_twice(told):
    for name in NAMES:
        assert told[1].axes[f"{name}/*"] == f"{name}/epoch"
        assert told[1].curve(f"{name}/train_loss") == [(0, 1), (1, 0.5), (2, 1 / 3)]
    assert told[1].summary["split-2/C"] == 4


def test_test_metrics_are_a_curve_over_the_splits_and_a_table(told):
    table = run_folders.predictions()
    expected = [
        (number, pytest.approx(srocc(part["mos"], part["score"])))
        for number, (_, part) in enumerate(table.groupby("split"))
    ]
    assert told[1].curve("test/srocc") == expected
    assert told[1].summary["test_splits"]["nrows"] == 3
    assert told[1].summary["test_splits"]["ncols"] == 2 + 6


def test_results_groups_and_curves_are_there(told):
    summary = told[1].summary
    assert summary["splits"] == 3
    assert 0.5 < summary["val_srocc"] < 0.9
    assert summary["predictions"]["nrows"] == 144
    assert summary["groups/resolution"]["_type"] == "table-file"
    assert summary["curves/loss"]["_type"] == "image-file"
    assert "<untrained>" in summary["notes"]


def test_many_splits_share_one_curve(tmp_path):
    splits = [f"split-{number}" for number in range(wandb_runs.MOST_PANELS + 1)]
    with isolated(tmp_path / "home"):
        tracker = WandbTracker(mode="offline")
        logger = trained(tmp_path / "demo", tracker, splits[:2], range(2), splits)
        logger.log_metrics({"inner": 1.0, "C": 3.0}, 0)  # a candidate of a search
        tracker._close()
    (found,) = read_runs(tmp_path).values()
    curve = found.curve("train/train_loss")
    assert curve == [
        (pytest.approx(at), value)
        for at, value in [(1 / 3, 1), (2 / 3, 0.5), (4 / 3, 1), (5 / 3, 0.5)]
    ]
    assert not any(key.startswith("split-") for row in found.history for key in row)


def test_shares_of_the_splits_have_runs_of_their_own(tmp_path):
    loggers = [
        WandbTracker(mode="offline").split_logger("0", tmp_path / "a", {"shard": shard}, ["0"])
        for shard in ("1/1", "1/2", "2/2", "1/2")
    ]
    ids = [logger.version for logger in loggers]
    assert len(set(ids)) == 3
    assert ids[1] == ids[3]


def test_a_process_that_lightning_spawns_opens_the_run_again(tmp_path):
    with isolated(tmp_path / "home"):
        tracker = WandbTracker(mode="offline")
        logger = tracker.split_logger("0", tmp_path / "a", CONFIG, ["0"])
        logger.log_metrics({"epoch": 0, "train_loss": 1.0}, 0)
        copy = pickle.loads(pickle.dumps(logger))
        copy.log_metrics({"epoch": 1, "train_loss": 2.0}, 1)
        copy.finalize("success")
        logger.log_metrics({"epoch": 2, "train_loss": 3.0}, 2)
        logger.finalize("success")
        tracker._close()
    (found,) = read_runs(tmp_path).values()
    assert found.curve("0/train_loss") == [(0, 1), (1, 2), (2, 3)]
