"""A comparison as text and as a table of models, with costs if any are known."""

import pandas as pd
import pytest

from vqa.evaluation.metrics import cards
from vqa.runs.comparison.formatting import format_comparison, models_table

COSTS = ("dimension", "seconds_a_video", "training_s_a_split")


@pytest.fixture
def costly(found):
    """The same comparison with known costs, some and none."""
    known = [(3884, 3.75, 4.0), (1840, None, None), (None, None, None)]
    models = [
        model | dict(zip(COSTS, costs, strict=True))
        for model, costs in zip(found.content["models"], known, strict=True)
    ]
    return found.content | {"models": models}


def test_the_text_names_what_is_shared_and_who_is_better(found):
    counts, models, pairs = format_comparison(found.content).split("\n\n")
    assert counts == f"3 splits, {found.content['shared']['videos']} videos in common"
    assert [line.split()[0] for line in models.splitlines()[2:]] == ["good", "bad", "fair"]
    first, second, _ = pairs.splitlines()[2:]
    pair = found.content["pairs"][0]
    low, high = pair["interval"]
    numbers = [f"{value:.4f}" for value in (pair["difference"], low, high, pair["p_holm"])]
    assert first.replace(" to ", " ").split()[3:] == [*numbers, "good"]
    assert second.endswith("neither")


def test_costs_are_in_the_text(costly):
    head, _, *lines = format_comparison(costly).split("\n\n")[1].splitlines()
    assert head.endswith("dimension  s per video  training s per split")
    assert [line.split()[-3:] for line in lines] == [
        ["3884", "3.75", "4.00"], ["1840", "–", "–"], ["–", "–", "–"],
    ]  # fmt: skip


def test_costs_and_intervals_are_in_the_table(costly, tmp_path):
    models_table(costly).to_csv(tmp_path / "models.csv", index=False)
    assert ",3884,3.75,4.0\n" in (tmp_path / "models.csv").read_text()
    table = pd.read_csv(tmp_path / "models.csv").set_index("label")
    assert table.loc["good", list(COSTS)].tolist() == [3884, 3.75, 4.0]
    assert table.loc["fair", list(COSTS)].isna().all()
    for name, summary in costly["summaries"].items():
        ends = table.loc[name, ["srocc", "srocc_low", "srocc_high"]].tolist()
        assert ends == [summary["median"]["srocc"], *summary["interval"]["srocc"]]


def test_without_timing_no_table_has_costs(found):
    assert "dimension" not in format_comparison(found.content)
    table = models_table(found.content)
    assert table["label"].tolist() == ["good", "bad", "fair"]
    expected = ["label", "model", "features", "untrained"]
    for name in cards.METRICS:
        ends = [f"{name}_low", f"{name}_high"] if name in cards.rankable() else []
        expected += [name, *ends]
    assert table.columns.tolist() == expected
    assert table.loc[0, "pwrc"] == found.content["summaries"]["good"]["median"]["pwrc"]
