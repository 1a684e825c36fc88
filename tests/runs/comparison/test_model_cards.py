"""Description and cost of a model: sums over its features, None if unknown."""

import pytest

from vqa.databases.records import Database
from vqa.files import write_json
from vqa.runs.comparison.model_cards import describe_model
from vqa.runs.opening import open_run

NSS, CNN = {"dim": 1836, "seconds_a_video": 3.25}, {"dim": 2048, "seconds_a_video": 0.5}
UNTIMED = {"dim": 4, "seconds_a_video": None}
COSTS = ("dimension", "seconds_a_video", "training_s_a_split")


@pytest.fixture
def run(tmp_path):
    features = {"nss": {}, "resnet50": {}}
    config = {"name": "a", "seed": 0, "model": {}, "model_name": "svr", "features": features}
    run = open_run(tmp_path / "run", config)
    run.describe(Database("fake", (1.0, 5.0), ()))
    return run


@pytest.mark.parametrize(
    ("features", "training_s", "splits", "costs"),
    [
        ({"nss": NSS, "cnn": CNN}, 12.0, 3, (3884, 3.75, 4.0)),
        ({"nss": NSS, "file": UNTIMED}, 0.0, 0, (1840, None, None)),
        ({}, 90.0, 3, (None, None, 30.0)),
    ],
)
def test_costs_are_sums_over_the_features(run, features, training_s, splits, costs):
    timing = {"features": features, "training_s": training_s, "splits": splits}
    write_json(run.folder / "timing.json", timing)
    model = describe_model(run, "a")
    assert tuple(model[key] for key in COSTS) == costs


def test_without_timing_all_costs_are_unknown(run):
    model = describe_model(run, "a")
    assert [model[key] for key in COSTS] == [None] * 3


def test_network_features_and_untrained_weights_are_named(run):
    run.note("The features come with RANDOM weights.")
    run.note("Some videos are absent.")
    model = describe_model(run, "mine")
    assert (model["label"], model["model"], model["database"]) == ("mine", "svr", "fake")
    assert model["features"] == "nss, resnet50"
    assert model["weights_note"] == "The features come with RANDOM weights."
    assert model["folder"] == str(run.folder)


def test_a_damaged_timing_is_named(run):
    (run.folder / "timing.json").write_text('{"features": ')
    with pytest.raises(ValueError, match=r"timing\.json: not JSON"):
        describe_model(run, "cut")
