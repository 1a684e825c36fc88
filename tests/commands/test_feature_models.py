"""Feature models through the entry scripts: any list of features, and features from elsewhere."""

import csv
import json

import numpy as np
import pandas as pd
import pytest
import yaml

from tests.commands.calling import call, composed
from tests.fakes import graded_clips
from tests.places import CONF

SVR = ["model=svr", "data=csv", "data.mos_range=[1,5]", "protocol.test_fraction=0.34"]
GRID = ["model.C=[1,8]", "model.gamma=[0.1,1.0]"]
RANDOM = ["features.{}.weights=random", "features.{}.device=cpu"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return graded_clips(tmp_path_factory.mktemp("own"))


def train(place, name, *overrides):
    folder = place / name
    call(
        "train", place, *SVR, f"data.labels={place / 'labels.csv'}", f"folder={folder}", *overrides
    )
    return folder


@pytest.fixture(scope="module")
def fused(place):
    return train(place, "fused", "features=[nss,multiscale]", *GRID)


def test_any_list_of_features_is_fused(fused, place, capsys):
    card = json.loads((fused / "split0" / "learner.json").read_text())
    assert len(card["candidates"]) == 4
    with (fused / "split0" / "grid.csv").open() as file:
        assert [row["logistic_rmse"] for row in csv.DictReader(file)]
    call("evaluate", place, f"run={fused}")
    again = fused / "evaluations" / "csv" / "predictions.csv"
    assert again.read_bytes() == (fused / "predictions.csv").read_bytes()
    call("evaluate", place, f"verify={fused}", "rescore=3")
    output = place / "scores.json"
    call("evaluate", place, f"run={fused}", f"videos={place / 'videos'}", f"output={output}")
    stored = pd.read_csv(fused / "predictions.csv").set_index("video")["score"]
    for row in json.loads(output.read_text())["videos"]:
        name = f"videos/{row['video'].rsplit('/')[-1]}"
        if name in stored:
            assert row["raw"] == pytest.approx(stored[name], abs=1e-9)
            assert len(row["frame_quality"]) == len(row["times_s"]) == 1


def test_the_run_is_named_after_its_features(place):
    paths = [f"paths.{name}={place / name}" for name in ("data", "cache", "runs")]
    experiment = composed("train", *paths, "model=svr", "features=[nss,resnet50]", "data=csv")
    assert experiment.config["name"] == "svr-csv-nss-resnet50"


def test_features_computed_elsewhere_need_no_videos(place, tmp_path):
    rng = np.random.default_rng(0)
    names = [f"v{index}.mp4" for index in range(40)]
    mos = rng.uniform(1, 5, 40)
    labels = pd.DataFrame({"video": names, "mos": mos})
    labels.to_csv(tmp_path / "labels.csv", index=False)
    feats = pd.DataFrame(mos[:, None] + rng.normal(0, 0.2, (40, 3)), columns=list("abc"))
    feats.insert(0, "video", names)
    feats.sample(frac=1, random_state=0).to_csv(tmp_path / "feats.csv", index=False)
    call(
        "train", tmp_path, "model=svr", "data=csv", f"data.labels={tmp_path / 'labels.csv'}",
        "data.mos_range=[1,5]", "data.missing=keep", "features=external",
        f"features.external.path={tmp_path / 'feats.csv'}", "protocol=videval", "protocol.count=3",
        "model.inner=videval", f"folder={tmp_path / 'run'}", *GRID,
    )  # fmt: skip
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert len(results["splits"]) == 3
    assert all(split["srocc"] > 0.8 for split in results["splits"].values())


EXPERIMENTS = sorted((CONF / "experiment").glob("*/*.yaml"))


def test_ugc_trains_from_two_matrices_and_their_tables(tmp_path):
    rng, names = np.random.default_rng(0), {"youtube_ugc": 30, "konvid": 20}
    for name, count in names.items():
        mos = rng.uniform(1.5, 4.5, count)
        labels = pd.DataFrame({"video": [f"{index}" for index in range(count)], "mos": mos})
        labels.to_csv(tmp_path / f"{name}.csv", index=False)
        features = mos[:, None] + rng.normal(0, 0.3, (count, 68))
        features[3, 5], features[4, 6] = np.nan, 5.8e26
        np.save(tmp_path / f"{name}_nss.npy", features.astype(np.float32))
    settings = [
        "experiment=ugc", f"paths.data={tmp_path}", "trainer.max_epochs=150", "protocol=kfold",
        "protocol.rounds=1", "protocol.folds=2",
    ]  # fmt: skip
    call("train", tmp_path, *settings, f"folder={tmp_path / 'run'}")
    scores = pd.read_csv(tmp_path / "run" / "predictions.csv")
    assert len(scores) == 50
    assert scores["video"].str.split("/").str[0].value_counts().to_dict() == names
    assert scores["mos"].corr(scores["score"], method="spearman") > 0.8
    call("evaluate", tmp_path, f"verify={tmp_path / 'run'}", "rescore=2")
    np.save(tmp_path / "konvid_nss.npy", np.zeros((19, 68), np.float32))
    with pytest.raises(ValueError, match="50 ids for 49 rows of features"):
        composed("train", *settings).sources  # noqa: B018


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_experiment_composes_and_says_how_to_run_it(path):
    name = f"{path.parent.name}/{path.stem}"
    assert f"experiment={name}" in path.read_text()
    model = ["model=clifvqa"] if path.parent.name == "clifvqa" else []
    plain = yaml.safe_load(
        yaml.safe_dump(composed("train", *model, f"experiment={name}", "data=csv").config)
    )
    assert plain["model_name"].endswith(path.stem) or path.parent.name == "gram"
    if path.parent.name == "saliency":
        assert plain["protocol"]["_target_"] == "vqa.protocols.videval"
        assert plain["model"]["inner"] == "videval"


def test_the_papers_tables_are_all_there():
    folders = [path.parent.name for path in EXPERIMENTS]
    assert {name: folders.count(name) for name in set(folders)} == {
        "clifvqa": 2, "gram": 7, "saliency": 11,
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("paper", "most"),  # the experiments of a paper share their features
    [
        pytest.param("saliency", None, marks=pytest.mark.exhaustive),
        pytest.param("gram", None, marks=pytest.mark.exhaustive),
        ("gram", 1),
    ],
)
def test_every_feature_experiment_runs_in_smoke_size(paper, most, place):
    paths = [path for path in EXPERIMENTS if path.parent.name == paper][:most]
    assert paths
    for path in paths:
        name = f"{paper}/{path.stem}"
        features = composed("train", f"experiment={name}").config["features"]
        random = [
            option.format(one)
            for one in features
            if "weights" in features[one]
            for option in RANDOM
        ]
        if "saliency" in features:
            random.append("features.saliency.architecture=alexnet")
        if "vsfacnn_saliency" in features:
            random.append("features.vsfacnn_saliency.saliency_architecture=alexnet")
        count = "protocol.rounds=1" if paper == "gram" else "protocol.count=2"
        folder = place / f"{paper}-{most}" / path.stem
        call(
            "train", place, f"experiment={name}", "data=csv", "data.mos_range=[1,5]",
            f"data.labels={place / 'labels.csv'}", f"folder={folder}", count, *random,
        )  # fmt: skip
        predictions = pd.read_csv(folder / "predictions.csv")
        assert np.isfinite(predictions["score"]).all(), name
