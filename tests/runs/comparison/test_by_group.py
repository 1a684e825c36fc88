"""Metrics of each group with the models side by side."""

import pytest

from tests.runs.comparison.finished_runs import make
from vqa.evaluation.groups import read_groups
from vqa.evaluation.metrics import rmse_raw
from vqa.runs.comparison import compare
from vqa.runs.comparison.by_group import models_by_group


def test_groups_have_the_models_side_by_side(runs, found):
    (table,) = found.content["groups"]  # content has one row per video, resolution one row
    assert table["by"] == "group"
    assert [row["group"] for row in table["rows"]] == ["a", "b"]
    for row in table["rows"]:
        assert row["values"]["good"]["srocc"] > row["values"]["bad"]["srocc"]
    parts = runs[1].predictions()
    of_a = parts[parts["video"].str[1:3].astype(int) % 2 == 0]
    literal = [rmse_raw(part["mos"], part["score"]) for _, part in of_a.groupby("split")]
    values = table["rows"][0]["values"]["bad"]
    assert values["rmse_raw"] == pytest.approx(sum(literal) / 3)
    assert table["rows"][0]["n"] == of_a["video"].nunique()


@pytest.mark.parametrize("first", [True, False])
def test_a_model_without_correlations_is_in_no_group(tmp_path, runs, first):
    flat = make(tmp_path, "flat", None)
    (table,) = compare([flat, runs[0]] if first else [runs[0], flat]).content["groups"]
    assert [list(row["values"]) for row in table["rows"]] == [["good"]] * 2


def test_without_any_correlation_there_are_no_groups(tmp_path):
    flat = make(tmp_path, "flat", None)
    kinds = read_groups(flat.folder / "videos.csv")
    assert models_by_group({"flat": flat.predictions()}, kinds) == []
