"""Results as records: the layout of results.json, written, read back, and of other versions."""

import json
import math

import pytest

from tests import run_folders
from vqa.evaluation.metrics import METRICS, cards
from vqa.evaluation.results import Bootstrap, Results, read_results
from vqa.evaluation.summary import summarise
from vqa.files import write_json


@pytest.fixture(scope="module")
def results():
    table = run_folders.predictions()
    table.loc[table["split"] == "split-2", "score"] = 3.0
    return summarise(table, resamples=20)


@pytest.fixture
def content(results):
    return json.loads(json.dumps(results.to_json()))


def test_the_layout_of_the_file(content):
    assert list(content) == ["splits", "summary", "bootstrap"]
    part = content["splits"]["split-1"]
    assert list(part) == [*cards.table(), "n", "further", "mapping", "interval"]
    assert list(part["further"]) == list(cards.alongside())
    assert list(part["interval"]) == list(cards.rankable())
    assert list(content["summary"]) == [
        "splits", "videos", "predictions", "median", "mean", "std", "interval", "undefined",
        "further",
    ]  # fmt: skip
    assert content["splits"]["split-2"]["srocc"] is None
    assert content["splits"]["split-2"]["mapping"] is None
    assert content["bootstrap"] == {"resamples": 20, "level": 0.95, "seed": 0}


def test_results_are_read_back_as_they_were(results, tmp_path):
    path = write_json(tmp_path / "results.json", results.to_json())
    again = read_results(path)
    assert again.to_json() == results.to_json()
    assert again.bootstrap == Bootstrap(20, 0.95, 0)
    assert again.splits["split-1"].table == results.splits["split-1"].table
    assert again.splits["split-1"].intervals == results.splits["split-1"].intervals
    assert math.isnan(again.splits["split-2"].value("srocc"))
    assert again.summary.undefined == results.summary.undefined


def test_a_value_is_found_in_the_table_and_alongside(results):
    split, summary = results.splits["split-1"], results.summary
    assert split.value("srocc") == split.table["srocc"]
    assert summary.value("srocc") == summary.median["srocc"]
    for one in (split, summary):
        assert one.value("pwrc") == one.alongside["pwrc"]
        assert math.isnan(one.value("own"))
        assert all(map(math.isnan, one.interval("own")))


def test_results_of_other_versions_are_read(content):
    """Older ones lack metrics, newer ones have more."""
    for part in (*content["splits"].values(), content["summary"]):
        del part["further"]
    content["splits"]["split-1"]["own"] = 0.5
    content["summary"]["median"]["own"] = 0.5
    found = Results.from_json(content)
    assert math.isnan(found.summary.value("pwrc"))
    assert found.splits["split-1"].value("own") == 0.5
    assert found.summary.value("own") == 0.5
    assert found.to_json()["splits"]["split-1"]["own"] == 0.5
    assert "own" not in METRICS


def test_absent_and_empty_files_are_no_results(tmp_path):
    assert read_results(tmp_path / "results.json") is None
    write_json(tmp_path / "results.json", None)
    assert read_results(tmp_path / "results.json") is None


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.pop("summary"),
        lambda content: content["splits"]["split-1"].pop("n"),
        lambda content: content["summary"].update(median=None),
        lambda content: content["bootstrap"].update(method="own"),
        lambda content: content.update(splits=[]),
    ],
)
def test_another_layout_is_refused_with_the_file(content, tmp_path, change):
    change(content)
    path = write_json(tmp_path / "results.json", content)
    with pytest.raises(ValueError, match=r"results\.json: expected results with splits, summary"):
        read_results(path)
