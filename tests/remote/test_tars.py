"""Files in tars: found by their headers, read in place, and what a broken tar costs."""

import hashlib
import io
import tarfile

import pytest

from tests.stores import tar_of
from vqa.remote import tars
from vqa.remote.addresses import InTar
from vqa.remote.objects import FetchError
from vqa.remote.tars import content_hash, extract, member, members, split

LONG = "deep/" + "n" * 150 + ".mp4"
FILES = {"a.mp4": b"first" * 200, "a.json": b"{}", LONG: b"second", "ä.mp4": b"third"}


@pytest.fixture
def tar(tmp_path):
    (tmp_path / "x.tar").write_bytes(tar_of(FILES))
    return tmp_path / "x.tar"


def read(tar, found, tmp_path):
    extract(InTar(str(tar), found.name, found.offset, found.size), tmp_path / "copy")
    return (tmp_path / "copy").read_bytes()


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_files_are_found_and_read(tmp_path, form):
    path = tmp_path / "x.tar"
    path.write_bytes(tar_of(FILES, format=form))
    found = list(members(str(path)))
    assert [one.name for one in found] == list(FILES)
    assert not any(one.fault for one in found)
    assert [read(path, one, tmp_path) for one in found] == list(FILES.values())
    place = member(str(path), LONG)
    assert content_hash(place) == hashlib.sha256(b"second").hexdigest()
    with pytest.raises(FetchError, match="no file none"):
        member(str(path), "none")


def test_in_a_store_and_on_a_web_server(store, web, tmp_path):
    store.mkdir("tars")
    store.pipe("tars/x.tar", tar_of(FILES))
    web.files["/x.tar"] = tar_of(FILES)
    for tar in ("s3://tars/x.tar", web.address("/x.tar?token=1")):
        found = list(members(tar))
        assert [one.name for one in found] == list(FILES)
        assert [read(tar, one, tmp_path) for one in found] == list(FILES.values())
    web.files["/x.tar"] = tar_of({f"{number}.mp4": b"a" * 2000 for number in range(50)})
    web.asked.clear()
    found = list(members(web.address("/x.tar")))
    assert (len(found), len(web.asked)) == (50, 3)  # two looks, and one read of all headers
    read(web.address("/x.tar"), found[7], tmp_path)
    assert len(web.asked) == 4
    web.ranges, web.files["/x.tar"] = False, tar_of({"a.mp4": bytes(10**6)})
    with pytest.raises(FetchError, match="parts of files"):
        list(members(web.address("/x.tar")))
    store.rm("tars", recursive=True)


def faults(data, tmp_path):
    (tmp_path / "broken.tar").write_bytes(data)
    return [(one.name, one.fault) for one in members(str(tmp_path / "broken.tar"))]


def test_a_broken_tar_costs_what_follows_the_break(tmp_path):
    data = tar_of({"a.mp4": b"a" * 1000, "b.mp4": b"b" * 1000, "c.mp4": b"c" * 1000})
    block = 512 + 1024
    cut_in_b = faults(data[: block + 600], tmp_path)
    assert cut_in_b == [
        ("a.mp4", ""), ("b.mp4", "the tar breaks off in this file"),
        ("", "the tar breaks off after byte 1,536 of 2,136"),
    ]  # fmt: skip
    assert faults(data[: 2 * block], tmp_path)[2][1].startswith("the tar breaks off")  # no end
    damaged = data[:block] + b"\xff" * 512 + data[block + 512 :]
    assert faults(damaged, tmp_path)[0] == ("a.mp4", "")
    assert faults(damaged, tmp_path)[1][1] == "the tar breaks off after byte 1,536 of 10,240"
    for other in (b"", b"no tar" * 300, b"\x1f\x8b" + bytes(600)):
        assert faults(other, tmp_path) == [("", "not an uncompressed tar")]


def test_links_are_no_files_and_folders_are_nothing(tmp_path):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, kind in (("deep", tarfile.DIRTYPE), ("l.mp4", tarfile.SYMTYPE)):
            one = tarfile.TarInfo(name)
            one.type, one.linkname = kind, "/etc/passwd"
            tar.addfile(one)
    (found,) = faults(data.getvalue(), tmp_path)
    assert found[0] == "l.mp4"
    assert "link" in found[1]


def test_a_hostile_header_takes_no_memory(tmp_path):
    one = tarfile.TarInfo("pax")
    one.type, one.size = tarfile.XHDTYPE, 2**40
    assert faults(one.tobuf() + bytes(2048), tmp_path) == [("", "not an uncompressed tar")]


def test_a_tar_that_changed_gives_no_other_file(tar, tmp_path):
    found = list(members(str(tar)))
    tar.write_bytes(tar_of({"b.mp4": b"x" * 1000, **FILES}))
    with pytest.raises(FetchError, match="changed since"):
        read(tar, found[0], tmp_path)
    assert member(str(tar), "a.mp4").offset != found[0].offset  # what is remembered is renewed
    tar.write_bytes(tar_of(FILES)[:700])
    with pytest.raises(FetchError, match="changed since"):
        read(tar, found[0], tmp_path)


def test_places_in_tars():
    assert split("/data/x.tar/deep/a.mp4") == ("/data/x.tar", "deep/a.mp4")
    assert split("/data/x.tar") is split("/data/x.tar/") is split("a.mp4") is None
    assert tars.SUFFIX == ".tar"
