"""The contract of every `conf/data` file and its reader; a new database needs no change here."""

import inspect
from functools import cache

import pytest
from hydra import compose, initialize_config_dir
from hydra.errors import InstantiationException
from hydra.utils import get_method, instantiate
from omegaconf import OmegaConf

from tests.places import CONF
from vqa.databases import combined, csv_table, demo

NAMES = sorted(path.stem for path in (CONF / "data").glob("[!_]*.yaml"))
# Readers without a published release: they make their files, read yours, or call other readers.
WITHOUT_RELEASE = {demo.read, csv_table.read, combined.read}


@cache
def composed(name):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("train", [f"data={name}", "paths.data=/nowhere"])


def load(name, /, **options):
    """The composed `data` section, with options set as on the command line."""
    data = OmegaConf.merge(composed(name).data, options)
    return OmegaConf.create({"paths": {"data": "/nowhere"}, "data": data})


def reader_of(name):
    return get_method(load(name).data.read._target_)


def file_of(name):
    """The content of a file, without the defaults that it builds on."""
    return OmegaConf.load(CONF / "data" / f"{name}.yaml")


# By their files alone: composing them all would take each process of the tests two seconds.
RELEASES = [name for name in NAMES if "_release" in file_of(name).get("defaults", ())]


def test_the_files_are_found():
    assert len(NAMES) >= 15
    assert len(RELEASES) >= 9
    for name in NAMES:
        assert (name in RELEASES) == (reader_of(name) not in WITHOUT_RELEASE)


@pytest.mark.parametrize("name", NAMES)
def test_every_config_names_its_database_and_options(name):
    data = load(name).data
    assert data.name == name
    assert (data.missing, data.reader) == ("error", "auto")


@pytest.mark.parametrize("name", NAMES)
def test_every_reader_takes_the_arguments_of_its_config(name):
    arguments = {key: None for key in load(name).data.read if key != "_target_"}
    inspect.signature(reader_of(name)).bind(**arguments)


@pytest.mark.parametrize("name", RELEASES)
def test_every_reader_of_a_release_takes_root_and_missing(name, tmp_path):
    parameters = inspect.signature(reader_of(name)).parameters
    assert next(iter(parameters)) == "root"
    assert parameters["missing"].default == "error"
    assert {"root", "missing"} <= set(load(name).data.read)


@pytest.mark.parametrize("name", RELEASES)
def test_labels_reach_the_reader(name, tmp_path):
    config = load(name, root=str(tmp_path), labels=str(tmp_path / "mine.csv"))
    with pytest.raises(InstantiationException, match=r"label file .*mine.csv does not exist"):
        instantiate(config.data.read)


@pytest.mark.parametrize("name", RELEASES)
def test_without_data_the_error_names_the_setting_and_the_source(name, tmp_path):
    root = load(name).data.root
    assert root.startswith("/nowhere/")
    message = f"{name}: {root} is not a folder; set data.root.*https?://"
    with pytest.raises(InstantiationException, match=message):
        instantiate(load(name).data.read)
    with pytest.raises(InstantiationException, match=rf"{name}: no label file.*https?://"):
        instantiate(load(name, root=str(tmp_path)).data.read)
    with pytest.raises(InstantiationException, match=rf"data.root=/path/to/{name}.*https?://"):
        instantiate(load(name, root=None).data.read)


def test_csv_config(tmp_path):
    (tmp_path / "a.mp4").touch()
    (tmp_path / "labels.csv").write_text("video,mos\na.mp4,3\n", encoding="utf-8")
    config = load("csv", labels=str(tmp_path / "labels.csv"), mos_range=[0, 7], name="own")
    database = instantiate(config.data.read)
    assert database.name == "own"
    assert database.mos_range == (0.0, 7.0)
    with pytest.raises(InstantiationException, match=r"set data.labels"):
        instantiate(load("csv").data.read)


def test_a_database_outside_the_package(tmp_path, monkeypatch):
    """The user has a package with a reader, and its config in a folder of `--config-dir`."""
    (tmp_path / "my_lab.py").write_text(
        "from vqa.databases.csv_table import read as read_table\n"
        "def read(root, *, missing='error', labels=None):\n"
        "    return read_table(labels or f'{root}/mos.csv', name='my_lab', mos_range=[1, 5])\n",
        encoding="utf-8",
    )
    (tmp_path / "conf" / "data").mkdir(parents=True)
    (tmp_path / "conf" / "data" / "my_lab.yaml").write_text(
        "defaults: [_release]\nname: my_lab\nread:\n  _target_: my_lab.read\n", encoding="utf-8"
    )
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "mos.csv").write_text("video,mos\na.mp4,3\n", encoding="utf-8")
    (tmp_path / "mine" / "a.mp4").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose(
            "train",
            [
                f"hydra.searchpath=[file://{tmp_path / 'conf'}]",
                "data=my_lab",
                f"data.root={tmp_path / 'mine'}",
            ],
        )
    assert [video.id for video in instantiate(config.data.read).videos] == ["a.mp4"]


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("youtube_ugc", {"grey": "no"}, "grey='no'; expected keep or drop"),
        ("youtube_ugc", {"resolutions": [1]}, r"resolutions=\[1\]"),
        ("lsvq", {"parts": ["val"]}, "expected train, test or both"),
        ("liveapv", {"group_by": "scene"}, "expected content or source"),
    ],
)
def test_options_reach_the_reader(name, options, message):
    with pytest.raises(InstantiationException, match=message):
        instantiate(load(name, **options).data.read)


def test_combined_config_reads_only_its_parts(tmp_path):
    """Two small databases through the readers of the YAML; the folders of the others are absent."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "a.mp4").touch()
    (tmp_path / "own" / "labels.csv").write_text("video,mos\na.mp4,3\n", encoding="utf-8")
    (tmp_path / "live" / "Video").mkdir(parents=True)
    (tmp_path / "live" / "Video" / "A001.mp4").touch()
    labels = tmp_path / "live" / "LIVE_VQC.labels.txt"
    labels.write_text("Video/A001.mp4, 10, 30, 63\n", encoding="utf-8")
    config = load("combined", parts=["livevqc", "csv"], roots={"livevqc": str(tmp_path / "live")})
    config.data.read.readers.csv.labels = str(tmp_path / "own" / "labels.csv")
    config.data.read.readers.csv.mos_range = [1, 5]
    database = instantiate(config.data.read)
    assert [video.id for video in database.videos] == ["livevqc/A001.mp4", "csv/a.mp4"]
    assert dict(database.scales) == {"livevqc": (0.0, 100.0), "csv": (1.0, 5.0)}
    # A run stores the resolved config; it reads the same.
    plain = OmegaConf.create(OmegaConf.to_container(config, resolve=True))
    assert instantiate(plain.data.read) == database


@pytest.mark.parametrize("part", list(file_of("combined").read.readers))
def test_combined_config_reaches_every_reader(part):
    config = load("combined", parts=[part])
    if part == "demo":
        assert config.data.read.readers.demo.root == "/nowhere/demo"
        return
    message = r"(?s)(is not a folder|no label table given).*data\.roots"
    with pytest.raises(InstantiationException, match=message):
        instantiate(config.data.read)
