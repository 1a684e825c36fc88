"""Objects and web files: looked at, listed, copied, and every way in which that fails."""

import sys
from importlib import import_module

import pytest

from vqa.remote import objects
from vqa.remote.objects import FetchError, Object, copy, listed, look, parts, state_of, trying

pytestmark = pytest.mark.usefixtures("quick_retries")


@pytest.fixture
def bucket(store):
    store.mkdir("objects")
    for name in ("a.mp4", "deep/b.mp4", "deep/c.txt"):
        store.pipe(f"objects/{name}", name.encode())
    yield store
    store.rm("objects", recursive=True)


def test_a_store_says_size_and_version(bucket):
    one = look("s3://objects/a.mp4")
    assert (one.is_folder, one.size) == (False, 5)
    assert one.state.startswith("etag ")
    bucket.pipe("objects/a.mp4", b"other")
    assert look("s3://objects/a.mp4").state != one.state
    assert look("s3://objects/deep").is_folder
    assert look("s3://objects/deep/").is_folder


def test_folders_and_patterns_are_listed_once(bucket, monkeypatch):
    found = dict(listed("s3://objects"))
    assert list(found) == [f"s3://objects/{one}" for one in ("a.mp4", "deep/b.mp4", "deep/c.txt")]
    assert found["s3://objects/a.mp4"] == look("s3://objects/a.mp4")
    assert [name for name, _ in listed("s3://objects/*/*.mp4")] == ["s3://objects/deep/b.mp4"]
    with monkeypatch.context() as context:
        context.delattr(objects, "look")  # a listing is not asked for again, once
        assert state_of("s3://objects/a.mp4") == found["s3://objects/a.mp4"].state
    bucket.pipe("objects/a.mp4", b"other")
    assert state_of("s3://objects/a.mp4") != found["s3://objects/a.mp4"].state


def test_copies_are_whole_and_of_one_version(bucket, tmp_path, monkeypatch):
    path, address = tmp_path / "a.mp4", "s3://objects/a.mp4"
    before = look(address)
    copy(address, path, before)
    assert path.read_bytes() == b"a.mp4"
    assert b"".join(parts(address, 1, 3)) == b".mp"
    monkeypatch.setattr(objects, "CHUNK_BYTES", 2)
    assert list(parts(address, 1, 3)) == [b".m", b"p"]
    with pytest.raises(FetchError, match="did not send bytes"):
        list(parts(address, 4, 3))
    bucket.pipe("objects/a.mp4", b"newer")
    with pytest.raises(FetchError, match="changed while it was read"):
        copy(address, path, before)


def test_what_is_not_there_is_named(bucket):
    with pytest.raises(FetchError, match=r"no such file: s3://objects/none\.mp4$"):
        look("s3://objects/none.mp4")
    with pytest.raises(FetchError, match=r"none/a\.mp4 \(The specified bucket does not exist\)"):
        look("s3://none/a.mp4")
    with pytest.raises(FetchError, match="expected a path or an address that begins with s3://"):
        look("zip://a.mp4::s3://objects/x.zip")


@pytest.mark.parametrize(
    ("protocol", "package", "remedy"),
    [("s3", "s3fs", r"pip install 'vqa\[s3\]'"), ("gs", "gcsfs", "pip install gcsfs")],
)
def test_a_missing_package_is_named(protocol, package, remedy, monkeypatch):
    known = import_module("fsspec.registry")._registry
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(known, protocol, raising=False)
    with pytest.raises(FetchError, match=remedy):
        look(f"{protocol}://bucket/a.mp4")


def test_web_files(web, tmp_path):
    web.files["/a.mp4"] = b"content"
    address = web.address("/a.mp4?token=secret", user="me:word@")
    one = look(address)
    assert (one.is_folder, one.size) == (False, 7)
    assert "etag" in one.state
    copy(address, tmp_path / "a.mp4", one)
    assert (tmp_path / "a.mp4").read_bytes() == b"content"
    assert all("token=secret" in path for _, path in web.asked)
    assert b"".join(parts(address, 2, 3)) == b"nte"
    web.ranges = False
    with pytest.raises(FetchError, match="tar"):
        list(parts(address, 2, 3))


@pytest.mark.parametrize(
    ("codes", "cause"),
    [
        ([404] * 9, "no such file: {}$"),
        ([403] * 9, "no access to {}: check the credentials"),
        ([500] * 9, "the server answered 500 to {}$"),
        ([500] * 2, ""),  # HEAD, and GET instead; then the second try
        ([403], ""),  # an address that is signed for GET only
    ],
)
def test_errors_of_servers_are_worded_and_passing_ones_tried_again(web, codes, cause):
    web.files["/a.mp4"] = b"content"
    web.failing["/a.mp4"] = codes
    address = web.address("/a.mp4?token=secret", user="me:word@")
    if not cause:
        assert look(address).size == 7
        return
    with pytest.raises(FetchError, match=cause.format(web.address("/a.mp4"))) as error:
        look(address)
    assert "secret" not in str(error.value)
    assert "word" not in str(error.value)
    assert len(web.asked) == (6 if codes[0] == 500 else 2)


def test_no_server_is_one_line(web):
    web.stop()
    with pytest.raises(FetchError, match=r"cannot read http\S+/a\.mp4: ") as error:
        look(web.address("/a.mp4?token=secret"))
    assert "secret" not in str(error.value)
    assert "\n" not in str(error.value)
    web.__init__()


def test_only_errors_that_may_pass_are_tried_again():
    def failing(error):
        def act():
            tries.append(1)
            raise error

        tries.clear()
        with pytest.raises(FetchError):
            trying(act, "s3://bucket/a.mp4")
        return len(tries)

    tries = []
    for error in (TimeoutError("late"), ConnectionResetError(), RuntimeError("strange")):
        assert failing(error) == objects.TRIES
    for error in (FileNotFoundError(), PermissionError(), ValueError(), FetchError("said")):
        assert failing(error) == 1


def test_states_without_any_mark_are_empty():
    assert objects.described({"size": 3}) == Object(False, 3, "")
    assert objects.described({"size": None, "ETag": '"a"'}).state == ""
    assert objects.described({"size": 3, "mtime": 12.5}).state == "time 12.5, 3 bytes"
