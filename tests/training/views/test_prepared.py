"""Features as a network takes them: read once, scaled, condensed, in one place."""

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from vqa.databases.records import VideoRecord
from vqa.training.views import FeatureSequence, FeatureVector, PreparedFeatures, Views
from vqa.training.views.mapped import FOLDER

VIDEOS = [VideoRecord(f"v{place}", Path(f"v{place}"), 3.0) for place in range(5)]


class Source:
    """Random features of videos of different lengths, as if from a cache in a folder."""

    name = "made"

    def __init__(self, root=None, dim=6):
        self.cache_root, self.reads, self.salt, self.dim = root, [], 0.0, dim

    def identity(self, video):
        return video.id

    def load(self, video):
        self.reads.append(video.id)
        drawn = torch.Generator().manual_seed(int(video.id[1:]))
        rows = torch.rand(4 + int(video.id[1:]), self.dim, generator=drawn) + self.salt
        return SimpleNamespace(features=rows)


@dataclass(frozen=True)
class Halves:
    """The second half of the features, and the mean of the first."""

    def __call__(self, features):
        first, second = features.chunk(2, 1)
        return {"features": second, "level": first.mean(0)}


def prepared(source, kind=FeatureSequence, memory_gb=1.0, **options):
    return PreparedFeatures(kind([source], memory_gb), **options)


def test_each_video_is_read_once_and_condensed():
    source = Source()
    features = prepared(source, condense=Halves())
    first = [features(video) for video in VIDEOS]
    assert [features(video) for video in VIDEOS] == first  # the same objects
    assert source.reads == [video.id for video in VIDEOS]
    whole = source.load(VIDEOS[3]).features
    assert torch.equal(first[3]["features"], whole[:, 3:])
    assert first[3]["features"].untyped_storage().nbytes() == whole[:, 3:].numel() * 4
    assert torch.equal(first[3]["level"], whole[:, :3].mean(0))


def test_what_memory_does_not_hold_is_read_again():
    source = Source()
    features = prepared(source, memory_gb=200 / 2**30)  # two videos of 4 and 5 rows fit
    for _ in range(2):
        for video in VIDEOS:
            features(video)
    assert [source.reads.count(video.id) for video in VIDEOS] == [1, 2, 2, 2, 2]


def test_half_precision_is_kept_only_where_it_loses_nothing():
    source = Source()
    assert prepared(source)(VIDEOS[0])["features"].dtype == torch.float32
    halves = prepared(source)
    source.load = lambda video: SimpleNamespace(features=torch.arange(6.0).repeat(3, 1) / 4)
    kept = halves(VIDEOS[0])["features"]
    assert kept.dtype == torch.float16
    inputs = halves.collate("features", [halves(VIDEOS[0])])
    assert torch.equal(inputs["features"], source.load(None).features[None])
    assert inputs["features"].dtype == torch.float32


def test_features_are_scaled_once_for_a_split():
    scale = nn.Linear(6, 6)
    source = Source()
    with torch.no_grad():
        sample = prepared(source, scale=scale)(VIDEOS[1])
        assert torch.equal(sample["features"], scale(source.load(VIDEOS[1]).features))
        vector = prepared(source, FeatureVector, scale=scale)(VIDEOS[1])
        expected = scale(source.load(VIDEOS[1]).features.double().mean(0).float())
        assert torch.equal(vector["features"], expected)


def test_training_takes_a_random_run_of_frames_and_all_that_is_beside():
    view = FeatureSequence([Source()], crop_length=3)
    features = PreparedFeatures(view, condense=Halves())
    whole = features(VIDEOS[4])
    runs = [features(VIDEOS[4], np.random.default_rng(seed)) for seed in range(40)]
    assert {len(run["features"]) for run in runs} == {3}
    starts = {int((whole["features"] == run["features"][0]).all(1).nonzero()) for run in runs}
    assert starts == set(range(6))
    assert all(torch.equal(run["level"], whole["level"]) for run in runs)


def test_batches_are_padded_or_a_list():
    padded = prepared(Source(), condense=Halves())
    samples = [padded(video) for video in VIDEOS]
    inputs = padded.collate("features", samples)
    assert inputs["lengths"].tolist() == [4, 5, 6, 7, 8]
    assert inputs["features"].shape == (5, 8, 3)
    assert not inputs["features"][0, 4:].any()
    assert torch.equal(inputs["level"], torch.stack([sample["level"] for sample in samples]))
    listed = prepared(Source(), condense=Halves(), takes_rows=True)
    given = listed.collate("features", [listed(video) for video in VIDEOS])
    assert isinstance(given["features"], list)
    for row, whole in zip(given["features"], inputs["features"], strict=True):
        assert torch.equal(row, whole[: len(row)])
    assert torch.equal(given["lengths"], inputs["lengths"])


def test_a_block_is_taken_for_those_that_are_in_it_only():
    """Videos that were not gathered, such as those of a test part, are themselves."""
    plain = prepared(Source(), condense=Halves())
    gathered = prepared(Source(), condense=Halves())
    gathered._move(VIDEOS[:3])
    for some in (VIDEOS[:3], VIDEOS[3:], VIDEOS[2:4], VIDEOS[::-1]):
        ours, theirs = (
            one.collate("features", [one(video) for video in some]) for one in (gathered, plain)
        )
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    cropped = PreparedFeatures(FeatureSequence([Source()], crop_length=2))
    cropped._move(VIDEOS)
    runs = [cropped(video, np.random.default_rng(4)) for video in VIDEOS]
    inputs = cropped.collate("features", runs)
    assert all(
        torch.equal(one, run["features"]) for one, run in zip(inputs["features"], runs, strict=True)
    )


def test_views_share_what_is_prepared_alike():
    views = Views({"features": FeatureSequence([Source()])})
    one = views.prepared(condense=Halves()).views["features"]
    assert views.prepared(condense=Halves()).views["features"] is one
    assert views.prepared(condense=Halves(), takes_rows=True).views["features"] is not one
    scales = [nn.Linear(6, 6) for _ in range(2)]
    scaled = views.prepared(scale=scales[0]).views["features"]
    assert scaled is not one
    again = nn.Linear(6, 6)
    again.load_state_dict(scales[0].state_dict())
    assert views.prepared(scale=again).views["features"] is scaled
    assert views.prepared(scale=scales[1]).views["features"] is not scaled
    assert Views({}).prepared(condense=Halves()).views == {}


def gathered(root, **options):
    """Gather videos that need more than memory; return the prepared features and their source."""
    source = Source(root)
    features = prepared(source, memory_gb=200 / 2**30, condense=Halves(), **options)
    features.gather(VIDEOS)
    return features, source


def packed(root):
    return sorted((root / FOLDER).glob("*.rows"))


def test_large_features_are_mapped_from_a_file_that_is_made_once(tmp_path):
    features, source = gathered(tmp_path)
    reads = len(source.reads)
    plain = prepared(Source(), condense=Halves())
    for video in VIDEOS:
        ours, theirs = features(video), plain(video)
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert len(source.reads) == reads
    (path,) = packed(tmp_path)
    written = path.stat().st_mtime_ns
    again, source = gathered(tmp_path)
    assert packed(tmp_path) == [path]
    assert path.stat().st_mtime_ns == written
    assert source.reads == [f"v{place}" for place in (0, 1, 2, 3, 4, 0, 4)]  # size, comparison
    assert torch.equal(again(VIDEOS[2])["features"], features(VIDEOS[2])["features"])


def test_one_video_that_needs_more_than_half_precision_is_kept_whole(tmp_path):
    source = Source(tmp_path)
    whole = source.load
    source.load = lambda video: SimpleNamespace(
        features=(whole(video).features * 8).round() / 8 + (video.id == "v3") * 2**-20
    )
    features = prepared(source, memory_gb=100 / 2**30, condense=Halves())
    features.gather(VIDEOS)
    assert packed(tmp_path)
    for video in VIDEOS:
        assert torch.equal(features(video)["features"], source.load(video).features[:, 3:])


@pytest.mark.parametrize("harm", ["changed", "cut", "no index", "other index", "other features"])
def test_a_mapped_file_that_is_not_what_was_made_is_made_again(harm, tmp_path, caplog):
    gathered(tmp_path)
    (path,) = packed(tmp_path)
    index = path.with_suffix(".safetensors")
    good = path.read_bytes()
    if harm == "changed":
        path.write_bytes(good[:-4] + b"\0\0\0\1")
    elif harm == "cut":
        path.write_bytes(good[:-4])
    elif harm == "no index":
        index.unlink()
    elif harm == "other index":
        index.write_bytes(b"nothing")
    source = Source(tmp_path)
    source.salt = 1.0 if harm == "other features" else 0.0
    features = prepared(source, memory_gb=200 / 2**30, condense=Halves())
    features.gather(VIDEOS)
    plain = prepared(source, condense=Halves())
    for video in VIDEOS:
        assert torch.equal(features(video)["features"], plain(video)["features"])
    assert ("made again" in caplog.text) == (harm != "no index")
    if harm != "other features":
        assert path.read_bytes() == good


def test_without_a_cache_or_room_features_are_read_again(tmp_path, caplog):
    features, source = gathered(None)
    features(VIDEOS[4])
    assert source.reads.count("v4") == 2
    (tmp_path / FOLDER).write_text("in the way")
    features, source = gathered(tmp_path)
    assert "features stay in" in caplog.text
    assert torch.equal(features(VIDEOS[4])["features"], source.load(VIDEOS[4]).features[:, 3:])
