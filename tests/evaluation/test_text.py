"""Results and numbers as text."""

import pandas as pd
import pytest

from tests import run_folders
from tests.places import SHARED
from vqa.evaluation.metrics import METRICS, cards
from vqa.evaluation.metrics.on_counts import OnCounts
from vqa.evaluation.predictions import read_predictions
from vqa.evaluation.results import read_results
from vqa.evaluation.summary import summarise
from vqa.evaluation.text import format_table, seconds_text
from vqa.files import write_json

PUBLISHED = SHARED / "gstvqa"


@pytest.fixture(scope="module")
def predictions():
    return run_folders.predictions()


@pytest.fixture(scope="module")
def results(predictions):
    return summarise(predictions, resamples=200)


def test_table_is_aligned_and_complete(results):
    *lines, last = format_table(results).splitlines()
    assert last.startswith("also: PWRC ")
    assert "RMSE*" not in last  # how far the raters agree is not known
    titles = " ".join(METRICS[name].title for name in cards.table())
    assert titles.startswith("SROCC KROCC PLCC PLCC raw RMSE RMSE raw")
    assert " ".join(lines[0].split()) == f"split n {titles}"
    assert len({len(line) for line in lines}) == 1
    assert [line.split()[0] for line in lines if "-----" not in line][1:] == [
        "split-0", "split-1", "split-2", "median", "mean", "std", "95", "95",
    ]  # fmt: skip
    assert f"{results.summary.median['srocc']:.4f}" in format_table(results)


def test_a_metric_alongside_with_a_form_has_its_interval(predictions, monkeypatch):
    def errors_on_counts(mos, score):
        return lambda counts: counts @ abs(mos - score) / counts.sum(axis=1)

    card = cards.Metric(
        "mae", "MAE", lambda mos, score: abs(mos - score).mean(), lower_is_better=True,
        on_counts=OnCounts(errors_on_counts),
    )  # fmt: skip
    monkeypatch.setattr(cards, "METRICS", cards.by_name([*METRICS.values(), card]))
    summary = (found := summarise(predictions, resamples=50)).summary
    low, high = summary.interval("mae")
    expected = f"MAE {summary.value('mae'):.4f} ({low:.4f} to {high:.4f})"
    assert format_table(found).endswith(expected)


def test_table_reads_json_with_nulls_and_shortens_many_splits(predictions, tmp_path):
    many = pd.concat(
        [predictions[predictions["split"] == "split-0"].assign(split=f"s{k}") for k in range(25)]
    )
    many.loc[many["split"] == "s3", "score"] = 1.0
    write_json(tmp_path / "results.json", summarise(many, resamples=20).to_json())
    text = format_table(read_results(tmp_path / "results.json"))
    assert "... 5 more" in text
    assert "nan" in next(line for line in text.splitlines() if line.startswith("s3 "))


def test_published_predictions_print_the_published_numbers():
    path = PUBLISHED / "kon_cvd.csv"
    if not path.is_file():
        pytest.skip("the authors' predictions are not at ../shared/data/gstvqa")
    table = format_table(summarise(read_predictions(path), resamples=100))
    row = next(line for line in table.splitlines() if line.startswith("all"))
    assert row.split()[1:5] == ["234", "0.7972", "0.5891", "0.8047"]
    assert row.split()[5] == "0.7984"


def test_seconds_have_three_digits():
    values = [1944.48, 311.2, 31.98, 5, 0.8, 0.01234, 0, None, float("nan")]
    texts = ["1940", "311", "32.0", "5.00", "0.800", "0.0123", "0.00", "–", "–"]
    assert list(map(seconds_text, values)) == texts
