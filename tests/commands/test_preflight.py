"""Places, devices and trackers are checked before any work."""

import errno
import tempfile
from pathlib import Path

import pytest
import torch

from tests.commands.calling import Failed, run
from vqa.commands.configuration import UsageError
from vqa.commands.preflight import check_device, check_experiment, check_folder, check_output
from vqa.features.extraction.feature_source import FeatureSource


@pytest.fixture(autouse=True)
def no_work(monkeypatch):
    """Extraction fails the test: nothing may be decoded before the checks."""

    def extracted(*_):
        raise AssertionError("extraction began")

    monkeypatch.setattr(FeatureSource, "_updates", extracted)


def test_places_that_can_be_written_are_left_as_they_are(tmp_path):
    assert check_output("output", tmp_path / "a" / "b.csv") == tmp_path / "a" / "b.csv"
    assert check_folder("paths.cache", str(tmp_path / "c" / "d")) == tmp_path / "c" / "d"
    assert list(tmp_path.iterdir()) == []
    assert check_folder("paths.cache", "~") == Path.home()


def test_a_file_in_the_way_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    for place in ("file", "file/sub", "file/sub/sub"):
        with pytest.raises(UsageError, match=r"paths\.cache=.*file.*\(a file\)"):
            check_folder("paths.cache", tmp_path / place)
    with pytest.raises(UsageError, match=r"output=.*expected a file, found a folder"):
        check_output("output", tmp_path)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EDQUOT])
def test_a_place_that_takes_nothing_is_named(number, tmp_path, monkeypatch):
    def refuse(**_):
        raise OSError(number, "No Such Luck")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(
        UsageError, match=rf"^folder={tmp_path}: expected a folder .* \(no such luck"
    ):
        check_folder("folder", tmp_path)


def test_a_gpu_must_exist(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for device in ("cpu", "auto"):
        check_device("device", device)
    for device in ("cuda", "gpu", "cuda:1"):
        with pytest.raises(UsageError, match=f"device={device}: expected a GPU"):
            check_device("device", device)
    config = {"paths": {}, "trainer": {"accelerator": "gpu"}}
    with pytest.raises(UsageError, match=r"trainer\.accelerator=gpu: expected a GPU"):
        check_experiment(config)
    with pytest.raises(ValueError, match=r"trainer\.precision=tf32: expected a GPU .* found CPU"):
        check_experiment({"paths": {}, "trainer": {"precision": "tf32"}})
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(UsageError, match=r"trainer\.accelerator=mps: expected an Apple GPU"):
        check_experiment({"paths": {}, "trainer": {"accelerator": "mps"}})
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    check_experiment({"paths": {}, "trainer": {"accelerator": "gpu", "devices": 1}})
    with pytest.raises(UsageError, match=r"trainer\.devices=2: expected at most the 1 GPUs"):
        check_experiment({"paths": {}, "trainer": {"accelerator": "gpu", "devices": 2}})


DEMO = ("data=demo", "+data.read.contents=2", "+data.read.versions=2", "+data.read.frames=4",
        "+data.read.size=[64,48]")  # fmt: skip


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("paths.cache=file",), "paths.cache=file: expected a folder that can be written to"),
        (("paths.runs=file/x",), "paths.runs=file/x: expected a folder that can be written to"),
        (("folder=file",), "folder=file: expected a folder that can be written to"),
        (("folder=",), "folder='': expected a path"),
        (("name=",), "name=''"), (("name=../x",), "name=../x: expected a name"),
        (("data.name=../../x",), "data.name=../../x: expected a name"),
        (("features.multiscale.name=a/b",), "features.multiscale.name=a/b: expected"),
        (("trainer=gpu",), "expected a GPU"),
        (("features=vgg16", "features.vgg16.device=cuda"), "features.vgg16.device=cuda: expected"),
        (("logger=wandb",), "wandb login"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("verb", ["train", "cross"])
def test_what_cannot_work_is_said_before_any_work(verb, words, text, tmp_path, monkeypatch):
    if verb == "cross" and {"data.name=../../x", "logger=wandb"} & set(words):
        pytest.skip("a matrix names its databases itself, and asks W&B like a training")
    for key in ("WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE", "NETRC"):
        monkeypatch.delenv(key, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("x")
    also = ("train=[demo]", "test=[demo]") if verb == "cross" else ()
    given = [word for word in DEMO if verb == "train" or not word.startswith("data=")]
    with pytest.raises(Failed, match=r"^error: ") as failure:
        run(verb, *given, *words, *also)
    assert text in str(failure.value)
    assert str(failure.value).count("\n") == 1
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("extract", *DEMO, "features=multiscale", "paths.cache=file"),
        ("doctor", "demo", "--output", "file/x.json"),
        ("compare", "a", "b", "--output", "file"),
        ("score", "run", "clip.mp4", "--output", "file/x.csv"),
        ("score", "run", "clip.mp4", "--cache", "file"),
        ("score", "run", "clip.mp4", "--device", "cuda"),
        ("extract", *DEMO, "draw=clip.mp4", "output=file/x.png"),
    ],
)
def test_other_verbs_check_their_places_too(words, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(Failed, match=r"^error: .*(expected a (GPU|folder that can be written to))"):
        run(*words)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]
