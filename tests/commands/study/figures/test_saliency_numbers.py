"""Table 2, Figs. 2 to 4 and 7 of the saliency study: which videos, splits and numbers they show."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.commands.calling import call
from tests.commands.study.figures.conftest import TOY_CNN, TOY_SALIENCY
from tests.run_folders import complete
from vqa.commands.study.figures import extraction_cost
from vqa.commands.study.figures.extraction_cost import (
    _of_training,
    cost,
    spread_over_categories,
)
from vqa.commands.study.figures.opinion_scatters import median_split, scatters
from vqa.commands.study.figures.saliency_histogram import histogram
from vqa.databases.records import VideoRecord
from vqa.evaluation import metrics
from vqa.files import write_json
from vqa.reports.svg import to_svg
from vqa.runs import Run
from vqa.runs.opening import load_run

CORRELATION = [
    "features.saliency_correlation.weights=random", "features.saliency_correlation.device=cpu",
    "features.saliency_correlation.saliency_architecture=toy_classifier",
]  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of three splits whose features are of random weights."""
    folder = complete(tmp_path_factory.mktemp("run"))
    table = pd.read_csv(folder / "predictions.csv")
    for name, part in table.groupby("split"):
        (folder / name).mkdir(exist_ok=True)
        part.to_csv(folder / name / "predictions.csv", index=False)
    entry = {"name": "cnn", "weights": "w", "fingerprint": "f", "untrained": True}
    write_json(folder / "features.json", [entry])
    write_json(folder / "database.json", {"name": "konvid", "mos_range": [1, 5], "videos": 120})
    return Run(folder, {"paths": {}, "data": {"reader": "auto"}, "name": "made up"})


def test_the_split_with_the_median_srocc_is_shown(run, make_material):
    table = pd.read_csv(run.folder / "predictions.csv")
    srocc = {
        name: metrics.srocc(part["mos"], part["score"]) for name, part in table.groupby("split")
    }
    middle = sorted(srocc, key=srocc.get)[1]
    name, value, count = median_split(run)
    assert (name, count) == (middle, 3)
    assert value == pytest.approx(srocc[middle])
    material = make_material(runs={"NSS": run, "CNN": run})
    (picture,) = scatters(material, "fig2", ["NSS", "NSS_SALIENCY", "CNN"])
    assert set(picture.rows["split"]) == {middle}
    assert picture.rows["training"].unique().tolist() == ["NSS", "CNN"]
    assert len(picture.rows) == 2 * (table["split"] == middle).sum()
    assert "split of 3 whose SROCC is the median" in picture.caption
    assert "not trained: NSS_SALIENCY" in picture.notes[-1]
    assert any("RANDOM weights" in note for note in picture.notes)
    svg = to_svg(picture.figure)
    for word in ("NSS", "CNN", f"SROCC {value:.3f}", "random weights", "logistic curve"):
        assert word in svg
    with pytest.raises(ValueError, match="fig2: none of its trainings is finished"):
        scatters(make_material(), "fig2", ["NSS"])


def test_one_training_fills_a_column_under_its_databases_name(run, make_material):
    (picture,) = scatters(make_material(runs={"konvid": run}), "fig2", ["konvid"])
    assert picture.figure.get_size_inches()[0] == pytest.approx(3.5)
    assert "konvid" in to_svg(picture.figure)


def test_cosines_of_all_frames_are_shown_and_kept(make_material, tmp_path):
    material = make_material(databases=("konvid", "youtube_ugc"))
    (picture,) = histogram(material, videos=2, overrides=CORRELATION)
    assert list(picture.rows) == ["database", "video", "frame", "time_s", "cosine"]
    assert picture.rows["database"].tolist() == ["konvid"] * 2 + ["youtube_ugc"] * 2
    assert picture.rows["video"].tolist() == ["videos/clip0.mp4", "videos/clip2.mp4"] * 2
    cosines = picture.rows["cosine"].to_numpy()
    assert f"konvid: median {np.median(cosines[:2]):.3f}, mode " in picture.caption
    assert "RANDOM weights" in picture.notes[0]
    assert "random weights" in to_svg(picture.figure)
    (cached,) = (tmp_path / "cache").glob("saliency_correlation-*")
    assert len(list(cached.rglob("*.safetensors"))) == 2  # the databases are the same files
    with pytest.raises(ValueError, match=r"expected readable videos of konvid or youtube_ugc"):
        histogram(make_material(databases=()))


def test_named_videos_that_cannot_be_read_are_noted(make_material, clips, tmp_path):
    (tmp_path / "bad.mp4").write_bytes(b"none")
    videos = [clips / "videos" / "clip1.mp4", tmp_path / "bad.mp4"]
    (picture,) = histogram(make_material(databases=(), videos=videos), overrides=CORRELATION)
    assert set(picture.rows["database"]) == {"videos"}
    assert picture.rows["cosine"].between(-1, 1).all()
    assert "1 videos could not be read" in picture.notes[0]
    assert "bad.mp4" in picture.notes[0]
    with pytest.raises(ValueError, match=r"^no frame has a cosine"):
        histogram(make_material(databases=(), videos=videos[1:]), overrides=CORRELATION)


def named(names):
    return [VideoRecord(name, Path(name), 3.0) for name in names]


def test_the_videos_of_the_cost_cover_the_categories():
    names = [f"{word}_1080P-{k}" for word in ("Vlog", "Animation", "Sports") for k in range(3)]
    chosen = [video.id for video in spread_over_categories(named(names), 4)]
    assert chosen == ["Animation_1080P-0", "Sports_1080P-0", "Vlog_1080P-0", "Animation_1080P-1"]
    assert chosen == [video.id for video in spread_over_categories(named(names[::-1]), 4)]
    letters = [f"{letter}x_1080P-0" for letter in "ABCDEFGHIJKLMNO"]
    chosen = [video.id[0] for video in spread_over_categories(named(letters), 10)]
    assert len(chosen) == 10
    assert (chosen[0], chosen[-1]) == ("A", "O")


def test_the_regression_of_a_training_is_timed_on_its_own_features(tmp_path, make_material):
    rng = np.random.default_rng(0)
    mos = rng.uniform(1, 5, 30)
    labels = pd.DataFrame({"video": [f"v{k}.mp4" for k in range(30)], "mos": mos})
    labels.to_csv(tmp_path / "labels.csv", index=False)
    matrix = tmp_path / "features.npy"
    np.save(matrix, mos[:, None] + rng.normal(0, 0.2, (30, 3)))
    call(
        "train", tmp_path, "model=svr", "data=csv", f"data.labels={tmp_path / 'labels.csv'}",
        "data.mos_range=[1,5]", "data.missing=keep", "features=external",
        f"features.external.path={matrix}", "features.external.rows=database", "protocol=videval",
        "protocol.count=1", "model.inner=videval", "model.C=[1,8]", "model.gamma=[0.1,1]",
        f"folder={tmp_path / 'run'}",
    )  # fmt: skip
    material = make_material(runs={"NSS": load_run(tmp_path / "run")})
    assert _of_training(material, "NSS") > 0
    assert _of_training(material, "CNN") is None
    matrix.unlink()
    assert _of_training(material, "NSS") is None


def test_the_seconds_of_a_set_are_the_sum_over_its_extractors(make_material, monkeypatch, run):
    ticks = iter(range(1000))
    monkeypatch.setattr(extraction_cost, "perf_counter", lambda: next(ticks) ** 2)
    sets = {
        "SALIENCY": {"features": ["saliency"], "extraction_s": 52.62, "regression_s": 4.98},
        "CNN": {"features": ["cnn"]},
        "CNN_SALIENCY": {"features": ["cnn", "saliency"]},
    }
    material = make_material(runs={"CNN": run, "SALIENCY": run})
    made = cost(material, "youtube_ugc", sets, group="1080P", videos=2, rows=30,
                overrides=TOY_SALIENCY + TOY_CNN)  # fmt: skip
    assert [picture.name for picture in made] == ["table2", "fig4"]
    rows = made[0].rows.set_index("name")
    # The clock reads 0, 1, 4, 9 ...: the saliency of two videos takes 1 and 5, the other 9 and 13.
    assert rows["extraction_s"].tolist() == [3, 11, 14]
    assert rows["dim"].tolist() == [224, 12, 236]
    assert rows.loc["SALIENCY", "printed_extraction_s"] == 52.62
    assert "2 videos on " in made[0].caption
    assert "clip0.mp4, clip1.mp4" in made[0].caption
    assert any("group 1080P" in note for note in made[0].notes)
    assert any("Regression on random numbers" in note for note in made[0].notes)
    assert made[1].rows["label"].tolist() == ["SALIENCY", "CNN"]
    for picture in made:
        assert "random weights" in to_svg(picture.figure)
        assert picture.figure.get_size_inches()[0] == pytest.approx(7.2)
    with pytest.raises(ValueError, match=r"youtube_ugc is absent"):
        cost(make_material(databases=()), "youtube_ugc", sets)
