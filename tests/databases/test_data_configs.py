"""Each `conf/data` file of a reader, resolved and called as `train.py` does it."""

from pathlib import Path

import pytest
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import OmegaConf

CONF = Path(__file__).parents[2] / "conf" / "data"


def load(config, **overrides):
    data = OmegaConf.load(CONF / f"{config}.yaml")
    OmegaConf.set_struct(data, True)
    return OmegaConf.create(
        {"paths": {"data": "/nowhere"}, "data": OmegaConf.merge(data, overrides)}
    )


@pytest.mark.parametrize("name", ["konvid", "livevqc", "livequalcomm", "cvd2014"])
def test_database_configs_reach_their_reader(name, tmp_path):
    config = load(name)
    assert config.data.name == name
    assert (config.data.missing, config.data.reader) == ("error", "auto")
    with pytest.raises(InstantiationException, match=f"{name}: /nowhere/{name} is not a folder"):
        instantiate(config.data.read)
    config = load(name, root=str(tmp_path), labels=str(tmp_path / "mine.csv"))
    with pytest.raises(InstantiationException, match=r"label file .*mine.csv is not there"):
        instantiate(config.data.read)


def test_csv_config(tmp_path):
    (tmp_path / "a.mp4").touch()
    (tmp_path / "labels.csv").write_text("video,mos\na.mp4,3\n")
    config = load("csv", labels=str(tmp_path / "labels.csv"), mos_range=[0, 7], name="own")
    database = instantiate(config.data.read)
    assert database.name == "own"
    assert database.mos_range == (0.0, 7.0)
    with pytest.raises(InstantiationException, match=r"set data.labels"):
        instantiate(load("csv").data.read)
