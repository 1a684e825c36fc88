"""From a table of predictions to results, their JSON and their plain-text table."""

import json
import math

import numpy as np
import pandas as pd
import pytest

from tests import run_folders
from tests.places import SHARED
from vqa.evaluation.metrics import METRICS, outlier_ratio, plcc, pwrc, rmse, rmse_star, score_all
from vqa.evaluation.results import format_table, read_predictions, summarise, write_json
from vqa.evaluation.uncertainty import bootstrap_interval, on_counts, percentile_interval, resample

PUBLISHED = SHARED / "gstvqa"


@pytest.fixture(scope="module")
def predictions():
    return run_folders.predictions()


@pytest.fixture(scope="module")
def results(predictions):
    return summarise(predictions, resamples=200)


def test_each_split_has_its_metrics_and_intervals(predictions, results):
    assert list(results["splits"]) == ["split-0", "split-1", "split-2"]
    for name, part in results["splits"].items():
        rows = predictions[predictions["split"] == name]
        expected = score_all(rows["mos"], rows["score"])
        assert {key: part[key] for key in expected} == expected
        assert part["mapping"] == "logistic4"
        interval = bootstrap_interval(rows["mos"], rows["score"], "krocc", resamples=200)
        assert part["interval"]["krocc"] == list(interval)


def test_summary_is_over_the_splits_own_values(predictions, results):
    summary = results["summary"]
    assert (summary["splits"], summary["predictions"]) == (3, 144)
    assert summary["videos"] == predictions["video"].nunique()
    for metric in METRICS:
        values = [part[metric] for part in results["splits"].values()]
        assert summary["median"][metric] == pytest.approx(np.median(values))
        assert summary["mean"][metric] == pytest.approx(np.mean(values))
        assert summary["std"][metric] == pytest.approx(np.std(values, ddof=1))
        low, high = summary["interval"][metric]
        assert low < summary["median"][metric] < high


def test_one_split_has_no_spread_and_its_own_interval(predictions):
    one = summarise(predictions[predictions["split"] == "split-1"], resamples=100)
    assert one["summary"]["interval"] == one["splits"]["split-1"]["interval"]
    assert one["summary"]["median"]["srocc"] == one["splits"]["split-1"]["srocc"]
    assert math.isnan(one["summary"]["std"]["srocc"])


def test_the_same_split_twice_is_no_second_witness(predictions):
    once = predictions[predictions["split"] == "split-0"]
    again = once.sample(frac=1, random_state=0).assign(split="again")
    twice = pd.concat([once, again], ignore_index=True)
    doubled = summarise(twice, resamples=200)["summary"]
    assert doubled["videos"] == len(once)
    # Videos are resampled in both at once, so the interval does not shrink.
    alone = resample(on_counts(once["mos"], once["score"], "srocc"), len(once), resamples=200)
    assert doubled["interval"]["srocc"] == pytest.approx(percentile_interval(alone)[0])


def test_undefined_splits_are_counted_and_left_out(predictions):
    table = predictions.copy()
    table.loc[table["split"] == "split-2", "score"] = 3.0
    summary = summarise(table, resamples=100)["summary"]
    assert summary["undefined"] == dict.fromkeys(METRICS, 1) | {"rmse_raw": 0}
    kept = summarise(table[table["split"] != "split-2"], resamples=100)["summary"]
    for key in ("median", "mean", "std"):
        assert summary[key]["srocc"] == pytest.approx(kept[key]["srocc"])
    assert np.isfinite(summary["interval"]["srocc"]).all()


def test_permuted_rows_give_the_same_results(predictions, results):
    mixed = predictions.sort_values(["split", "video"], ascending=[True, False])
    again = summarise(mixed, resamples=200)
    for name, part in again["splits"].items():
        for metric in METRICS:
            assert part[metric] == pytest.approx(results["splits"][name][metric], abs=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="score"), "predictions lack score"),
        (lambda t: t.iloc[:0], "hold no rows"),
        (lambda t: pd.concat([t, t.iloc[:2]]), r"2 videos are predicted more than once.*split-0"),
        (lambda t: t.assign(split=None), "empty split or video name"),
        (lambda t: t.assign(score=np.nan), "split split-0: of 48 videos 0 mos and 48 score"),
    ],
)
def test_tables_that_are_no_predictions_are_refused(predictions, change, message):
    with pytest.raises(ValueError, match=message):
        summarise(change(predictions))


def test_json_has_null_for_nan_and_plain_numbers(tmp_path):
    path = tmp_path / "results.json"
    write_json(path, {"a": math.nan, "b": np.float32(0.5), "c": [np.inf, np.int64(3)], 4: None})
    assert json.loads(path.read_text()) == {"a": None, "b": 0.5, "c": [None, 3], "4": None}
    write_json(path, {"d": np.array([1.0, np.nan]), "e": tmp_path, "f": np.bool_(True)})
    assert json.loads(path.read_text()) == {"d": [1.0, None], "e": str(tmp_path), "f": True}
    assert [file.name for file in tmp_path.iterdir()] == ["results.json"]


def test_json_that_cannot_be_written_leaves_the_old_file(tmp_path):
    path = tmp_path / "results.json"
    write_json(path, {"kept": 1})
    with pytest.raises(TypeError):
        write_json(path, {"bad": object()})
    assert json.loads(path.read_text()) == {"kept": 1}


def test_table_is_aligned_and_complete(results):
    *lines, last = format_table(results).splitlines()
    assert last.startswith("also: PWRC ")
    assert "RMSE*" not in last  # nobody said how far the raters agree
    assert " ".join(lines[0].split()) == "split n SROCC KROCC PLCC PLCC raw RMSE RMSE raw"
    assert len({len(line) for line in lines}) == 1
    assert [line.split()[0] for line in lines if "-----" not in line][1:] == [
        "split-0", "split-1", "split-2", "median", "mean", "std", "95", "95",
    ]  # fmt: skip
    assert f"{results['summary']['median']['srocc']:.4f}" in format_table(results)


def test_further_metrics_are_those_of_their_functions(predictions):
    ci95 = pd.Series(0.3, predictions["video"].unique())
    results = summarise(predictions, ci95=ci95, resamples=20)
    part = predictions[predictions["split"] == "split-1"]
    mos, score = part["mos"].to_numpy(), part["score"].to_numpy()
    half = np.full(len(part), 0.3)
    assert results["splits"]["split-1"]["further"] == {
        "pwrc": pwrc(mos, score),
        "plcc_logistic5": plcc(mos, score, "logistic5"),
        "rmse_logistic5": rmse(mos, score, "logistic5"),
        "outlier_ratio": outlier_ratio(mos, score, half),
        "rmse_star": rmse_star(mos, score, half),
    }
    values = [split["further"]["rmse_star"] for split in results["splits"].values()]
    assert results["summary"]["further"]["rmse_star"] == np.median(values)
    # A split with one video of unknown spread has neither of the two.
    fewer = summarise(predictions, ci95=ci95.drop(part["video"].iloc[0]), resamples=20)
    further = fewer["splits"]["split-1"]["further"]
    assert np.isnan(further["rmse_star"])
    assert np.isnan(further["outlier_ratio"])
    assert further["pwrc"] == pwrc(mos, score)


def test_table_reads_json_with_nulls_and_shortens_many_splits(predictions, tmp_path):
    many = pd.concat(
        [predictions[predictions["split"] == "split-0"].assign(split=f"s{k}") for k in range(25)]
    )
    many.loc[many["split"] == "s3", "score"] = 1.0
    write_json(tmp_path / "results.json", summarise(many, resamples=20))
    text = format_table(json.loads((tmp_path / "results.json").read_text()))
    assert "... 5 more" in text
    assert "nan" in next(line for line in text.splitlines() if line.startswith("s3 "))


def test_predictions_come_back_as_written(predictions, tmp_path):
    run_folders.minimal(tmp_path, predictions)
    pd.testing.assert_frame_equal(
        read_predictions(tmp_path / "predictions.csv"), predictions, check_dtype=False
    )


def test_predictions_of_others_need_only_mos_and_score(tmp_path):
    path = tmp_path / "theirs.csv"
    path.write_text("\ufeffmos, score,extra\n1.5,10,x\n2.5,30,y\n", encoding="utf-8")
    table = read_predictions(path)
    assert table.to_dict("list") == {
        "split": ["all", "all"],
        "video": ["row 1", "row 2"],
        "mos": [1.5, 2.5],
        "score": [10.0, 30.0],
    }


def test_names_stay_text(tmp_path):
    path = tmp_path / "theirs.csv"
    path.write_text("split,video,mos,score\n01,007,1,2\n01,NA,2,3\n")
    table = read_predictions(path)
    assert table["video"].tolist() == ["007", "NA"]
    assert table["split"].tolist() == ["01", "01"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a readable CSV"),
        ("mos,score\n", "hold no rows"),
        ("MOS,pred\n1,2\n", "no column mos and score; expected mos,score.*found MOS, pred"),
        (
            "mos,score\n1,2\n2,abc\n",
            "1 cells of score are not finite numbers, first 'abc' in line 3",
        ),
        ("mos,score\n1,2\n,3\n", "first '' in line 3"),
        ("mos,score\n1,inf\n", "first 'inf' in line 2"),
        ("mos,score\n1,2,3\n4,5,6\n", "more cells than the header"),
        ("video,mos,score\na,1,2\na,2,3\n", "1 videos are predicted more than once"),
    ],
)
def test_bad_prediction_files_say_what_is_wrong(tmp_path, text, message):
    path = tmp_path / "theirs.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as error:
        read_predictions(path)
    assert "theirs.csv" in str(error.value)


def test_missing_prediction_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent\.csv: no such predictions file"):
        read_predictions(tmp_path / "absent.csv")


def test_published_predictions_print_the_published_numbers():
    path = PUBLISHED / "kon_cvd.csv"
    if not path.is_file():
        pytest.skip("the authors' predictions are not at ../shared/data/gstvqa")
    table = format_table(summarise(read_predictions(path), resamples=100))
    row = next(line for line in table.splitlines() if line.startswith("all"))
    assert row.split()[1:5] == ["234", "0.7972", "0.5891", "0.8047"]
    assert row.split()[5] == "0.7984"
