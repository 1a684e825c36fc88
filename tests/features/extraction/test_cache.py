"""The feature cache: complete files, safe names, keys that detect every change."""

import pytest
import torch

from vqa.features.extraction.cache import (
    FeatureCache,
    combined_fingerprint,
    source_fingerprint,
    stored_dtype,
)


@pytest.fixture
def cache(tmp_path):
    return FeatureCache(tmp_path, "fake", "bank", "0123456789abcdef0123")


def store(cache, video_id="a.mp4", source="s"):
    features, times = torch.rand(5, 3), torch.arange(5, dtype=torch.float64)
    cache.store(video_id, features, times, {"source": source, "reader": "pyav"})
    return features


def test_round_trip(cache):
    features = store(cache)
    loaded = cache.load("a.mp4")
    assert torch.equal(loaded.features, features)
    assert loaded.times_s.tolist() == [0, 1, 2, 3, 4]
    assert loaded.metadata["reader"] == "pyav"


def test_equal_features_give_equal_bytes(cache):
    facts = {name: name for name in "hgfedcba"}
    for name in ("a", "b"):
        cache.store(name, torch.ones(2, 2), torch.zeros(2), dict(reversed(facts.items())))
        facts = dict(reversed(facts.items()))
    assert cache.path("a").read_bytes() == cache.path("b").read_bytes()


def test_half_precision_is_stored_as_such(cache):
    cache.store("a", torch.rand(2, 2).half(), torch.zeros(2), {"source": "s"})
    assert cache.load("a").features.dtype == torch.float16
    with pytest.raises(ValueError, match="float32 or float16"):
        stored_dtype("int8")


def test_features_are_current_only_for_the_same_source_and_a_complete_file(cache):
    assert not cache.is_current("a.mp4", "s")
    store(cache)
    assert cache.is_current("a.mp4", "s")
    assert not cache.is_current("a.mp4", "another")
    path = cache.path("a.mp4")
    path.write_bytes(path.read_bytes()[:20])
    assert not cache.is_current("a.mp4", "s")


def test_the_error_for_absent_features_names_the_remedy(cache):
    with pytest.raises(FileNotFoundError, match=r"run extract\.py"):
        cache.load("a.mp4")


@pytest.mark.parametrize(
    "name", ["a.mp4", "Test1/City/a.avi", "../../x", "/etc/passwd", "ü ?#%:*.mp4", "a/../b", "..."]
)
def test_every_name_stays_inside_the_folder_and_can_be_loaded(cache, name):
    features = store(cache, name)
    assert cache.path(name).resolve().is_relative_to(cache.folder.resolve())
    assert torch.equal(cache.load(name).features, features)


def test_different_names_do_not_collide(cache):
    names = ["a/b", "a%2Fb", "a_b", "A/b", "..", "%2E%2E", "a.mp4", "a"]
    assert len({cache.path(name) for name in names}) == len(names)


def test_a_failed_write_leaves_the_old_file(cache, monkeypatch):
    features = store(cache)
    monkeypatch.setattr(
        "vqa.features.extraction.cache.save", lambda *args, **kwargs: (_ for _ in ()).throw(OSError)
    )
    with pytest.raises(OSError):  # noqa: PT011 (any of them)
        store(cache)
    assert torch.equal(cache.load("a.mp4").features, features)
    assert len(list(cache.folder.iterdir())) == 1


@pytest.mark.parametrize("size", [0, 10, 33 * 2**20])
def test_source_fingerprint_depends_on_content_and_length_not_name(tmp_path, size):
    first, second = tmp_path / "a", tmp_path / "b"
    for path in (first, second):
        path.write_bytes(bytes(size))
    assert source_fingerprint(first) == source_fingerprint(second)
    second.write_bytes(bytes(size) + b"x")
    assert source_fingerprint(first) != source_fingerprint(second)
    if size:
        second.write_bytes(b"x" + bytes(size - 1))
        assert source_fingerprint(first) != source_fingerprint(second)


def test_combined_fingerprint_depends_on_every_part():
    prints = {
        combined_fingerprint("a", frame_rate_hz=None, dtype="float32"),
        combined_fingerprint("b", frame_rate_hz=None, dtype="float32"),
        combined_fingerprint("a", frame_rate_hz=25, dtype="float32"),
        combined_fingerprint("a", frame_rate_hz=None, dtype="float16"),
    }
    assert len(prints) == 4


def test_several_databases_share_the_features_of_each(tmp_path):
    alone = FeatureCache(tmp_path, "konvid", "vgg16", "f" * 64)
    together = FeatureCache(tmp_path, None, "vgg16", "f" * 64)
    assert together.path("konvid/a/b.mp4") == alone.path("a/b.mp4")
    assert together.path("../b.mp4").resolve().is_relative_to(tmp_path)


def test_the_seconds_of_each_video_are_noted(tmp_path):
    cache = FeatureCache(tmp_path, "db", "x", "f" * 64)
    assert cache.seconds() == {}
    cache.note_seconds("a, b.mp4", 1.5)
    cache.note_seconds("c.mp4", 20)
    cache.note_seconds("c.mp4", 3.25)  # extracted again
    with (cache.folder / "seconds.csv").open("a") as file:
        file.write("d.mp4,")  # interrupted while writing
    assert cache.seconds() == {"a, b.mp4": 1.5, "c.mp4": 3.25}
