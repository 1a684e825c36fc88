"""Packed features: read like loose ones, checked by content, nothing lost in between."""

import hashlib
import tarfile

import numpy as np
import pytest
import torch

from tests.fakes import MeanColour, clip_database
from vqa.features.extraction import packs
from vqa.features.extraction.cache import DamagedFeaturesError, FeatureCache
from vqa.features.extraction.feature_source import FeatureSource

KEYS = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(12)]


@pytest.fixture
def cache(tmp_path):
    return filled(FeatureCache(tmp_path, "bank", "f" * 64))


def filled(cache, keys=KEYS):
    for key in keys:
        features = torch.full((3, 2), int(key[:4], 16))
        cache.store(key, features, torch.arange(3.0).double(), {"source": key})
    return cache


def loose(cache):
    return sorted(path.stem for path in cache.folder.rglob("*.safetensors"))


def archives(cache):
    return sorted(cache.packs.folder.glob("*.tar"))


def hold(cache, keys=KEYS):
    """Check that every content has its features, in a cache that is opened anew."""
    again = FeatureCache(cache.root, "bank", "f" * 64)
    for key in keys:
        found = again.load(key)
        assert found.features[0, 0] == int(key[:4], 16)
        assert found.metadata == {"source": key} == again.checked(key)


def test_packed_features_are_those_of_the_files(cache):
    before = {key: cache.path(key).read_bytes() for key in KEYS}
    assert cache.pack(KEYS) == len(KEYS) == len(cache.packs)
    assert not loose(cache)
    assert [next(cache.packs.find(key)) for key in KEYS] == list(before.values())
    hold(cache)
    with pytest.raises(FileNotFoundError, match="no features at"):
        cache.load("ab" * 32)


def test_tar_brings_the_files_back(cache):
    cache.pack(KEYS)
    (archive,) = archives(cache)
    with tarfile.open(archive) as opened:
        opened.extractall(cache.folder, filter="data")
    archive.unlink()
    assert loose(cache) == sorted(KEYS)
    hold(cache)


def test_packs_have_a_size_and_jobs_have_packs_of_their_own(cache, monkeypatch):
    monkeypatch.setattr(packs, "PACK_BYTES", 3 * cache.path(KEYS[0]).stat().st_size)
    other = FeatureCache(cache.root, "bank", "f" * 64)
    assert cache.pack(KEYS[::2]) == other.pack(KEYS[1::2]) == 6
    assert len(archives(cache)) == 4
    hold(cache)
    assert other.load(KEYS[0]).metadata["source"] == KEYS[0]


def test_loose_and_packed_features_are_read_alike(cache):
    cache.pack(KEYS[:6])
    assert loose(cache) == sorted(KEYS[6:])
    hold(cache)
    assert cache.pack(KEYS) == 6  # only what is not packed yet
    assert cache.pack(KEYS) == 0
    hold(cache)


def test_what_is_packed_already_is_only_deleted(cache):
    cache.pack(KEYS)
    filled(cache)
    assert cache.pack(KEYS) == 0
    assert not loose(cache)
    hold(cache)


@pytest.mark.parametrize("step", ["_write", "np.save", "Path.replace", "Path.unlink"])
def test_an_interrupted_packing_loses_nothing(cache, monkeypatch, step):
    with monkeypatch.context() as patch:

        def fail(*args, **kwargs):
            raise KeyboardInterrupt

        if step == "Path.unlink":  # the temporary file of a pack, or the files that it holds
            patch.setattr("pathlib.Path.unlink", fail)
        elif step == "_write":
            patch.setattr(packs, "_write", fail)
        elif step == "np.save":
            patch.setattr(np, "save", fail)
        else:
            patch.setattr("pathlib.Path.replace", fail)
        with pytest.raises(KeyboardInterrupt):
            cache.pack(KEYS)
    hold(cache)
    cache.pack(KEYS)
    assert not loose(cache)
    hold(cache)


def test_a_damaged_entry_is_extracted_again(cache, caplog):
    cache.pack(KEYS)
    (archive,) = archives(cache)
    data = bytearray(archive.read_bytes())
    place = data.index(next(cache.packs.find(KEYS[3]))) + 400
    data[place] ^= 1
    archive.write_bytes(data)
    with pytest.raises(DamagedFeaturesError, match="a pack beside"):
        cache.load(KEYS[3])
    assert cache.checked(KEYS[3]) is None
    assert "extracted again" in caplog.text
    hold(cache, [key for key in KEYS if key != KEYS[3]])
    filled(cache, [KEYS[3]])
    hold(cache)
    assert cache.pack(KEYS) == 1  # and the sound one is found beside the damaged one
    hold(cache)


def test_a_damaged_file_is_not_packed(cache):
    cache.path(KEYS[0]).write_bytes(b"something else")
    assert cache.pack(KEYS) == len(KEYS) - 1
    assert loose(cache) == [KEYS[0]]


@pytest.mark.parametrize("damage", ["absent", "other", "cut"])
def test_an_archive_without_a_sound_index_is_not_used(cache, caplog, damage):
    cache.pack(KEYS)
    (archive,) = archives(cache)
    index = archive.with_suffix(".npy")
    if damage == "absent":
        index.unlink()
    elif damage == "other":
        np.save(index, np.zeros(3))
    else:
        archive.write_bytes(archive.read_bytes()[:1000])
    again = FeatureCache(cache.root, "bank", "f" * 64)
    assert again.checked(KEYS[0]) is None
    assert "not used, because of its index" in caplog.text


def test_a_disk_that_returns_other_bytes_keeps_the_files(cache, monkeypatch):
    write = packs._write

    def wrong(*args):
        entries, hashes = write(*args)
        return entries, dict(zip(hashes, reversed(hashes.values()), strict=True))

    monkeypatch.setattr(packs, "_write", wrong)
    with pytest.raises(OSError, match="returns other bytes"):
        cache.pack(KEYS)
    assert loose(cache) == sorted(KEYS)
    assert not archives(cache)


def test_a_source_packs_the_videos_of_its_job(tmp_path):
    videos = clip_database(tmp_path, 3).videos
    cache = FeatureCache(tmp_path / "cache", "mean-colour", "f" * 64)
    FeatureSource(MeanColour(), cache).fill(videos, progress=False)
    assert FeatureSource(MeanColour(), cache).pack(videos[:2]) == 2
    assert len(loose(cache)) == 1
    again = FeatureSource(MeanColour(), cache).fill(videos, progress=False)
    assert again.reused == [video.id for video in videos]
