"""Local files for names: in order, ahead of their use, with faults in their places."""

import threading

import pytest

from tests.stores import tar_of
from vqa.databases.file_records import as_records
from vqa.remote import objects
from vqa.remote import scratch as module
from vqa.remote.addresses import InTar
from vqa.remote.fetching import AHEAD, LocalFiles, state_of
from vqa.remote.scratch import release
from vqa.remote.tars import member


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The scratch folder of this process; it must be empty at the end."""
    monkeypatch.setattr(objects, "WAIT_S", 0.001)
    monkeypatch.setattr(module, "_OWN", {})
    monkeypatch.setenv("VQA_SCRATCH", str(tmp_path / "scratch"))
    yield tmp_path / "scratch"
    for one in module._OWN.values():
        one.remove()


def copies(folder):
    return [path.name for path in folder.rglob("*-*.*")]


def test_names_come_in_order_with_faults_in_place(folder, web, tmp_path):
    web.files |= {f"/{number}.mp4": b"x" * number for number in range(12)}
    (tmp_path / "x.tar").write_bytes(tar_of({"a.mp4": b"in a tar"}))
    in_tar = member(str(tmp_path / "x.tar"), "a.mp4")
    changed = InTar(in_tar.tar, "b.mp4", in_tar.offset, in_tar.size)
    names = [
        "local.mp4", *(web.address(f"/{number}.mp4?token=1") for number in range(12)),
        web.address("/none.mp4?token=1"), in_tar.address, changed.address, "other.mp4",
    ]  # fmt: skip
    files = LocalFiles(names)
    found = []
    for one in files:
        found.append(one)
        if not one.fault and one.path.exists():
            assert len(one.path.read_bytes()) in (len(found) - 2, 8)
            release(one.path)
    files.close()
    assert [one.name for one in found] == [
        "local.mp4", *(web.address(f"/{number}.mp4") for number in range(12)),
        web.address("/none.mp4"), f"{tmp_path}/x.tar/a.mp4", f"{tmp_path}/x.tar/b.mp4",
        "other.mp4",
    ]  # fmt: skip
    assert [number for number, one in enumerate(found) if one.fault] == [13, 15]
    assert found[13].fault == f"no such file: {web.address('/none.mp4')}"
    assert found[3].state == state_of(names[3])
    assert found[0].state == found[14].state == state_of(in_tar.address) == ""
    assert copies(folder) == []


def test_copies_run_ahead_no_further_than_they_may(folder, web):
    web.files["/a.mp4"] = b"content"
    taken = []

    def names():
        for number in range(100):
            taken.append(number)
            yield web.address(f"/a.mp4?{number}")

    files = LocalFiles(names())
    next(iter(files))
    files.close()
    assert len(taken) <= AHEAD + 3


def test_a_bounded_folder_still_serves_every_file_in_order(folder, web, monkeypatch):
    monkeypatch.setattr(module, "WAIT_S", 0.005)
    monkeypatch.setenv("VQA_SCRATCH_GB", "0.0000001")  # a hundred bytes
    web.files |= {f"/{number}.mp4": b"x" * (40 + 30 * number) for number in range(5)}
    files = LocalFiles(web.address(f"/{number}.mp4") for number in range(5))
    for number, one in enumerate(files):
        assert one.path.stat().st_size == 40 + 30 * number
        assert sum(path.stat().st_size for path in folder.rglob("*.mp4")) <= 200
        release(one.path)


def test_one_name_twice_is_one_record_and_one_copy(folder, web):
    web.files["/a.mp4"] = b"content"
    names = [web.address("/a.mp4?token=1"), web.address("/a.mp4?token=2")]
    (record,) = as_records(LocalFiles(names))
    assert (record.id, record.path.read_bytes()) == (web.address("/a.mp4"), b"content")
    assert len(copies(folder)) == 1


def test_an_error_of_the_names_reaches_the_reader_and_a_waiting_reader_can_be_ended(folder, web):
    web.files["/a.mp4"] = b"content"

    def failing():
        yield web.address("/a.mp4")
        raise LookupError("names")

    with pytest.raises(LookupError, match="names"):
        list(LocalFiles(failing()))
    waits = threading.Event()

    def endless():
        yield web.address("/a.mp4")
        waits.wait(10)

    files = LocalFiles(endless())
    read = []
    thread = threading.Thread(target=lambda: read.extend(files))
    thread.start()
    while not read:
        thread.join(0.01)
    files.close()
    thread.join(5)
    waits.set()
    assert not thread.is_alive()
