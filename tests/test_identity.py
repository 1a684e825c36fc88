"""Identities of files: by content or sampled, never mixed, and taken ahead in order."""

import os
import threading
from pathlib import Path

import pytest

from vqa.databases.hashing import hashes_of
from vqa.databases.records import Database, VideoRecord
from vqa.files import content_hash
from vqa.identity import BLOCK_BYTES, BLOCKS, Identities, ahead, identity_of, is_same, kind_of

LARGE = bytes(range(256)) * (BLOCK_BYTES // 256) * BLOCKS * 4


def written(path, data):
    path.write_bytes(data)
    os.utime(path, ns=(10**18, 10**18))
    return path


def changed(path, place):
    """Change one byte of a file, and neither its size nor its time."""
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    written(path, bytes(data))


def test_content_is_the_hash_of_all_bytes(tmp_path):
    path = written(tmp_path / "a", LARGE)
    found = identity_of(path)
    assert found == content_hash(path)
    assert kind_of(found) == "content"
    changed(path, BLOCK_BYTES + 1)
    assert not is_same(path, found)


@pytest.mark.parametrize("place", [0, BLOCK_BYTES - 1, len(LARGE) - BLOCK_BYTES, len(LARGE) - 1])
def test_a_sampled_identity_reads_both_ends(tmp_path, place):
    path = written(tmp_path / "a", LARGE)
    found = identity_of(path, "sampled")
    assert found.startswith("sampled:")
    assert is_same(path, found)
    changed(path, place)
    assert not is_same(path, found)


def test_a_sampled_identity_reads_some_bytes_in_between(tmp_path):
    path = written(tmp_path / "a", LARGE)
    found = identity_of(path, "sampled")
    middle = (len(LARGE) - BLOCK_BYTES) // (BLOCKS - 1)
    changed(path, BLOCK_BYTES + 1)  # between the first and the second block: this is what it costs
    assert is_same(path, found)
    changed(path, middle + 5)
    assert not is_same(path, found)


def test_a_sampled_identity_depends_on_size_and_time(tmp_path):
    path = written(tmp_path / "a", b"video")
    found = identity_of(path, "sampled")
    os.utime(path, ns=(10**18, 10**18 + 1))
    assert not is_same(path, found)
    written(path, b"video ")
    assert not is_same(path, found)
    assert identity_of(written(path, b""), "sampled") != found


def test_one_kind_is_never_taken_for_the_other(tmp_path):
    path = written(tmp_path / "a", b"video")
    content, sampled = identity_of(path), identity_of(path, "sampled")
    assert content not in sampled
    assert is_same(path, content)
    assert is_same(path, sampled)
    assert not is_same(path, content.replace(content[:2], "xx"))
    assert not is_same(tmp_path / "absent", content)
    assert not is_same(path, "")


def test_an_unknown_kind_and_no_regular_file(tmp_path):
    with pytest.raises(ValueError, match="identity='name': expected content or sampled"):
        identity_of(tmp_path, "name")
    os.mkfifo(tmp_path / "pipe")
    for kind in ("content", "sampled"):
        with pytest.raises(OSError, match="regular file"):
            identity_of(tmp_path / "pipe", kind)


def test_what_is_remembered_is_what_was_seen_first(tmp_path):
    path = written(tmp_path / "a", b"one")
    job, fresh = Identities(remember=True), Identities()
    first = job.first(path)
    written(path, b"two")
    assert job.first(path) == first != job.now(path)
    assert fresh.first(path) == job.now(path)


def test_ahead_keeps_the_order_and_works_in_several_threads():
    met = threading.Barrier(2, timeout=30)

    def work(number):
        if number < 2:
            met.wait()  # both are in work at once
        return number * number

    assert list(ahead(range(50), work, threads=2)) == [(one, one * one) for one in range(50)]


def test_ahead_takes_few_items_and_stops_early():
    taken, done = [], []

    def items():
        for number in range(1000):
            taken.append(number)
            yield number

    following = ahead(items(), done.append, threads=2)
    next(following)
    assert len(taken) <= 4
    following.close()
    assert len(done) <= 4
    with pytest.raises(ZeroDivisionError):
        list(ahead([1, 0], lambda one: 1 / one))


def test_hashes_of_a_database(tmp_path):
    for name in ("a", "b"):
        written(tmp_path / name, name.encode())
    videos = tuple(VideoRecord(name, tmp_path / name, 3.0) for name in ("b", "absent", "a"))
    database = Database("mine", (1, 5), videos)
    found = hashes_of(database, Identities("sampled"))
    assert list(found) == ["b", "absent", "a"]
    assert found["absent"] == ""
    assert found["a"] == identity_of(Path(tmp_path / "a"), "sampled") != found["b"]
