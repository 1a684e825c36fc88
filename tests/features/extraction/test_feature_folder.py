"""Features over time from a folder: found by name, checked, hashed by content."""

from pathlib import Path

import numpy as np
import pytest
import torch

from vqa.databases.records import VideoRecord
from vqa.features.extraction.feature_folder import FeatureFolder


def record(name):
    return VideoRecord(name, Path(name), 3.0)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "City").mkdir()
    rng = np.random.default_rng(0)
    np.save(tmp_path / "a.npy", rng.random((7, 5), np.float32))
    np.save(tmp_path / "City" / "b.mp4.npy", rng.random((3, 5)).astype(">f8"))
    np.save(tmp_path / "vector.npy", np.float32([1, np.nan]))
    return tmp_path


def test_sequences_are_found_with_and_without_the_suffix_of_the_video(folder):
    features = FeatureFolder(folder)
    loaded = features.load(record("a.mp4"))
    np.testing.assert_array_equal(loaded.features, np.load(folder / "a.npy"))
    assert loaded.times_s.tolist() == list(range(7))
    assert (loaded.metadata["frames"], loaded.metadata["undefined"]) == ("7", "0")
    wide = features.load(record("City/b.mp4"))
    assert (wide.features.dtype, tuple(wide.features.shape)) == (torch.float64, (3, 5))
    alone = features.load(record("vector"))
    assert (tuple(alone.features.shape), alone.metadata["undefined"]) == ((1, 2), "1")


def test_files_that_cannot_be_used_cost_their_video(folder):
    np.save(folder / "text.npy", np.array(["a"]))
    np.save(folder / "cube.npy", np.zeros((2, 2, 2)))
    np.save(folder / "empty.npy", np.zeros((0, 5)))
    np.save(folder / "code.npy", np.array([{}], dtype=object), allow_pickle=True)
    (folder / "cut.npy").write_bytes((folder / "a.npy").read_bytes()[:-9])
    names = ["a.mp4", "text", "cube", "empty", "code", "cut", "absent.mp4"]
    outcome = FeatureFolder(folder).fill([record(name) for name in names])
    assert outcome.reused == ["a.mp4"]
    causes = outcome.failures
    assert list(causes) == names[1:]
    assert all("expected floats (T, D), found" in causes[name] for name in names[1:4])
    assert all("no features can be read" in causes[name] for name in names[4:6])
    assert "absent.mp4.npy is absent: expected" in causes["absent.mp4"]


def test_the_hash_follows_names_and_contents(folder):
    first = FeatureFolder(folder).weights
    np.save(folder / "a.npy", np.zeros((7, 5), np.float32))
    second = FeatureFolder(folder).weights
    (folder / "a.npy").rename(folder / "c.npy")
    assert len({first, second, FeatureFolder(folder).weights}) == 3
    (folder / "nothing").mkdir()
    with pytest.raises(ValueError, match=r"expected files \*\.npy, found none"):
        FeatureFolder(folder / "nothing")
