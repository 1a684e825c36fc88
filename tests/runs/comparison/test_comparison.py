"""Comparisons of runs: content, notes, and the written files."""

import json

import pandas as pd
import pytest

from tests.runs.comparison.finished_runs import make
from vqa.evaluation.metrics import METRICS
from vqa.reports.comparison_page import write_comparison
from vqa.runs.comparison import compare, write_comparison_files


def test_the_files_hold_what_was_found(found, tmp_path):
    write_comparison_files(found, tmp_path / "comparison")
    assert write_comparison(tmp_path / "comparison").is_file()
    content = json.loads((tmp_path / "comparison" / "comparison.json").read_text())
    assert content["shared"] == {"splits": 3, "videos": len(found.predictions["video"].unique()),
                                 "predictions": 72}  # fmt: skip
    table = pd.read_csv(tmp_path / "comparison" / "predictions.csv")
    assert table.columns.tolist() == ["split", "video", "mos", "good", "bad", "fair"]
    models = pd.read_csv(tmp_path / "comparison" / "models.csv")
    assert models["label"].tolist() == ["good", "bad", "fair"]


def test_splits_that_are_not_shared_are_skipped_and_noted(tmp_path, runs):
    more = make(tmp_path, "more", 0.3, count=5)
    content = compare([runs[0], more]).content
    assert content["shared"]["splits"] == 3
    assert "more: 2 splits that the others do not have were skipped." in content["notes"]


def test_notes_name_their_run(tmp_path, runs):
    noted = make(tmp_path, "noted", 0.3)
    noted.note("One video was absent.")
    assert compare([runs[0], noted]).content["notes"] == ["noted: One video was absent."]


def test_a_note_of_several_runs_is_given_once(tmp_path, runs):
    noted = [make(tmp_path, name, 0.3) for name in ("one", "two")]
    for run in noted:
        run.note("One video was absent.")
    noted[1].note("Random weights.")
    assert compare([*noted, runs[0]]).content["notes"] == [
        "one, two: One video was absent.", "two: Random weights.",
    ]  # fmt: skip
    assert compare(noted).content["notes"] == [
        "all models: One video was absent.", "two: Random weights.",
    ]  # fmt: skip


def test_a_model_without_correlations_takes_part(tmp_path, runs):
    content = compare([make(tmp_path, "flat", None), *runs[:2]]).content
    better = {(pair["a"], pair["b"]): pair["better"] for pair in content["pairs"]}
    assert better == {("flat", "good"): None, ("flat", "bad"): None, ("good", "bad"): "good"}


def test_the_command_is_kept(runs):
    assert compare(runs[:2], resamples=20).content["command"] == ""
    found = compare(runs[:2], resamples=20, command="vqa compare a b")
    assert found.content["command"] == "vqa compare a b"


def test_every_metric_has_its_median(found, runs):
    for label, run in zip(("good", "bad", "fair"), runs, strict=True):
        median = found.content["summaries"][label]["median"]
        assert list(median) == list(METRICS)
        assert median["pwrc"] == run.results().summary.value("pwrc")


def test_an_unknown_metric_is_refused(runs):
    with pytest.raises(ValueError, match="metric='psnr'"):
        compare(runs, metric="psnr")
