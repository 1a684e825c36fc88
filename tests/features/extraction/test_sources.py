"""Sources: several kinds of features together, and features that were computed elsewhere."""

import numpy as np
import pytest
import scipy.io
import torch

from tests.fakes import MeanColour, clip_database
from vqa.databases.records import VideoRecord
from vqa.features.extraction.cache import FeatureCache
from vqa.features.extraction.external import ExternalFeatures
from vqa.features.extraction.feature_source import FeatureSource
from vqa.features.extraction.sources import Sources
from vqa.training.views import FeatureSequence, FeatureVector
from vqa.video import probe


class Twice(MeanColour):
    """Another kind of feature."""

    name, fingerprint, context = "twice", "e" * 64, 0

    def __call__(self, frames, context=0):
        return 2 * MeanColour.__call__(self, frames)[:, :3]


class Whole(MeanColour):
    """Describes a whole video, from frames that it chooses itself; some values are undefined."""

    name, fingerprint, context, chooses_frames = "whole", "d" * 64, 0, True
    undefined = True

    def indices(self, info):
        return np.arange(0, info.frames, 10)

    def describe(self, chunks, info):
        frames = np.concatenate(list(chunks))
        colours = torch.from_numpy(frames.mean((0, 1, 2)))[None]
        return torch.cat([colours, colours * torch.nan], 1), torch.tensor([info.duration_s / 2])


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    return clip_database(tmp_path_factory.mktemp("clips"), count=3)


@pytest.fixture
def sources(tmp_path):
    return Sources(
        [
            FeatureSource(one, FeatureCache(tmp_path, one.name, "f"), "auto")
            for one in (MeanColour(), Twice(), Whole())
        ]
    )


def test_kinds_of_features_are_joined(database, sources):
    outcome = sources.fill(database.videos, progress=False)
    assert outcome.made == [video.id for video in database.videos]
    again = sources.fill(database.videos, progress=False)
    assert (again.made, again.reused) == ([], outcome.made)
    video = database.videos[0]
    parts = [source.load(video).features for source in sources.sources]
    assert [len(part) for part in parts] == [34, 34, 1]
    sequence = FeatureSequence(sources.sources[:2])(video)
    torch.testing.assert_close(sequence, torch.cat(parts[:2], 1))
    vector = FeatureVector(sources.sources)(video)
    assert vector.shape == (6 + 3 + 6,)
    torch.testing.assert_close(vector[:9], sequence.mean(0))
    torch.testing.assert_close(vector[9:12], parts[2][0, :3])
    assert vector[12:].isnan().all()
    with pytest.raises(ValueError, match=r"features of \[34, 34, 1\] frames cannot be joined"):
        FeatureSequence(sources.sources)(video)


def test_costs_of_each_kind(database, sources, tmp_path):
    sources.fill(database.videos, progress=False)
    costs = sources.costs(database.videos)
    assert {name: cost["dim"] for name, cost in costs.items()} == {
        "mean-colour": 6, "twice": 3, "whole": 6,
    }  # fmt: skip
    assert all(0 < cost["seconds_a_video"] < 60 for cost in costs.values())
    path = tmp_path / "feats.csv"
    path.write_text("video,a\nclip0.mp4,0\n")
    costs = Sources([ExternalFeatures(path)]).costs(database.videos[:1])
    assert costs == {"external": {"dim": 1, "seconds_a_video": None}}


def test_undefined_values_are_left_out_of_the_mean(database, tmp_path):
    class Gaps(MeanColour):
        context, undefined = 0, True

        def __call__(self, frames, context=0):
            found = MeanColour.__call__(self, frames)
            found[::2, 0] = torch.nan
            return found

    cache = FeatureCache(tmp_path, "gaps", "f")
    source = FeatureSource(Gaps(), cache, "auto")
    source.fill(database.videos[:1], progress=False)
    rows = source.load(database.videos[0]).features
    expected = rows[~rows[:, 0].isnan(), 0].double().mean().float()
    assert FeatureVector([source])(database.videos[0])[0] == expected


def test_a_video_that_fails_in_one_kind_is_a_failure(database, sources, tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"none")
    videos = [*database.videos, VideoRecord("broken.mp4", broken, 1.0)]
    outcome = sources.fill(videos, progress=False)
    assert list(outcome.failures) == ["broken.mp4"]
    assert len(outcome.made) == 3


def test_an_extractor_that_chooses_its_frames_takes_no_rate(database, tmp_path):
    cache = FeatureCache(tmp_path, "whole", "f")
    with pytest.raises(ValueError, match="chooses its frames itself"):
        FeatureSource(Whole(), cache, "auto", frame_rate_hz=5).fill(database.videos, progress=False)


def test_settings_choose_the_frames_of_an_extractor_that_describes_frames(database, tmp_path):
    class Chosen(MeanColour):
        chooses_frames = True

        def indices(self, info):
            return np.arange(0, info.frames, 10)

    video = database.videos[0]
    own, middle = (
        FeatureSource.in_cache(Chosen(), tmp_path, "auto", frames=frames) for frames in (None, 1)
    )
    for source in (own, middle):
        source.fill([video], progress=False)
    assert len(own.load(video).features) == 4
    assert middle.load(video).times_s.tolist() == [probe(video.path).times_s[17]]  # of 34


@pytest.mark.parametrize("form", ["csv", "mat"])
def test_features_from_elsewhere_are_found_by_name(form, database, tmp_path):
    path = tmp_path / f"feats.{form}"
    matrix = np.arange(6.0).reshape(2, 3)
    if form == "csv":
        path.write_text("video,a,b,c\nclip1.mp4,0,1,2\nclip0.mp4,3,4,5\n")
        external = ExternalFeatures(path)
    else:
        scipy.io.savemat(path, {"feats_mat": matrix})
        external = ExternalFeatures(path, ids=["clip1.mp4", "clip0.mp4"])
    outcome = external.fill(database.videos)
    assert outcome.reused == ["clip0.mp4", "clip1.mp4"]
    assert "no row of this name" in outcome.failures["clip2.mp4"]
    assert FeatureVector([external])(database.videos[0]).tolist() == [3, 4, 5]
    assert external.weights.startswith(f"feats.{form} sha256:")
    assert external.metadata(database.videos[0])["frames"] == "0"


def test_a_matrix_must_be_named(tmp_path):
    with pytest.raises(ValueError, match=r"features\.external\.path="):
        ExternalFeatures(None)
