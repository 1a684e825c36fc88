"""The mean MOS as a model."""

import json

import numpy as np
import pytest

from tests.commands.calling import call, run
from tests.fakes import graded_clips
from vqa.training.learners.mean_mos import MeanMOS


def test_a_mean_is_trained_tested_and_scores(tmp_path, monkeypatch):
    """Correlations are undefined, the raw error is not; features do not count."""
    monkeypatch.chdir(graded_clips(tmp_path / "own"))
    call(
        "train", tmp_path, "model=mean_mos", "data=csv", "data.labels=labels.csv",
        "data.mos_range=[1,5]", "folder=run", "protocol.test_fraction=0.4",
    )  # fmt: skip
    median = json.loads((tmp_path / "own/run/results.json").read_text())["summary"]["median"]
    assert median["srocc"] is None
    assert median["rmse_raw"] > 0
    run("verify", "run", "--rescore", 1, "--cache", tmp_path / "cache")

    learner = MeanMOS()
    learner.load(tmp_path / "own/run/split0")
    split = json.loads((tmp_path / "own/run/splits/split0.json").read_text())
    rows = [line.split(",") for line in (tmp_path / "own/labels.csv").read_text().split()]
    place = rows[0].index("mos")
    mos = [float(row[place]) for row in rows[1:] if row[0] in split["train"]]
    assert learner.mean == pytest.approx(np.mean(mos))
    assert learner.assess({})[0] == learner.mean


def test_faults_are_named(tmp_path):
    with pytest.raises(ValueError, match="init_from: expected a network, found the mean MOS"):
        MeanMOS().begin_from({}, None)
    with pytest.raises(RuntimeError, match="neither fitted nor loaded"):
        MeanMOS().assess({})
    with pytest.raises(FileNotFoundError, match="no trained model"):
        MeanMOS().load(tmp_path)
