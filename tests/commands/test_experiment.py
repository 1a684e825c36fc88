"""From configuration to objects: sources of features, run folders, models of runs."""

import pytest
from omegaconf import OmegaConf

from tests.commands.calling import composed
from tests.fakes import clip_database
from vqa.commands.experiment import Experiment
from vqa.features.nothing import Nothing, Probed


def settings_of(name, **overrides):
    config = composed("extract", f"features={name}", "data=csv").config
    (settings,) = config["features"].values()
    return settings | overrides


def source_of(place, settings, **config):
    data = {"name": "clips", "reader": "auto"}
    config = {"features": {"it": settings}, "data": data, "paths": {"cache": place}, **config}
    (source,) = Experiment(config).sources.sources
    return source


@pytest.mark.parametrize("name", ["none", "multiscale"])
def test_a_model_without_features_has_its_files_checked(tmp_path, name):
    checking = source_of(tmp_path, settings_of(name), views={"features": None})
    assert isinstance(checking.extractor, Nothing)
    asked_for = source_of(tmp_path, settings_of("none"))
    assert checking.cache.folder == asked_for.cache.folder


def test_files_are_probed_only_if_that_is_asked_for(tmp_path):
    data = {"name": "clips", "reader": "auto", "check": "probe"}
    whole = source_of(tmp_path, settings_of("none"), views={"features": None})
    probing = source_of(tmp_path, settings_of("none"), views={"features": None}, data=data)
    assert isinstance(probing.extractor, Probed)
    assert not isinstance(whole.extractor, Probed)
    assert probing.cache.folder != whole.cache.folder


def test_use_of_features_separates_caches(tmp_path):
    uses = [{}, {"frames": 4}, {"frame_rate_hz": 2}, {"dtype": "float16"}]
    folders = {source_of(tmp_path, settings_of("multiscale", **use)).cache.folder for use in uses}
    assert len(folders) == 4
    patient = settings_of("multiscale", on_error="raise", time_limit_s=1)
    assert source_of(tmp_path, patient).cache.folder in folders
    with pytest.raises(ValueError, match="float32 or float16"):
        source_of(tmp_path, settings_of("multiscale", dtype="float64"))


def test_features_are_made_as_the_settings_say(tmp_path):
    database = clip_database(tmp_path / "clips", 1)
    source = source_of(tmp_path, settings_of("multiscale", frames=3, dtype="float16"))
    source.fill(database.videos, progress=False)
    assert source.load(database.videos[0]).features.shape == (3, source.extractor.dim)
    strict = source_of(tmp_path, settings_of("multiscale", on_error="raise"))
    database.videos[0].path.write_bytes(b"none")
    with pytest.raises(RuntimeError, match="on_error=skip"):
        strict.fill(database.videos, progress=False)


def test_composed_settings_are_plain_values():
    config = composed("train").config
    assert not any(OmegaConf.is_config(value) for value in config.values())
    assert config["model"]["standardise"] is True  # as `multiscale` asks for


@pytest.mark.parametrize(
    ("overrides", "standardised"),
    [
        (["model=vsfa", "data=csv"], False),
        (["model=vsfa", "data=csv", "features=multiscale"], True),
        (["model=vsfa", "data=csv", "features=multiscale", "model.standardise=false"], False),
    ],
)
def test_features_decide_on_standardisation_unless_told(overrides, standardised):
    assert composed("train", *overrides).learner().standardise is standardised


def test_the_run_folder_is_named_after_the_settings_that_shape_numbers(tmp_path):
    def folder(*overrides):
        return composed("train", f"paths.runs={tmp_path}", *overrides).folder

    assert folder().parent == tmp_path
    assert folder().name.startswith("gstvqa-demo-multiscale-")
    assert folder() == folder("paths.cache=elsewhere", "shard=1/2", "fresh=true", "threads=2")
    assert folder() != folder("seed=1")
    assert folder(f"folder={tmp_path / 'mine'}") == tmp_path / "mine"


@pytest.mark.parametrize(("accelerator", "device"), [("cpu", "cpu"), ("gpu", "auto")])
def test_trained_models_score_where_the_trainer_worked(accelerator, device):
    assert composed("train", f"trainer.accelerator={accelerator}").device == device


def test_one_extractor_is_asked_for():
    with pytest.raises(ValueError, match="features=nss, cnn: expected one kind"):
        _ = composed("extract", "features=[nss,cnn]").extractor
    with pytest.raises(ValueError, match="expected one kind that has an extractor"):
        _ = composed("extract", "features=external").extractor


def test_seeds_of_splits_and_of_trainings_are_set_apart():
    for name in ("holdout", "repeated", "kfold", "full", "official", "leave_one_content_out"):
        both = composed("train", f"protocol={name}", "seed=3", "split_seed=5").config
        assert (both["protocol"]["seed"], both["model"]["seed"]) == (5, 3)
    alone = composed("train", "protocol.seed=7").config
    assert (alone["seed"], alone["split_seed"], alone["protocol"]["seed"]) == (0, 0, 7)
    assert composed("train", "split_seed=7").folder == composed("train", "protocol.seed=7").folder
    assert composed("train", "split_seed=7").folder != composed("train").folder


def test_the_run_folder_follows_what_shapes_the_numbers():
    """A changed worker count finds a finished run; a changed batch size is another run."""

    def folder(*words):
        return composed("train", *words).folder

    fast = ["loader.num_workers=auto", "loader.memory_gb=1", "loader.device=cuda"]
    assert folder(*fast, "model.checkpoint_every=3") == folder()
    assert folder("loader.batch_size=9") != folder()
    svr = ["model=svr", "features=[nss,cnn]"]
    fast = ["model.workers=2", "features.nss.workers=2", "features.cnn.batch_frames=4"]
    assert folder(*svr, *fast, "features.cnn.device=cpu") == folder(*svr)
    assert folder(*svr, "features.cnn.time_limit_s=9") != folder(*svr)  # it may lose videos
