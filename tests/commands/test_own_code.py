"""Models, features and databases of your own, from a package and a folder beside the checkout."""

import json
import sys

import pandas as pd
import pytest

from tests.commands.calling import Failed, run
from tests.fakes import graded_clips

NETWORK = '''
"""A network: the mean of the features, then one linear layer."""

import torch


class MeanNet(torch.nn.Module):
    def __init__(self, input_dim, scale=1.0):
        super().__init__()
        self.head, self.scale = torch.nn.Linear(input_dim, 1), scale

    def timeline(self, features, lengths):
        return self.head(features).squeeze(-1) * self.scale

    def forward(self, features, lengths):
        inside = torch.arange(features.shape[1], device=lengths.device) < lengths[:, None]
        return (self.timeline(features, lengths) * inside).sum(1) / lengths
'''
FEATURE = '''
"""A feature: mean and deviation of each colour."""

import torch

from vqa.features.extractor import Extractor


class Colour(Extractor):
    name, dim, weights = "colour", 6, "none"

    def __init__(self, gain=1.0):
        self.gain = gain
        self.fingerprint = f"colour-1-{gain}"

    def __call__(self, frames, context=0):
        pixels = torch.from_numpy(frames[context:]).float().flatten(1, 2) * self.gain
        return torch.cat([pixels.mean(1), pixels.std(1)], 1)
'''
DATABASE = '''
"""A database: every second row of a table."""

from pathlib import Path

import pandas as pd

from vqa.databases.records import VideoRecord, build_database


def read(root, *, missing="error"):
    table = pd.read_csv(Path(root) / "labels.csv").iloc[::2]
    videos = [VideoRecord(r.video, Path(root) / r.video, r.mos) for r in table.itertuples()]
    return build_database("halved", videos, (1, 5), missing=missing)
'''
YAML = {
    "model/meannet.yaml": """\
# @package _global_
# MeanNet, a model of your own.
defaults:
  - _neural
  - override /features: colour
model_name: meannet
model:
  network:
    _target_: my_vqa.network.MeanNet
    _partial_: true
    scale: 1.0
""",
    "features/colour.yaml": """\
# @package features.colour
# Mean and deviation of each colour.
defaults: [_extractor@_here_]
name: colour
standardise: true
gain: 0.5
extractor:
  _target_: my_vqa.feature.Colour
  gain: ${..gain}
""",
    "data/halved.yaml": """\
# Every second video of a table.
name: halved
root: ???
missing: error
reader: auto
read:
  _target_: my_vqa.database.read
  root: ${data.root}
  missing: ${data.missing}
""",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with clips, a package of one's own and its configuration."""
    place = graded_clips(tmp_path_factory.mktemp("own"), count=18)
    package = place / "my_vqa"
    package.mkdir()
    for name, text in (
        ("__init__", ""), ("network", NETWORK), ("feature", FEATURE), ("database", DATABASE),
    ):  # fmt: skip
        (package / f"{name}.py").write_text(text)
    for name, text in YAML.items():
        (place / "my_conf" / name).parent.mkdir(parents=True, exist_ok=True)
        (place / "my_conf" / name).write_text(text)
    return place


@pytest.fixture
def here(place, monkeypatch):
    """The folder as the working folder; what it puts on the path is taken off again."""
    monkeypatch.chdir(place)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield place
    for name in [name for name in sys.modules if name.partition(".")[0] == "my_vqa"]:
        del sys.modules[name]


def test_model_feature_and_database_of_your_own(here, capsys):
    run(
        "train", "--config-dir", "my_conf", "model=meannet", "features.colour.gain=0.25",
        "data=halved", f"data.root={here}", "trainer.max_epochs=2",
        "protocol.test_fraction=0.34", "folder=run",
    )  # fmt: skip
    predictions = pd.read_csv(here / "run" / "predictions.csv")
    assert len(predictions) == 3  # a third of nine
    card = json.loads((here / "run" / "split0" / "learner.json").read_text())
    assert card["input_dim"] == 6
    capsys.readouterr()

    clip = here / "videos" / "clip1.mp4"
    words = ["score", "run", clip, "--output", here / "s.csv"]
    with pytest.raises(Failed, match=r"my_vqa\.\w+.*not part of vqa.*--trust my_vqa") as failure:
        run(*words)
    assert failure.value.status == 2
    sys.path.remove(str(here))  # training has put it there
    run(*words, "--trust", "my_vqa")
    assert "scores on [1, 5]" in capsys.readouterr().out
    run("evaluate", "run=run", "trust=[my_vqa]")
    again = pd.read_csv(here / "run" / "evaluations" / "halved" / "predictions.csv")
    pd.testing.assert_frame_equal(again, predictions, check_exact=True)
    run("verify", "run", "--rescore", "1", "--trust", "my_vqa")
    run("doctor", "halved", "--root", here, "--config-dir", "my_conf", "--output", here / "d.json")
    assert json.loads((here / "d.json").read_text())["usable"] == 9


def test_a_package_that_cannot_be_imported_is_named(here, tmp_path):
    (here / "my_conf" / "model" / "wrong.yaml").write_text(
        YAML["model/meannet.yaml"].replace("my_vqa.network", "not_there.network")
    )
    with pytest.raises(Failed, match=r"not_there\.network\.MeanNet does not exist.*installed"):
        run(
            "train", "--config-dir", "my_conf", "model=wrong", "features=multiscale",
            "data=csv", "data.labels=labels.csv", "data.mos_range=[1,5]", "trainer.max_epochs=1",
            "protocol.test_fraction=0.34",
            f"paths.runs={tmp_path}",
        )  # fmt: skip
