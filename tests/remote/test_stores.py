"""Folders of files that are written in one step: local, in memory, on an S3 server."""

import os

import pytest
from moto.server import ThreadedMotoServer

from vqa.remote.stores import Store


@pytest.fixture(scope="module")
def bucket():
    """An S3 server on loopback with one bucket."""
    with pytest.MonkeyPatch.context() as patch:
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        for name, value in (
            ("AWS_ENDPOINT_URL", f"http://{host}:{port}"),
            ("AWS_ACCESS_KEY_ID", "key"),
            ("AWS_SECRET_ACCESS_KEY", "word"),
            ("AWS_DEFAULT_REGION", "us-east-1"),
        ):
            patch.setenv(name, value)
        import s3fs

        s3fs.S3FileSystem(skip_instance_cache=True).mkdir("bucket")
        yield "s3://bucket"
        server.stop()


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


def test_a_missing_package_is_named():
    with pytest.raises(
        ValueError, match=r"az://b/scores: az:// needs a package; pip install adlfs"
    ):
        Store("az://b/scores")
    with pytest.raises(ValueError, match=r"what://b: .*expected a folder, or a URL"):
        Store("what://b")


def test_secrets_of_a_url_are_not_shown():
    assert Store("memory://me:word@host/scores").name == "memory://host/scores"
