"""What a trained model is told when it is tested, and the folders of its tests."""

import pandas as pd
import pytest

from tests.commands.calling import Failed, call, composed
from vqa.commands.experiment import Experiment
from vqa.commands.test import evaluate_run
from vqa.commands.train import train

TINY = [
    "+data.read.contents=4", "+data.read.versions=3", "+data.read.frames=8",
    "+data.read.size=[64,48]", "trainer.max_epochs=2", "model=gstvqa",
    "protocol=repeated", "protocol.count=2", "protocol.test_fraction=0.5",
]  # fmt: skip
FUSED = {"model.network.score": "fused", "model.network.fusion_weight": 0.6}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("told")


@pytest.fixture(scope="module")
def trained(place):
    """Return a function from further overrides to the finished run."""

    def make(*overrides, data="demo_coding"):
        paths = [f"paths.{kind}={place / kind}" for kind in ("data", "cache", "runs")]
        return train(composed("train", *TINY, f"data={data}", *paths, *overrides))

    return make


def once_more(run, place, told):
    """Test a run on its own test parts, told something."""
    paths = {"cache": str(place / "cache")}
    experiment = Experiment.of_run(run, paths=paths, trust=None, told=told)
    return evaluate_run(run, experiment)


@pytest.mark.parametrize("told", [{"model.network.score": "frame"}, FUSED])
def test_it_scores_like_one_that_was_trained_so(trained, place, told):
    run = trained()
    result = once_more(run, place, told)
    apart = trained(*[f"{key}={value}" for key, value in told.items()])
    assert result.folder.parent == run.folder / "evaluations"
    pd.testing.assert_frame_equal(result.predictions(), apart.predictions())
    with pytest.raises(AssertionError):
        pd.testing.assert_frame_equal(result.predictions(), run.predictions())
    assert result.results().summary.value("srocc") == apart.results().summary.value("srocc")


def test_each_test_has_a_folder_of_its_own_and_is_found_again(trained, place):
    run = trained()
    folders = [once_more(run, place, told).folder for told in (FUSED, {}, FUSED)]
    assert folders[0] == folders[2] != folders[1]
    assert folders[1].name == "demo_coding"


def test_what_needs_another_training_is_refused(trained, place):
    with pytest.raises(
        ValueError, match=r"settings.model.network.pyramid: expected one of .*score"
    ):
        once_more(trained(), place, {"model.network.pyramid": False})


def test_the_command_and_two_tables_of_one_name(trained, place, tmp_path):
    """Two label tables are both `csv`; the second test gets a folder with a hash."""
    trained()
    files = sorted((place / "data").rglob("*.mp4"))
    for name, chosen in {"one": files[:6], "two": files[6:12]}.items():
        lines = [f"{file},{2 + index / 2}" for index, file in enumerate(chosen)]
        (tmp_path / f"{name}.csv").write_text("\n".join(["video,mos", *lines]) + "\n")
    other = trained(data="demo_camera")
    words = [f"run={other.folder}", "data=csv", "data.mos_range=[1,5]"]
    for name in ("one", "two"):
        call("evaluate", place, *words, f"data.labels={tmp_path / name}.csv")
    call(
        "evaluate", place, *words, f"data.labels={tmp_path / 'one'}.csv",
        "settings={model.network.score:frame}",
    )  # fmt: skip
    folders = sorted((other.folder / "evaluations").iterdir())
    assert [folder.name.split("-")[0] for folder in folders] == ["csv"] * 3
    counts = {len(pd.read_csv(folder / "videos.csv")) for folder in folders}
    assert counts == {6}
    with pytest.raises(Failed, match=r"settings\.seed: expected one of"):
        call("evaluate", place, *words, f"data.labels={tmp_path / 'one'}.csv", "settings={seed:3}")
