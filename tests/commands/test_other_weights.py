"""A model is used only with features of the weights that it learned from."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from torchvision.models import resnet18

from tests.commands.calling import Failed, run
from tests.fakes import graded_clips
from vqa.runs.packing import seal

WEIGHTS = "weights.pth"
CLIP = "videos/clip0.mp4"


def write_weights(path, seed):
    torch.manual_seed(seed)
    torch.save(resnet18().state_dict(), path)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run on features of a file of weights, its model folder, and the file."""
    place = graded_clips(tmp_path_factory.mktemp("weights"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        write_weights(WEIGHTS, 0)
        run(
            "train", "data=csv", "data.labels=labels.csv", "data.mos_range=[1,5]", "model=svr",
            "features=resnet18", "features.resnet18.frames=1", "features.resnet18.device=cpu",
            f"features.resnet18.weights={WEIGHTS}", "folder=run", "threads=1",
        )  # fmt: skip
        run("pack", "run", "--output", "packed")
    return place


@pytest.fixture
def place(trained, tmp_path, monkeypatch):
    copy = shutil.copytree(trained, tmp_path / "place")
    monkeypatch.chdir(copy)
    return copy


def refused(*words):
    """A command is refused in one line that names both hashes."""
    with pytest.raises(Failed, match="learned from features of resnet18") as failure:
        run(*words)
    (line,) = str(failure.value).splitlines()
    before, after = line.split(", but features.resnet18 now gives ")
    was, now = (part.split("sha256:")[1][:12] for part in (before, after))
    assert was != now
    stored = json.loads(Path("run/features.json").read_text(encoding="utf-8"))
    assert was in stored[0]["weights"]


def test_another_file_under_the_same_name_is_refused_wherever_the_model_is_used(place):
    run("score", "run", CLIP)
    run("score", "packed", CLIP, "--output", "packed.json")
    write_weights(WEIGHTS, 1)
    refused("score", "run", CLIP)
    refused("evaluate", "run=run")
    run("score", "packed", CLIP, "--output", "again.json")  # it has a copy of its own
    assert Path("again.json").read_bytes() == Path("packed.json").read_bytes()


def test_other_weights_in_a_model_folder_are_refused(place):
    write_weights("packed/weights/weights.pth", 1)
    with pytest.raises(Failed, match=r"weights\.pth is not the file"):
        run("score", "packed", CLIP)
    seal(Path("packed"))
    refused("score", "packed", CLIP)
