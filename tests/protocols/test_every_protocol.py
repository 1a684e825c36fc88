"""What holds for all protocols, and their configurations."""

import random
from pathlib import Path

import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

from tests.places import CONF
from tests.protocols.databases import make_database, shuffled_mos, shuffled_records
from vqa import protocols
from vqa.protocols import (
    full,
    holdout,
    imported,
    kfold,
    leave_one_content_out,
    official,
    repeated,
    write_splits_csv,
)

PROTOCOLS = [
    pytest.param(lambda db, _: repeated(db, val_fraction=0.1), id="repeated"),
    pytest.param(lambda db, _: repeated(db, group_by="video"), id="by video"),
    pytest.param(lambda db, _: holdout(db, val_fraction=0.2), id="holdout"),
    pytest.param(lambda db, _: official(db, val_fraction=0.1), id="official"),
    pytest.param(lambda db, _: full(db, val_fraction=0.1), id="full"),
    pytest.param(lambda db, _: kfold(db, rounds=2, val_fraction=0.1), id="kfold"),
    pytest.param(lambda db, _: leave_one_content_out(db, val_fraction=0.1), id="leave one out"),
    pytest.param(lambda db, path: imported(db, path), id="imported"),
]


@pytest.fixture(scope="module")
def released():
    return make_database([4] * 47 + [3] * 6 + [2], lambda i: "test" if i % 5 == 0 else "train")


@pytest.fixture(scope="module")
def table(released, tmp_path_factory):
    path = tmp_path_factory.mktemp("splits") / "splits.csv"
    write_splits_csv(repeated(released, val_fraction=0.2), path)
    return path


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_permuting_the_mos_changes_no_split(released, table, protocol):
    permuted = shuffled_mos(released, random.Random(0))
    assert protocol(permuted, table) == protocol(released, table)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_order_of_the_records_changes_no_split(released, table, protocol):
    permuted = shuffled_records(released, random.Random(0))
    assert protocol(permuted, table) == protocol(released, table)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_names_are_distinct_folders(released, table, protocol):
    names = [split.name for split in protocol(released, table)]
    assert len({name.lower() for name in names}) == len(names)
    assert all(Path(name).name == name for name in names)


def test_every_configuration_belongs_to_a_protocol():
    assert sorted(path.stem for path in (CONF / "protocol").glob("*.yaml")) == [
        "full",
        "holdout",
        "imported",
        "kfold",
        "leave_one_content_out",
        "official",
        "repeated",
        "videval",
    ]


@pytest.mark.parametrize(
    "path", sorted((CONF / "protocol").glob("*.yaml")), ids=lambda path: path.stem
)
def test_configurations(released, table, path):
    config = OmegaConf.create({"seed": 11, "protocol": OmegaConf.load(path)})
    options = {"seed": 11}
    if path.stem == "imported":
        config.protocol.path = str(table)
        options = {"path": table}
    if path.stem == "videval":  # its seeds are part of it
        options = {}
    splits = instantiate(config.protocol)(released)
    assert splits == getattr(protocols, path.stem)(released, **options)
