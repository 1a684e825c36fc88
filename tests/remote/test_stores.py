"""Folders of files that are written in one step: local, in memory, on an S3 server."""

import os
import sys
from importlib import import_module

import pytest

from vqa.remote.stores import Store


@pytest.fixture
def bucket(store):
    """The address of a bucket on an S3 server."""
    store.mkdir("stores")
    yield "s3://stores"
    store.rm("stores", recursive=True)


@pytest.fixture(params=["local", "memory", "s3"])
def place(request, tmp_path):
    if request.param == "local":
        return str(tmp_path / "scores")
    if request.param == "memory":
        return f"memory://{tmp_path.name}/scores"
    return f"{request.getfixturevalue('bucket')}/scores"


def test_files_are_written_listed_read_and_removed(place):
    store = Store(place)
    assert store.names() == {}
    assert not store.exists("a")
    store.write("a", b"one")
    store.write("b", b"")
    store.write("a", b"other")
    assert store.names() == {"a": 5, "b": 0}
    assert store.exists("a")
    assert Store(place).read("a") == b"other"
    with pytest.raises(FileNotFoundError):
        store.read("c")
    store.remove("a")
    store.remove("a")
    assert store.names() == {"b": 0}


def test_a_vanished_bucket_is_one_line(bucket):
    store = Store("s3://gone/scores")
    assert store.names() == {}
    with pytest.raises(OSError, match=r"s3://gone/scores: cannot write files there.*bucket exists"):
        store.write("a", b"one")


def test_a_local_file_is_whole_or_absent(tmp_path, monkeypatch):
    store = Store(tmp_path)
    store.write("a", b"one")

    def broken(*_):
        raise OSError(28, "no room")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="no room"):
        store.write("a", b"other")
    assert {one.name for one in tmp_path.iterdir()} == {"a"}
    assert store.read("a") == b"one"


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(import_module("fsspec.registry")._registry, "s3", raising=False)
    with pytest.raises(ValueError, match=r"s3://b/scores: .* package .* pip install 'vqa\[s3\]'"):
        Store("s3://b/scores")
    with pytest.raises(ValueError, match=r"what://b: expected a path or an address"):
        Store("what://b")


def test_secrets_of_a_url_are_not_shown():
    assert Store("memory://me:word@host/scores").name == "memory://host/scores"
