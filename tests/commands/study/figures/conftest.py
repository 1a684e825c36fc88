"""The material of a small study: three databases in miniature, and two trainings on one of them."""

from functools import cache

import pytest

from tests.commands.calling import composed
from vqa.commands.study.material import Material
from vqa.commands.train import train

TINY = [
    "+data.read.contents=3", "+data.read.versions=3", "+data.read.frames=8",
    "+data.read.size=[64,48]", "trainer.max_epochs=1",
]  # fmt: skip
TOY = ["features.openclip.architecture=toy", "features.openclip.weights=random"]
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
