"""Run folders: made, opened again and refused."""

import json

import pytest
import yaml

from vqa.protocols.splits import Split
from vqa.runs import RunError
from vqa.runs.opening import check_usable, identity, load_run, open_run

CONFIG = {"name": "a", "seed": 0, "model": {"lr": 1.0}, "paths": {"runs": "x"}}
SPLIT = Split("split0", ("a", "b"), (), ("c", "d"), "content", 0)


def test_a_folder_is_for_one_configuration(tmp_path):
    folder = tmp_path / "run"
    run = open_run(folder, CONFIG)
    run.begin(SPLIT)
    run.record(SPLIT.name, [])
    elsewhere = {**CONFIG, "paths": {"runs": "y"}, "threads": 2}
    assert open_run(folder, elsewhere).has(SPLIT)
    with pytest.raises(RunError, match=r"\(model, seed differ\)"):
        open_run(folder, {**CONFIG, "seed": 1, "model": {"lr": 2.0}})
    anew = open_run(folder, {**CONFIG, "seed": 1}, fresh=True)
    assert not anew.has(SPLIT)
    assert yaml.safe_load((folder / "config.yaml").read_text())["seed"] == 1


def test_a_run_is_loaded_as_it_was_made(tmp_path):
    open_run(tmp_path / "run", CONFIG)
    run = load_run(str(tmp_path / "run"))
    assert run.config == CONFIG
    assert run.folder == tmp_path / "run"


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    for fresh in (False, True):
        with pytest.raises(RunError, match="neither empty nor a run folder"):
            open_run(tmp_path, CONFIG, fresh=fresh)
    (tmp_path / "config.yaml").write_text("theme: minimal\n")
    with pytest.raises(RunError, match="is not a run's"):
        open_run(tmp_path, CONFIG, fresh=True)
    assert (tmp_path / "thesis.txt").is_file()
    (tmp_path / "config.yaml").unlink()
    with pytest.raises(RunError, match="no run folder"):
        load_run(tmp_path)


def test_folders_that_are_no_runs_get_one_line(tmp_path):
    with pytest.raises(RunError, match="none is no run folder: it does not exist; give the folder"):
        load_run(tmp_path / "none")
    open_run(tmp_path / "runs" / "first", CONFIG)
    with pytest.raises(RunError, match=r"has no config\.yaml; .*, for example .*runs/first"):
        load_run(tmp_path / "runs")
    (tmp_path / "config.yaml").write_text("theme: minimal\n")
    with pytest.raises(RunError, match=r"is not a run's configuration: expected model, name, seed"):
        load_run(tmp_path)
    (tmp_path / "config.yaml").write_text("name: [1,\n  2\nseed: 0\n")
    with pytest.raises(RunError, match=r"config\.yaml: not YAML \(.*\); was it") as error:
        load_run(tmp_path)
    assert "\n" not in str(error.value)


MODEL = {"_target_": "vqa.training.learners.neural.NeuralLearner", "network": None}


@pytest.mark.parametrize(
    "target",
    [
        "vqa.training.learners.neural.NeuralLearner",
        "vqa.training.views.FeatureSequence",
        "torch.optim.Adam",
        "own.Network",
    ],
)
def test_a_run_of_this_version_is_usable(tmp_path, target):
    model = MODEL | {"network": {"_target_": target, "_partial_": True}}
    check_usable(open_run(tmp_path / "run", CONFIG | {"model": model}))


@pytest.mark.parametrize(
    "target", ["vqa.learners.neural.NeuralLearner", "vqa.losses.plcc_loss", "vqa.models.gone.Gone"]
)
def test_a_run_of_another_version_is_named_with_that_version(tmp_path, target):
    features = {"nss": {"extractor": {"list": [{"_target_": target}]}}}
    run = open_run(tmp_path / "run", CONFIG | {"model": MODEL, "features": features})
    assert json.loads((run.folder / "environment.json").read_text()) == {"vqa": run.version}
    (run.folder / "environment.json").write_text('{"vqa": "0.0.7"}')
    with pytest.raises(RunError, match=rf"was written by vqa 0\.0\.7; .* names {target}, which"):
        check_usable(run)
    (run.folder / "environment.json").unlink()
    with pytest.raises(RunError, match="was written by vqa unknown"):
        check_usable(run)


SPEED = {
    "loader": {"num_workers": 4, "memory_gb": 1, "device": "cuda"},
    "views": {"features": {"memory_gb": 1, "device": "cuda"}},
    "features": {"nss": {"device": "cpu", "workers": 2, "extractor": {"workers": 2}}},
    "model": {"workers": 3, "checkpoint_every": 5},
}


def test_settings_of_speed_do_not_make_another_run(tmp_path):
    kept = {"loader": {"batch_size": 8}, "views": {"features": {"crop_length": 9}},
            "features": {"nss": {"frames": 3, "extractor": {}}}, "model": {"lr": 1.0}}  # fmt: skip
    slow = {**CONFIG, **kept}
    fast = {**CONFIG, **{key: {**kept[key], **SPEED[key]} for key in kept}}
    fast["features"] = {"nss": {"frames": 3, **SPEED["features"]["nss"]}}
    fast["views"] = {"features": {"crop_length": 9, **SPEED["views"]["features"]}}
    assert identity(slow) == identity(fast)
    open_run(tmp_path / "run", slow).begin(SPLIT)
    assert open_run(tmp_path / "run", fast).splits() == [SPLIT]
    other = {**fast, "loader": {**fast["loader"], "batch_size": 16}}
    assert identity(other) != identity(fast)
    with pytest.raises(RunError, match=r"\(loader differ\)"):
        open_run(tmp_path / "run", other)


def test_identity_follows_what_shapes_the_numbers():
    assert identity(CONFIG) == identity({**CONFIG, "paths": {}, "logger": {}, "fresh": True})
    assert identity(CONFIG) != identity({**CONFIG, "seed": 1})
