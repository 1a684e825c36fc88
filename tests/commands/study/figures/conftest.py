"""Material of figures made by hand: small clips as any database, tiny networks, random weights."""

import pytest

from tests import toy_classifier  # noqa: F401 (registers it)
from tests.commands.calling import composed
from tests.fakes import graded_clips
from vqa.commands.study.material import Material

TOY = [
    "features.saliency.architecture=toy_classifier", "features.saliency.weights=random",
    "features.saliency.device=cpu",
]  # fmt: skip
TOY_CNN = [
    "features.cnn.architecture=toy_classifier", "features.cnn.weights=random",
    "features.cnn.device=cpu",
]  # fmt: skip


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
