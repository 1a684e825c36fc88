"""The material of a small study: three databases in miniature, and two trainings on one of them."""

from functools import cache

import pytest

from tests import toy_classifier  # noqa: F401 (registers it)
from tests.commands.calling import composed
from tests.fakes import graded_clips
from vqa.commands.study.material import Material
from vqa.commands.train import train

TINY = [
    "+data.read.contents=3", "+data.read.versions=3", "+data.read.frames=8",
    "+data.read.size=[64,48]", "trainer.max_epochs=1",
]  # fmt: skip
TOY = ["features.openclip.architecture=toy", "features.openclip.weights=random"]
TOY_SALIENCY = [
    "features.saliency.architecture=toy_classifier", "features.saliency.weights=random",
    "features.saliency.device=cpu",
]  # fmt: skip
TOY_CNN = [
    "features.cnn.architecture=toy_classifier", "features.cnn.weights=random",
    "features.cnn.device=cpu",
]  # fmt: skip
NAMES = ("demo_coding", "demo_camera", "demo_timing")


@pytest.fixture(scope="session")
def compose(tmp_path_factory):
    """From overrides of train to an experiment in miniature, with random weights of CLIP."""
    place = tmp_path_factory.mktemp("study")
    paths = [f"paths.{kind}={place / kind}" for kind in ("data", "cache", "runs")]

    @cache
    def composing(*overrides):
        toy = TOY if "features=openclip" in overrides else []
        return composed("train", *overrides, *TINY, *paths, *toy)

    return composing


@pytest.fixture(scope="session")
def runs(compose):
    """A training with the regulariser, and one without."""
    own = ("model=gstvqa", "data=demo_coding", "protocol=full")
    without = ("model.module.adversarial_weight=0", "model.module.frame_weight=0")
    return {
        "coding": train(compose(*own)),
        "coding_plain": train(compose(*own, *without)),
    }


@pytest.fixture
def material(compose, runs):
    return Material(compose, runs, NAMES)


@pytest.fixture(scope="package")
def clips(tmp_path_factory):
    """A folder with three clips of 33 to 35 frames, 1.1 s each, and `labels.csv`."""
    return graded_clips(tmp_path_factory.mktemp("clips"), 3)


@pytest.fixture
def make_material(clips, tmp_path):
    """Make material whose databases are all the clips."""

    def compose(*overrides):
        named = [one for one in overrides if not one.startswith("data=")]
        data = ["data=csv", f"data.labels={clips / 'labels.csv'}", "data.mos_range=[1,5]"]
        places = [f"paths.{kind}={tmp_path / kind}" for kind in ("data", "cache", "runs")]
        return composed("train", *data, *places, *named)

    def make(databases=("youtube_ugc",), runs=None, videos=()):
        return Material(compose, runs or {}, databases, videos)

    return make
