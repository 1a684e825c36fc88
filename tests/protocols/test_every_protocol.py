"""The contract of every protocol and its `conf/protocol` file; a new one needs no change here."""

import inspect
import random
from pathlib import Path

import pytest
from hydra.utils import get_method, instantiate
from omegaconf import OmegaConf

from tests.places import CONF
from tests.protocols.databases import make_database, shuffled_mos, shuffled_records
from vqa import protocols
from vqa.protocols import Split, repeated, write_splits_csv

FILES = sorted((CONF / "protocol").glob("[!_]*.yaml"))
# Options that a protocol needs, or that keep its test short.
OPTIONS = {"imported": {"path": "splits.csv"}, "kfold": {"rounds": 2}}
BY_ROWS = {"videval"}  # published splits by rows, which depend on the order of the records


def variants(file):
    """A protocol as configured, with a validation part, and by video, if it has the options."""
    further = {"val_fraction": 0.1, "group_by": "video"}
    config = OmegaConf.load(file)
    yield pytest.param(file.stem, {}, id=file.stem)
    for key, value in further.items():
        if key in config:
            yield pytest.param(file.stem, {key: value}, id=f"{file.stem} {key}={value}")


VARIANTS = [variant for file in FILES for variant in variants(file)]


@pytest.fixture(scope="module")
def released():
    return make_database([4] * 47 + [3] * 6 + [2], lambda i: "test" if i % 5 == 0 else "train")


@pytest.fixture(scope="module")
def folder(released, tmp_path_factory):
    path = tmp_path_factory.mktemp("splits")
    write_splits_csv(repeated(released, val_fraction=0.2), path / "splits.csv")
    return path


@pytest.fixture
def protocol(folder, monkeypatch):
    """Return a function that makes the protocol of a config, with options."""
    monkeypatch.chdir(folder)

    def make(name, **options):
        config = OmegaConf.load(CONF / "protocol" / f"{name}.yaml")
        config = OmegaConf.merge(config, OPTIONS.get(name, {}), options)
        return instantiate(OmegaConf.create({"split_seed": 11, "protocol": config}).protocol)

    return make


def test_the_files_are_found():
    assert len(FILES) >= 8


@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_parts_are_disjoint_parts_of_the_database(released, protocol, name, options):
    splits = protocol(name, **options)(released)
    assert splits
    ids = {video.id for video in released.videos}
    for split in splits:
        assert isinstance(split, Split)
        assert {*split.train, *split.val, *split.test} <= ids


@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_permuting_the_mos_changes_no_split(released, protocol, name, options):
    permuted = shuffled_mos(released, random.Random(0))
    assert protocol(name, **options)(permuted) == protocol(name, **options)(released)


@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_the_order_of_the_records_changes_no_split(released, protocol, name, options):
    permuted = shuffled_records(released, random.Random(0))
    same = protocol(name, **options)(permuted) == protocol(name, **options)(released)
    assert same == (name not in BY_ROWS)


@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_names_are_distinct_folders(released, protocol, name, options):
    names = [split.name for split in protocol(name, **options)(released)]
    assert len({name.lower() for name in names}) == len(names)
    assert all(Path(name).name == name for name in names)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_configs_have_the_name_and_the_defaults_of_their_function(released, protocol, file):
    function = get_method(OmegaConf.load(file)._target_)
    assert function.__name__ == file.stem
    options = dict(OPTIONS.get(file.stem, {}))
    if "seed" in inspect.signature(function).parameters:
        options["seed"] = 11
    assert protocol(file.stem)(released) == function(released, **options)


def test_every_exported_protocol_has_a_config():
    exported = [value for value in vars(protocols).values() if inspect.isfunction(value)]
    makers = {
        function.__name__
        for function in exported
        if inspect.signature(function).return_annotation == list[Split]
    }
    assert {"holdout", "kfold", "videval"} <= makers <= {file.stem for file in FILES}
