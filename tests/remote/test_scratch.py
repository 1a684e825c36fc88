"""The scratch folder: its bound, what waits for room, and what killed processes leave."""

import fcntl
import threading

import pytest

from vqa.remote import scratch as module
from vqa.remote.objects import FetchError
from vqa.remote.scratch import LOCK, Scratch, is_copy, release, scratch


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "WAIT_S", 0.01)
    return tmp_path / "scratch"


def test_copies_have_room_and_are_removed(root):
    one = Scratch(root, 100)
    path = one.reserve(60, ".mp4")
    assert path.suffix == ".mp4"
    assert root.stat().st_mode & 0o777 == 0o700
    assert one.reserve(40, "./../x").parent == one.folder
    other = root / "other.mp4"
    other.touch()
    one.release(other)
    assert other.exists()
    one.release(path)
    assert not path.exists()
    one.remove()
    assert not one.folder.exists()


def test_a_full_folder_lets_others_wait_but_never_for_ever(root):
    one, other = Scratch(root, 100), Scratch(root, 100)
    held = one.reserve(500, "")  # larger than everything: the only copy of its process
    first = other.reserve(10, "")  # each process has one
    taken = []
    thread = threading.Thread(target=lambda: taken.append(other.reserve(10, "")))
    thread.start()
    thread.join(0.1)
    assert not taken
    one.release(held)
    thread.join(5)
    assert len(taken) == 1
    with pytest.raises(FetchError, match="stopped"):
        other.reserve(1000, "", is_stopped=lambda: True)
    other.release(first)
    for each in (one, other):
        each.remove()


def test_only_what_dead_processes_left_is_removed(root):
    alive = Scratch(root, 100)
    kept = alive.reserve(1, "")
    for name in ("7-dead", "8-without-lock"):
        (root / name).mkdir()
        (root / name / "0-9.mp4").touch()
    (root / "7-dead" / LOCK).touch()
    (root / "9-alive").mkdir()
    with (root / "9-alive" / LOCK).open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        Scratch(root, 100).remove()
        assert {path.name for path in root.iterdir()} == {LOCK, "9-alive", alive.folder.name}
    assert kept.exists()
    alive.remove()


def test_the_environment_names_folder_and_size(root, monkeypatch):
    monkeypatch.setattr(module, "_OWN", {})
    monkeypatch.setenv("VQA_SCRATCH", str(root))
    monkeypatch.setenv("VQA_SCRATCH_GB", "much")
    with pytest.raises(FetchError, match="VQA_SCRATCH_GB=much: expected a number"):
        scratch()
    monkeypatch.setenv("VQA_SCRATCH_GB", "0.5")
    one = scratch()
    assert (one.root, one.most_bytes, scratch()) == (root, 5 * 10**8, one)
    path = one.reserve(1, "")
    assert is_copy(path)
    release(path)
    assert not path.exists()
    one.remove()
    (root.parent / "link").symlink_to(root)
    monkeypatch.setattr(module, "_OWN", {})
    monkeypatch.setenv("VQA_SCRATCH", str(root.parent / "link"))
    with pytest.raises(FetchError, match="not a folder of yours"):
        scratch()
