"""The feature cache: keys by content, complete files, checksums that find every change."""

from pathlib import Path

import pytest
import torch

from vqa.databases.records import VideoRecord
from vqa.features.extraction.cache import (
    DamagedFeaturesError,
    FeatureCache,
    combined_fingerprint,
    content_key,
    stored_dtype,
)
from vqa.files import content_hash

KEY, OTHER = "ab" * 32, "cd" * 32


@pytest.fixture
def cache(tmp_path):
    return FeatureCache(tmp_path, "bank", "0123456789abcdef0123")


def store(cache, key=KEY):
    features, times = torch.rand(5, 3), torch.arange(5, dtype=torch.float64)
    cache.store(key, features, times, {"source": key, "reader": "pyav"})
    return features


def test_round_trip(cache):
    features = store(cache)
    loaded = cache.load(KEY)
    assert torch.equal(loaded.features, features)
    assert loaded.times_s.tolist() == [0, 1, 2, 3, 4]
    assert loaded.metadata == {"source": KEY, "reader": "pyav"} == cache.checked(KEY)


@pytest.mark.parametrize("shape", [(0, 3), (4, 0)])
def test_features_without_a_value_are_kept_too(cache, shape):
    cache.store(KEY, torch.empty(shape), torch.zeros(shape[0]), {})
    assert cache.load(KEY).features.shape == shape


def test_equal_features_give_equal_bytes(cache):
    facts = {name: name for name in "hgfedcba"}
    for key in (KEY, OTHER):
        cache.store(key, torch.ones(2, 2), torch.zeros(2), facts)
        facts = dict(reversed(facts.items()))
    assert cache.path(KEY).read_bytes() == cache.path(OTHER).read_bytes()


def test_half_precision_is_stored_as_such(cache):
    cache.store(KEY, torch.rand(2, 2).half(), torch.zeros(2), {})
    assert cache.load(KEY).features.dtype == torch.float16
    with pytest.raises(ValueError, match="float32 or float16"):
        stored_dtype("int8")


def test_features_of_another_content_are_not_found(cache):
    store(cache)
    assert cache.checked(OTHER) is None
    with pytest.raises(FileNotFoundError, match=r"run extract\.py"):
        cache.load(OTHER)


def test_no_byte_of_a_stored_file_can_change_unnoticed(cache, caplog):
    store(cache)
    path = cache.path(KEY)
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        try:
            loaded = cache.load(KEY)
        except DamagedFeaturesError:
            continue
        # Blanks that pad the header of a safetensors file are the only bytes without a meaning.
        assert whole[place : place + 1] == b" "
        assert loaded.metadata["reader"] == "pyav"
    path.write_bytes(whole)
    assert cache.checked(KEY)


@pytest.mark.parametrize("content", [b"", b"garbage", bytes(20), b"\xff" * 5000])
def test_a_garbled_file_is_extracted_again_and_not_an_error(cache, caplog, content):
    store(cache)
    cache.path(KEY).write_bytes(content)
    assert cache.checked(KEY) is None
    assert "extracted again" in caplog.text


def test_a_cut_file_is_not_current(cache):
    store(cache)
    path = cache.path(KEY)
    path.write_bytes(path.read_bytes()[:-1])
    assert cache.checked(KEY) is None


def test_a_failed_write_leaves_the_old_file(cache, monkeypatch):
    features = store(cache)
    monkeypatch.setattr(
        "vqa.features.extraction.cache.save", lambda *args, **kwargs: (_ for _ in ()).throw(OSError)
    )
    with pytest.raises(OSError):  # noqa: PT011 (any of them)
        store(cache)
    assert torch.equal(cache.load(KEY).features, features)
    assert len([path for path in cache.folder.rglob("*") if path.is_file()]) == 1


def test_a_key_is_the_content_of_the_file_and_not_its_name(tmp_path):
    first, second = tmp_path / "a.mp4", tmp_path / "b.mp4"
    for path in (first, second):
        path.write_bytes(b"video")
    one, other = (VideoRecord(path.name, path, 3.0) for path in (first, second))
    assert content_key(one) == content_key(other) == content_hash(first)
    second.write_bytes(b"vidEo")
    assert content_key(one) != content_key(other)


def test_the_key_of_raw_video_depends_on_its_format_too(tmp_path):
    path = tmp_path / "a.yuv"
    path.write_bytes(bytes(96 * 64 * 3))
    wide, high = (VideoRecord("a", path, 3.0, width=w, height=h) for w, h in ((96, 64), (64, 96)))
    slow = VideoRecord("a", path, 3.0, width=96, height=64, frame_rate_hz=25.0)
    assert len({content_key(video) for video in (wide, high, slow)}) == 3
    assert content_key(wide) != content_key(VideoRecord("a", Path(path), 3.0))


def test_combined_fingerprint_depends_on_every_part():
    prints = {
        combined_fingerprint("a", frame_rate_hz=None, dtype="float32"),
        combined_fingerprint("b", frame_rate_hz=None, dtype="float32"),
        combined_fingerprint("a", frame_rate_hz=25, dtype="float32"),
        combined_fingerprint("a", frame_rate_hz=None, dtype="float16"),
    }
    assert len(prints) == 4


def test_the_seconds_of_each_content_are_noted(cache):
    assert cache.seconds() == {}
    cache.note_seconds(KEY, 1.5)
    cache.note_seconds(OTHER, 20)
    cache.note_seconds(OTHER, 3.25)  # extracted again
    with (cache.folder / "seconds.csv").open("ab") as file:
        file.write(b"\xff\0,1\nd,")  # interrupted while writing
    assert cache.seconds() == {KEY: 1.5, OTHER: 3.25, "\ufffd": 1.0}
