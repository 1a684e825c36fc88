"""Pairs of models have the numbers of the functions that compute them."""

import numpy as np
import pytest

from tests.runs.comparison.finished_runs import make
from vqa.evaluation.metrics import srocc
from vqa.evaluation.uncertainty import (
    corrected_resampled_t,
    f_test,
    holm,
    paired,
    significance_matrix,
)
from vqa.runs.comparison import compare


def test_pairs_have_the_numbers_of_the_tests(runs, found):
    good, bad, _ = (run.predictions() for run in runs)
    pair = found.content["pairs"][0]
    assert (pair["a"], pair["b"], pair["metric"]) == ("good", "bad", "srocc")
    alone = significance_matrix({"good": good, "bad": bad}, "srocc", resamples=2000)
    assert pair["difference"] == alone.difference[0, 1]
    assert pair["interval"] == [alone.low[0, 1], alone.high[0, 1]]
    assert pair["p_bootstrap"] == alone.p_alone[0, 1]
    differences = []
    for name in ("split0", "split1", "split2"):
        values = [
            srocc(part["mos"], part["score"])
            for table in (good, bad)
            for part in [table[table["split"] == name]]
        ]
        differences.append(values[0] - values[1])
    assert pair["difference"] == pytest.approx(np.mean(differences))
    assert pair["p_t"] == pytest.approx(corrected_resampled_t(differences, 36, 24).p)


def test_p_of_the_f_test_is_the_median_over_splits(runs, found):
    splits = [run.results().splits.values() for run in runs[:2]]
    rmse = [[split.value("rmse") for split in part] for part in splits]
    literal = [f_test(one, 24, two, 24).p for one, two in zip(*rmse, strict=True)]
    assert found.content["pairs"][0]["p_f"] == pytest.approx(np.median(literal))


def test_p_is_adjusted_over_all_pairs(found):
    pairs = found.content["pairs"]
    assert [pair["p_holm"] for pair in pairs] == holm([p["p_bootstrap"] for p in pairs]).tolist()


def test_all_pairs_share_one_draw(runs, monkeypatch):
    drawn = []

    def counted(*args, **kwargs):
        drawn.append(kwargs["resamples"])
        return resample(*args, **kwargs)

    resample = paired.resample
    monkeypatch.setattr(paired, "resample", counted)
    assert len(compare(runs, resamples=50).content["pairs"]) == 3
    assert drawn == [50]


def test_the_better_model_is_named_and_equals_are_not(found):
    better = {(pair["a"], pair["b"]): pair["better"] for pair in found.content["pairs"]}
    assert better == {("good", "bad"): "good", ("good", "fair"): None, ("bad", "fair"): "fair"}


def test_a_lower_error_is_better(runs):
    (pair,) = compare(runs[:2], metric="rmse").content["pairs"]
    assert pair["difference"] < 0
    assert pair["better"] == "good"


def test_one_split_has_no_t_test(tmp_path):
    content = compare([make(tmp_path, "a", 0.2, 1), make(tmp_path, "bc", 0.5, 1)]).content
    assert content["pairs"][0]["p_t"] is None
