"""A finished run of the smallest kind, for tests that damage copies of it."""

import copy
import shutil

import pytest
import yaml
from hydra._internal.config_loader_impl import ConfigLoaderImpl

from tests.commands.calling import run
from tests.fakes import graded_clips
from vqa.files import write_json
from vqa.runs.hashes import file_hashes


@pytest.fixture(scope="session")
def original(tmp_path_factory):
    """A folder with clips, their labels, a run, a second run and the features of all clips."""
    place = graded_clips(tmp_path_factory.mktemp("hostile"), count=9)
    for seed in (0, 1):
        run(
            "train", "data=csv", f"data.labels={place / 'labels.csv'}", "data.mos_range=[1,5]",
            "features=multiscale", "trainer.max_epochs=1", "protocol.test_fraction=0.34",
            "threads=1", f"seed={seed}", "protocol.seed=0", f"folder={place / f'run{seed}'}",
            f"paths.cache={place / 'cache'}",
        )  # fmt: skip
    return place


@pytest.fixture
def composed_once(monkeypatch):
    """Compose each command line once: between its calls only the files of its run change."""
    compose, known = ConfigLoaderImpl.load_configuration, {}

    def load_configuration(loader, config_name, overrides, *rest, **options):
        words = (config_name, *overrides)
        if words not in known:
            known[words] = compose(loader, config_name, overrides, *rest, **options)
        return copy.deepcopy(known[words])

    monkeypatch.setattr(ConfigLoaderImpl, "load_configuration", load_configuration)


@pytest.fixture
def copied(original, tmp_path, monkeypatch):
    """A copy of the first run, in an empty working folder."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    return shutil.copytree(original / "run0", tmp_path / "run")


@pytest.fixture
def seal(copied):
    """A function that writes the manifest of the copy again, as a careful stranger would."""
    return lambda: write_json(copied / "manifest.json", file_hashes(copied))


@pytest.fixture
def changed(copied, seal):
    """A function that changes the configuration of the copy, by a dotted key."""

    def change(key, value):
        path = copied / "config.yaml"
        config = section = yaml.safe_load(path.read_text())
        *parents, last = key.split(".")
        for name in parents:
            section = section[name]
        section[last] = value
        path.write_text(yaml.safe_dump(config, sort_keys=False))
        seal()
        return copied

    return change
