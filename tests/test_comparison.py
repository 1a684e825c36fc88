"""Runs side by side: only on shared splits, with the numbers of the functions they come from."""

import json
import zlib

import numpy as np
import pandas as pd
import pytest

from vqa.comparison import (
    ComparisonError,
    compare,
    format_comparison,
    models_table,
    write_comparison_files,
)
from vqa.learners.base import Prediction
from vqa.metrics import srocc
from vqa.records import Database, VideoRecord
from vqa.results import write_json
from vqa.runs import open_run
from vqa.splits import Split
from vqa.statistics import compare_splits, corrected_resampled_t

VIDEOS = tuple(
    VideoRecord(
        f"v{k:02}.mp4", None, 1 + k / 20, content=f"s{k}", group="ab"[k % 2], height=720, width=1280
    )
    for k in range(60)
)
NAMES = [video.id for video in VIDEOS]


def split(number, seed=0):
    order = np.random.default_rng([seed, number]).permutation(60)
    train, test = ([NAMES[k] for k in part] for part in (order[:36], order[36:]))
    return Split(f"split{number}", tuple(train), (), tuple(test), "content", seed)


def make(folder, name, noise, count=3, seed=0, mos=lambda video: video.mos, database="fake"):
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    run = open_run(folder / name, {"name": name, "seed": 0, "model": {}, "model_name": name})
    run.describe(Database(database, (1.0, 5.0), VIDEOS))
    run.list_videos(VIDEOS, lambda video: {})
    by_id = {video.id: video for video in VIDEOS}
    for one in (split(number, seed) for number in range(count)):
        run.begin(one)
        run.record(
            one.name,
            [
                Prediction(video, mos(by_id[video]), by_id[video].mos + rng.normal(0, noise))
                for video in one.test
            ],
        )
    run.finish()
    run.report.write_text("<html>")
    return run


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return [make(folder, "good", 0.2), make(folder, "bad", 2.0), make(folder, "fair", 0.25)]


@pytest.fixture(scope="module")
def found(runs):
    return compare(runs)


def scores(run):
    return run.predictions()


def test_pairs_are_those_of_the_statistics(runs, found):
    good, bad, _ = runs
    pair = found.content["pairs"][0]
    assert (pair["a"], pair["b"], pair["metric"]) == ("good", "bad", "srocc")
    alone = compare_splits(scores(good), scores(bad), "srocc", resamples=2000)
    assert pair["difference"] == alone.difference
    assert tuple(pair["interval"]) == alone.interval
    differences = []
    for name in ("split0", "split1", "split2"):
        values = [
            srocc(part["mos"], part["score"])
            for table in (scores(good), scores(bad))
            for part in [table[table["split"] == name]]
        ]
        differences.append(values[0] - values[1])
    assert pair["difference"] == pytest.approx(np.mean(differences))
    assert pair["p_t"] == pytest.approx(corrected_resampled_t(differences, 36, 24).p)
    assert 0 <= pair["p_f"] < 0.05


def test_the_better_model_is_named_and_equals_are_not(found):
    better = {(pair["a"], pair["b"]): pair["better"] for pair in found.content["pairs"]}
    assert better == {("good", "bad"): "good", ("good", "fair"): None, ("bad", "fair"): "fair"}
    for pair in found.content["pairs"]:
        assert pair["p_holm"] >= pair["p_bootstrap"]


def test_an_error_is_better_where_it_is_lower(runs):
    content = compare(runs[:2], metric="rmse").content
    assert content["pairs"][0]["difference"] < 0
    assert content["pairs"][0]["better"] == "good"


def test_groups_have_the_models_beside_each_other(found):
    (table,) = found.content["groups"]  # content has a row a video, resolution one for all
    assert table["by"] == "group"
    assert [row["group"] for row in table["rows"]] == ["a", "b"]
    for row in table["rows"]:
        assert row["values"]["good"]["srocc"] > row["values"]["bad"]["srocc"]


def test_files_and_text(found, tmp_path):
    page = write_comparison_files(found, tmp_path / "comparison")
    assert page.is_file()
    content = json.loads((tmp_path / "comparison" / "comparison.json").read_text())
    assert content["shared"] == {"splits": 3, "videos": len(found.predictions["video"].unique()),
                                 "predictions": 72}  # fmt: skip
    table = pd.read_csv(tmp_path / "comparison" / "predictions.csv")
    assert table.columns.tolist() == ["split", "video", "mos", "good", "bad", "fair"]
    text = format_comparison(found.content)
    assert "3 splits" in text
    assert "good - bad" in text


def timed(folder, name, timing):
    run = make(folder, name, 0.2)
    write_json(run.folder / "timing.json", timing)
    return run


def test_costs_are_sums_over_the_features(tmp_path, runs):
    nss, cnn = {"dim": 1836, "seconds_a_video": 3.25}, {"dim": 2048, "seconds_a_video": 0.5}
    both = timed(tmp_path, "both", {"features": {"nss": nss, "cnn": cnn}, "training_s": 12.0,
                                    "splits": 3})  # fmt: skip
    unknown = {"nss": nss, "file": {"dim": 4, "seconds_a_video": None}}
    part = timed(tmp_path, "part", {"features": unknown, "training_s": 0, "splits": 0})
    files = timed(tmp_path, "files", {"features": {}, "training_s": 90.0, "splits": 3})
    found = compare([both, part, files, runs[0]])
    keys = ("dimension", "seconds_a_video", "training_s_a_split")
    assert [tuple(model[key] for key in keys) for model in found.content["models"]] == [
        (3884, 3.75, 4.0), (1840, None, None), (None, None, 30.0), (None, None, None),
    ]  # fmt: skip
    head, _, *lines = format_comparison(found.content).split("\n\n")[1].splitlines()
    assert head.endswith("dimension  s a video  training s a split")
    assert [line.split()[-3:] for line in lines] == [
        ["3884", "3.75", "4.00"], ["1840", "–", "–"], ["–", "–", "30.0"], ["–", "–", "–"],
    ]  # fmt: skip
    write_comparison_files(found, tmp_path / "comparison")
    assert ",3884,3.75,4.0\n" in (tmp_path / "comparison" / "models.csv").read_text()
    table = pd.read_csv(tmp_path / "comparison" / "models.csv").set_index("label")
    assert table.loc["both", list(keys)].tolist() == [3884, 3.75, 4.0]
    assert table.loc["good", list(keys)].isna().all()
    for name, summary in found.content["summaries"].items():
        ends = table.loc[name, ["srocc", "srocc_low", "srocc_high"]].tolist()
        assert ends == [summary["median"]["srocc"], *summary["interval"]["srocc"]]


def test_without_timing_no_table_has_costs(found):
    assert "dimension" not in format_comparison(found.content)
    table = models_table(found.content)
    assert table["label"].tolist() == ["good", "bad", "fair"]
    assert table.columns[-1] == "rmse_raw_high"


def test_features_are_named(tmp_path):
    run, other = make(tmp_path, "fused", 0.2), make(tmp_path, "own", 0.2)
    run.config["features"] = {"nss": {}, "resnet50": {}}
    names = [model["features"] for model in compare([run, other]).content["models"]]
    assert names == ["nss, resnet50", ""]


def test_a_damaged_timing_is_named(tmp_path, runs):
    run = make(tmp_path, "cut", 0.2)
    (run.folder / "timing.json").write_text('{"features": ')
    with pytest.raises(ValueError, match=r"timing\.json: not JSON"):
        compare([runs[0], run])


def test_only_shared_splits_count(tmp_path, runs):
    more = make(tmp_path, "more", 0.3, count=5)
    content = compare([runs[0], more]).content
    assert content["shared"]["splits"] == 3
    assert "more: 2 splits that the others do not have are left out." in content["notes"]


def test_one_split_has_no_t_test(tmp_path):
    content = compare([make(tmp_path, "a", 0.2, 1), make(tmp_path, "bc", 0.5, 1)]).content
    assert content["pairs"][0]["p_t"] is None


def test_runs_that_do_not_go_together_are_refused(tmp_path, runs):
    with pytest.raises(ComparisonError, match="1 run given"):
        compare(runs[:1])
    other = make(tmp_path, "other splits", 0.2, seed=7)
    with pytest.raises(ComparisonError, match=r"share no split.*protocol=imported"):
        compare([runs[0], other])
    elsewhere = make(tmp_path, "elsewhere", 0.2, database="another")
    with pytest.raises(ComparisonError, match=r"different databases \(another, fake\)"):
        compare([runs[0], elsewhere])
    relabelled = make(tmp_path, "relabelled", 0.2, mos=lambda video: video.mos / 2)
    with pytest.raises(ComparisonError, match="relabelled has other MOS than good for 72"):
        compare([runs[0], relabelled])
    unfinished = make(tmp_path, "unfinished", 0.2)
    unfinished.report.unlink()
    with pytest.raises(ComparisonError, match="not finished"):
        compare([runs[0], unfinished])
    with pytest.raises(ValueError, match="metric='psnr'"):
        compare(runs, metric="psnr")


def test_two_runs_of_one_name_are_told_apart(tmp_path):
    one, two = make(tmp_path / "x", "same", 0.2), make(tmp_path / "y", "same", 0.4)
    assert [model["label"] for model in compare([one, two]).content["models"]] == [
        "same (1)", "same (2)",
    ]  # fmt: skip
