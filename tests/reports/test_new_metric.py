"""A new card is enough: the metric is in results, report, comparison, costs and heat map."""

import json

import numpy as np
import pytest

from tests import run_folders
from tests.reports import page_folders
from tests.reports.html_page import Page
from tests.runs.comparison.finished_runs import make
from vqa.evaluation.metrics import METRICS, Metric, cards
from vqa.evaluation.metrics.on_counts import OnCounts
from vqa.reports import figures
from vqa.reports.comparison_page import write_comparison
from vqa.reports.run_page import write_report
from vqa.reports.tracking.wandb_media import flat
from vqa.runs.audit import audit
from vqa.runs.comparison import compare, write_comparison_files
from vqa.runs.comparison.formatting import format_comparison, models_table


def mean_error(mos, score):
    return np.mean(np.abs(mos - score))


def mean_error_on_counts(mos, score):
    return lambda counts: counts @ np.abs(mos - score) / counts.sum(axis=1)


@pytest.fixture(params=[True, False], ids=["in the table", "alongside"])
def in_table(request, monkeypatch):
    form = OnCounts(mean_error_on_counts)
    card = Metric(
        "mae", "MAE", mean_error, lower_is_better=True, in_table=request.param, on_counts=form
    )
    monkeypatch.setattr(cards, "METRICS", cards.by_name([*METRICS.values(), card]))
    return request.param


def test_the_report_and_the_tracker_show_it(in_table, tmp_path):
    folder = run_folders.complete(tmp_path / "run")
    summary = json.loads((folder / "results.json").read_text())["summary"]
    low, high = summary["interval"]["mae"]
    value = summary["median" if in_table else "further"]["mae"]
    words = Page(write_report(folder).read_text()).words()
    if in_table:
        assert f"{value:.4f} {low:.3f} to {high:.3f}" in words
    else:
        assert f"MAE {value:.4f} ({low:.4f} to {high:.4f})" in words
    assert flat(summary)[f"{'median' if in_table else 'further'}/mae"] == value


def test_models_are_compared_and_ranked_by_it(in_table, tmp_path):
    runs = [make(tmp_path, "bad", 2.0), make(tmp_path, "good", 0.2)]
    found = compare(runs, metric="mae", resamples=200)
    (pair,) = found.content["pairs"]
    assert pair["better"] == "good"
    assert pair["difference"] > 0
    assert {"mae", "mae_low", "mae_high"} <= set(models_table(found.content))
    assert "difference of MAE" in format_comparison(found.content)
    write_comparison_files(found, tmp_path / "comparison")
    words = Page(write_comparison(tmp_path / "comparison").read_text()).words()
    median = found.content["summaries"]["good"]["median"]["mae"]
    assert f"good has the lowest median MAE, {median:.3f}" in words
    assert f"{median:.4f}" in words


def test_maps_and_costs_know_its_direction(in_table, tmp_path):
    folder = page_folders.matrix(tmp_path / "matrix")
    matrix = json.loads((folder / "matrix.json").read_text())
    for cell in matrix["cells"]:
        cell["metrics"]["mae"] = cell["metrics"]["rmse"]
    shown = [text.get_text() for text in figures.heat_map(matrix, "mae").axes[0].texts]
    assert "0.210" in shown
    rows = [
        {"label": name, "seconds_a_video": seconds, "value": 0.5, "dimension": 1,
         "interval": (0.4, 0.6)}
        for name, seconds in (("a", 1.0), ("b", 2.0))
    ]  # fmt: skip
    label = figures.accuracy_over_seconds(rows, "mae", 0.95).axes[0].get_ylabel()
    assert label == "MAE with 95 % interval (lower is better)"


def test_runs_from_before_it_still_hold(tmp_path, monkeypatch):
    run = make(tmp_path, "old", 0.2)
    card = Metric("mae", "MAE", mean_error, in_table=True, on_counts=OnCounts(mean_error_on_counts))
    monkeypatch.setattr(cards, "METRICS", cards.by_name([*METRICS.values(), card]))
    assert not any(finding.fault for finding in audit(run))
