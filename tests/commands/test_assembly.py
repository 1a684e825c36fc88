"""From a configuration to the sources of its features."""

import pytest
from omegaconf import OmegaConf

from tests.fakes import clip_database
from tests.places import CONF
from vqa.commands.assembly import sources_of
from vqa.features.nothing import Nothing

FEATURES = CONF / "features"


def settings_of(name, **overrides):
    return OmegaConf.to_container(OmegaConf.load(FEATURES / f"{name}.yaml")) | overrides


def source_of(place, settings, **config):
    sources = sources_of({"features": {"it": settings}, **config}, "clips", place, "auto")
    (source,) = sources.sources
    return source


@pytest.mark.parametrize("composed", ["none", "multiscale"])
def test_a_model_without_features_has_its_files_checked(tmp_path, composed):
    checking = source_of(tmp_path, settings_of(composed), views={"features": None})
    assert isinstance(checking.extractor, Nothing)
    asked_for = source_of(tmp_path, settings_of("none"))
    assert checking.cache.folder == asked_for.cache.folder


def test_how_features_are_used_tells_caches_apart(tmp_path):
    uses = [{}, {"frames": 4}, {"frame_rate_hz": 2}, {"dtype": "float16"}]
    folders = {source_of(tmp_path, settings_of("multiscale", **use)).cache.folder for use in uses}
    assert len(folders) == 4
    patient = settings_of("multiscale", on_error="raise", time_limit_s=1)
    assert source_of(tmp_path, patient).cache.folder in folders
    with pytest.raises(ValueError, match="float32 or float16, not 'float64'"):
        source_of(tmp_path, settings_of("multiscale", dtype="float64"))


def test_features_are_made_as_the_settings_say(tmp_path):
    database = clip_database(tmp_path / "clips", 1)
    source = source_of(tmp_path, settings_of("multiscale", frames=3, dtype="float16"))
    source.fill(database.videos, progress=False)
    assert source.load("clip0.mp4").features.shape == (3, source.extractor.dim)
    strict = source_of(tmp_path, settings_of("multiscale", on_error="raise"))
    database.videos[0].path.write_bytes(b"none")
    with pytest.raises(RuntimeError, match="on_error=skip"):
        strict.fill(database.videos, progress=False)
