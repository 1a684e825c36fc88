"""Each `conf/data` file of a reader, resolved and called as `train.py` does it."""

import pytest
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import OmegaConf

from tests.places import CONF


def load(config, **overrides):
    data = OmegaConf.load((CONF / "data") / f"{config}.yaml")
    OmegaConf.set_struct(data, True)
    return OmegaConf.create(
        {"paths": {"data": "/nowhere"}, "data": OmegaConf.merge(data, overrides)}
    )


# Name of the database and of the folder that its YAML expects.
READERS = {
    "konvid": "konvid",
    "livevqc": "livevqc",
    "livequalcomm": "livequalcomm",
    "cvd2014": "cvd2014",
    "youtube_ugc": "youtube_ugc",
    "lsvq": "lsvq",
    "lsvq_1080p": "lsvq",
    "liveapv": "liveapv",
    "tid2013": "tid2013",
}


def test_every_config_is_tested_here_or_with_the_demo():
    names = {
        path.stem for path in (CONF / "data").glob("*.yaml") if not path.stem.startswith("demo")
    }
    assert names == {*READERS, "csv", "combined"}


@pytest.mark.parametrize(("name", "folder"), READERS.items())
def test_database_configs_reach_their_reader(name, folder, tmp_path):
    config = load(name)
    assert config.data.name == name
    assert (config.data.missing, config.data.reader) == ("error", "auto")
    with pytest.raises(InstantiationException, match=f"{name}: /nowhere/{folder} is not a folder"):
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


def test_options_of_readers_reach_them(tmp_path):
    for name, options, message in (
        ("youtube_ugc", {"grey": "no"}, "grey='no' is not known"),
        ("youtube_ugc", {"resolutions": [1]}, r"resolutions=\[1\]"),
        ("lsvq", {"parts": ["val"]}, "expected train, test or both"),
        ("liveapv", {"group_by": "scene"}, "expected content or source"),
    ):
        with pytest.raises(InstantiationException, match=message):
            instantiate(load(name, **options).data.read)


def test_combined_config_reads_only_its_parts(tmp_path):
    """Two small databases under the readers of the YAML; the others lie nowhere."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "a.mp4").touch()
    (tmp_path / "own" / "labels.csv").write_text("video,mos\na.mp4,3\n")
    (tmp_path / "live" / "Video").mkdir(parents=True)
    (tmp_path / "live" / "Video" / "A001.mp4").touch()
    (tmp_path / "live" / "LIVE_VQC.labels.txt").write_text("Video/A001.mp4, 10, 30, 63\n")
    config = load("combined", parts=["livevqc", "csv"], roots={"livevqc": str(tmp_path / "live")})
    config.data.read.readers.csv.labels = str(tmp_path / "own" / "labels.csv")
    config.data.read.readers.csv.mos_range = [1, 5]
    database = instantiate(config.data.read)
    assert [video.id for video in database.videos] == ["livevqc/A001.mp4", "csv/a.mp4"]
    assert dict(database.scales) == {"livevqc": (0.0, 100.0), "csv": (1.0, 5.0)}
    # Resolved to plain values, as a run stores it, it reads the same.
    plain = OmegaConf.create(OmegaConf.to_container(config, resolve=True))
    assert instantiate(plain.data.read) == database


@pytest.mark.parametrize("part", load("combined").data.read.readers)
def test_every_reader_of_combined_is_reached(part, tmp_path):
    if part == "demo":
        config = load("combined", parts=[part])
        assert config.data.read.readers.demo.root == "/nowhere/demo"
        return
    with pytest.raises(InstantiationException, match=r"is not a folder|no label table given"):
        instantiate(load("combined", parts=[part]).data.read)
