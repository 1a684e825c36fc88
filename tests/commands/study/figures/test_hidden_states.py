"""Hidden states and learned Gaussians, of demo trainings and of published weights."""

import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from tests.commands.calling import composed
from tests.commands.test_published import rated
from tests.models.pretrained.test_published_models import KONVID_FILE, saved
from tests.models.test_gstvqa import LENGTHS, golden_batch, published_fill  # noqa: F401
from vqa.commands.published import published_run
from vqa.commands.study.figures.hidden_states import gaussians, measure, tsne
from vqa.commands.study.material import Material
from vqa.commands.train import train
from vqa.files import read_json, write_json
from vqa.runs.hashes import file_hashes
from vqa.runs.opening import load_run
from vqa.runs.used_features import FEATURES, MARK

PANELS = {"demo_coding": {"regularised": "coding", "plain": "coding_plain"}}


def marks(figure):
    titles = [axes.get_title("right") for axes in figure.axes]
    return [text for text in (figure.get_suptitle(), *titles) if text]


def test_the_gap_is_the_distance_of_centroids_over_the_spread():
    corners = np.array([(-1, 0), (1, 0), (0, -1), (0, 1)], float)
    found = measure(
        {"a": corners, "b": corners + np.array([6, 0]), "c": 3 * corners + np.array([0, 8])}
    )
    assert [found[name]["spread"] for name in "abc"] == [1, 1, 3]
    assert found["a"]["distance"] == pytest.approx((6 + 8) / 2)
    assert found["a"]["gap"] == pytest.approx(7 / (5 / 3))
    assert found["all"]["distance"] == pytest.approx((6 + 8 + 10) / 3)
    assert found["all"]["gap"] == pytest.approx(np.mean([found[name]["gap"] for name in "abc"]))
    assert found["all"]["videos"] == 12
    assert np.isnan(measure({"a": corners})["all"]["gap"])


def test_states_of_all_videos_are_drawn_for_each_training(material, runs):
    (picture,) = tsne(material, PANELS, perplexity=30)
    rows = picture.rows
    assert list(rows["row"].unique()) == ["regularised", "plain"]
    assert list(rows["database"]) == 2 * [*material.databases, "all"]
    assert list(rows["videos"]) == 2 * [9, 9, 9, 27]
    assert "perplexity 8" in picture.caption  # fewer than wanted, for 27 videos
    panels = picture.figure.axes
    drawn = [sum(len(dots.get_offsets()) for dots in axes.collections) for axes in panels]
    assert drawn == [27, 27]
    assert panels[0].get_xlabel() == f"gap {rows[rows['database'] == 'all']['gap'].iloc[0]:.2f}"
    assert picture.notes == []
    assert marks(picture.figure) == []

    # The states are those that the score is made from: features are standardised.
    experiment = material.of_run("coding", "demo_camera")
    learner = experiment.learned(runs["coding"], runs["coding"].parts()[0])
    videos = experiment.database.videos[:2]
    states = learner.hidden_states(experiment.data(experiment.database, None), videos)
    inputs = learner.module.scaled_inputs(experiment.views.alone(videos[1]))
    assert not torch.equal(inputs["features"], experiment.views.alone(videos[1])["features"])
    with torch.inference_mode():
        expected = learner.module.network.encode(**inputs)[0].mean(0)
    assert states[1] == pytest.approx(expected.numpy(), abs=1e-6)


def test_random_weights_are_marked_and_absent_trainings_named(material, runs, tmp_path):
    random = tmp_path / "random"
    shutil.copytree(runs["coding"].folder, random)
    entries = read_json(random / FEATURES)
    write_json(random / FEATURES, [entry | {"untrained": True} for entry in entries])
    write_json(random / "manifest.json", file_hashes(random))
    some = replace(material, runs={"coding": load_run(random)})
    (picture,) = gaussians(some, {"demo_coding": "coding", "demo_camera": "other"})
    assert picture.notes[0].startswith("The features come from multiscale with RANDOM weights")
    assert picture.notes[1] == "Left out, because they were not trained: other."
    assert marks(picture.figure) == [MARK]


def test_mistakes_are_one_line(material):
    with pytest.raises(ValueError, match="none of the trainings x is there"):
        gaussians(material, {"a": "x"})
    with pytest.raises(ValueError, match="no database of this study is present"):
        tsne(replace(material, databases=()), PANELS)
    vsfa = train(material.compose("model=vsfa", "data=demo_coding", "protocol=full"))
    with pytest.raises(ValueError, match=r"expected a training of model=gstvqa, found vsfa-demo"):
        gaussians(replace(material, runs={"vsfa": vsfa}), {"demo_coding": "vsfa"})


def test_published_weights_give_the_authors_states(tmp_path, golden_batch):  # noqa: F811
    features, _ = golden_batch
    rated(tmp_path, [one[:length] for one, length in zip(features, LENGTHS, strict=True)])
    weights = saved(tmp_path / KONVID_FILE, published_fill())
    external = ["features=external", f"features.external.path={tmp_path / 'features'}"]
    run = published_run("gstvqa", weights, cache=tmp_path / "cache", overrides=external)

    def compose(*overrides):
        return composed(
            "train", *overrides, *external, f"data.labels={tmp_path / 'labels.csv'}",
            "data.mos_range=[1,5]", "data.missing=keep", f"paths.cache={tmp_path / 'cache'}",
        )  # fmt: skip

    material = Material(compose, {"konvid": run}, ["csv"])
    experiment = material.of_run("konvid", "csv")
    learner = experiment.learned(run, run.parts()[0])
    data = experiment.data(experiment.database, None)
    states = learner.hidden_states(data, experiment.database.videos)
    assert states[-1, :4] == pytest.approx([0.610126, 0.674542, -0.338804, 0.460481], abs=1e-5)
    (picture,) = tsne(material, {"konvid": {"published": "konvid"}})
    assert picture.figure.axes[0].get_title("left") == "trained on KoNViD-1k"
    assert picture.figure.axes[0].get_xlabel() == ""  # one database has no gap

    material = replace(material, compose=lambda *_: experiment)
    (picture,) = gaussians(material, {"konvid": "konvid"})
    table = picture.rows
    assert list(table.columns) == ["trained_on", "dimension", "mean", "deviation"]
    variances = table["deviation"].iloc[:3] ** 2
    assert list(variances) == pytest.approx([1.543854, 0.875050, 0.583776], abs=1e-5)
    assert table["mean"].to_numpy() == pytest.approx(published_fill()["q_mean"].numpy())
    assert isinstance(table, pd.DataFrame)
    assert len(table) == 32
