"""The journal: what is known is not read again, whatever moment a kill came at."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from tests.clips import write_clip
from tests.places import ROOT
from vqa.commands.doctor import survey as module
from vqa.commands.doctor.survey import survey
from vqa.databases.records import VideoRecord


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    paths = [write_clip(folder / f"{i}.mp4", 8 + i, size=(64, 48)) for i in range(4)]
    return [VideoRecord(path.name, path, 3.0) for path in paths]


@pytest.fixture
def examined(monkeypatch):
    """Ids in the order in which files were really examined."""
    seen = []
    examine = module.examine

    def counted(video, *args, **options):
        seen.append(video.id)
        return examine(video, *args, **options)

    monkeypatch.setattr(module, "examine", counted)
    return seen


def look(videos, journal, **options):
    return survey(videos, journal, **{"time_limit_s": 30, "progress": False, **options})


def test_facts(videos, tmp_path):
    fact = look(videos, tmp_path / "j.jsonl")["2.mp4"]
    data = videos[2].path.read_bytes()
    assert (fact.bytes, fact.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert (fact.width, fact.height, fact.frames, fact.codec) == (64, 48, 10, "h264")
    assert (fact.frame_rate_hz, fact.duration_s) == (30, pytest.approx(10 / 30))
    assert (fact.error, fact.decoded, fact.frames_decoded) == (None, False, None)
    assert fact.reader.startswith("pyav ")
    fact = look(videos, tmp_path / "j.jsonl", decode=True)["2.mp4"]
    assert (fact.decoded, fact.frames_decoded) == (True, 10)


def test_a_second_survey_reads_nothing(videos, tmp_path, examined):
    first = look(videos, tmp_path / "j.jsonl")
    assert len(examined) == 4
    assert look(videos, tmp_path / "j.jsonl") == first
    assert len(examined) == 4


def test_decoding_is_asked_for_once(videos, tmp_path, examined):
    look(videos, tmp_path / "j.jsonl")
    decoded = look(videos, tmp_path / "j.jsonl", decode=True)
    assert len(examined) == 8
    assert look(videos, tmp_path / "j.jsonl", decode=True) == decoded
    assert look(videos, tmp_path / "j.jsonl") == decoded  # more is known than was asked
    assert len(examined) == 8


def test_wherever_the_journal_is_torn_the_rest_counts(videos, tmp_path, examined):
    journal = tmp_path / "j.jsonl"
    whole = look(videos, journal)
    data = journal.read_bytes()
    lines = data.splitlines(keepends=True)
    for length in (0, 1, len(lines[0]) - 1, len(lines[0]), len(lines[0]) + 40, len(data) - 1):
        journal.write_bytes(data[:length])
        del examined[:]
        assert look(videos, journal) == whole
        entries = [line.rstrip(b"\n") for line in lines]
        known = sum(entry in data[:length].split(b"\n") for entry in entries)
        assert len(examined) == 4 - known
        del examined[:]
        assert look(videos, journal) == whole
        assert examined == []


def test_lines_of_another_make_are_passed_over(videos, tmp_path, examined):
    journal = tmp_path / "j.jsonl"
    whole = look(videos, journal)
    lines = journal.read_text().splitlines()
    entry = json.loads(lines[0])
    entry["facts"]["weight_kg"] = 1
    strange = [b"\xff\xfe", b"[]", b"{}", b"7", json.dumps(entry).encode(), b"[" * 100000]
    strange += [lines[1].replace('"frames": 9', '"frames": 8').encode()]
    assert lines[1].encode() != strange[-1]
    journal.write_bytes(b"\n".join(strange) + b"\n")
    assert look(videos, journal) == whole
    assert len(examined) == 8


def test_a_changed_file_and_another_way_of_reading_are_new(tmp_path, examined):
    path = write_clip(tmp_path / "a.mp4", 5, size=(64, 48))
    video = VideoRecord("a.mp4", path, 3.0)
    journal = tmp_path / "j.jsonl"
    before = look([video], journal)
    write_clip(path, 6, size=(64, 48))
    after = look([video], journal)
    assert (before["a.mp4"].frames, after["a.mp4"].frames) == (5, 6)
    os.utime(path, ns=(1, 1))
    assert look([video], journal) == after
    look([video], journal, reader="pyav")
    assert len(examined) == 4
    raw = VideoRecord("r.yuv", tmp_path / "r.yuv", 3.0, width=4, height=4)
    raw.path.write_bytes(bytes(4 * 4 * 3 // 2 * 7))
    assert look([raw], journal)["r.yuv"].frames == 7
    wider = VideoRecord("r.yuv", raw.path, 3.0, width=28, height=4)
    assert look([wider], journal)["r.yuv"].frames == 1


def test_a_change_with_the_old_size_and_time_is_noticed(tmp_path):
    path = write_clip(tmp_path / "a.mp4", 5, size=(64, 48))
    video = VideoRecord("a.mp4", path, 3.0)
    before = look([video], tmp_path / "j.jsonl")["a.mp4"]
    state = path.stat()
    data = bytearray(path.read_bytes())
    data[-20] ^= 255
    path.write_bytes(data)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (state.st_size, state.st_mtime_ns)
    after = look([video], tmp_path / "j.jsonl")["a.mp4"]
    assert after.sha256 == hashlib.sha256(data).hexdigest() != before.sha256


def test_a_file_that_changes_while_it_is_read_is_examined_again(videos, tmp_path, monkeypatch):
    path = tmp_path / "a.mp4"
    path.write_bytes(videos[0].path.read_bytes())
    video = VideoRecord("a.mp4", path, 3.0)
    examine = module.examine

    def disturbed(video, *args, **options):
        fact = examine(video, *args, **options)
        path.write_bytes(videos[1].path.read_bytes())
        return fact

    with monkeypatch.context() as patch:
        patch.setattr(module, "examine", disturbed)
        fact = look([video], tmp_path / "j.jsonl")["a.mp4"]
    assert fact.error == "changed while it was read; rerun the check"
    assert look([video], tmp_path / "j.jsonl")["a.mp4"].frames == 9


def test_files_that_cannot_be_read_cost_themselves(videos, tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "loop.mp4").symlink_to("loop.mp4")
    (tmp_path / "nowhere.mp4").symlink_to("gone.mp4")
    names = ["pipe.mp4", "loop.mp4", "nowhere.mp4", "x" * 300 + ".mp4", "pipe.mp4/a.mp4"]
    odd = [VideoRecord(name, tmp_path / name, 3.0) for name in names]
    found = look([*odd, videos[0]], tmp_path / "j.jsonl")
    assert {key: fact.error for key, fact in found.items()} == {
        "pipe.mp4": "cannot be read: not a regular file",
        "loop.mp4": "cannot be read: Too many levels of symbolic links",
        "x" * 300 + ".mp4": "cannot be read: File name too long",
        "0.mp4": None,
    }

    def refused(*_):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(module, "content_hash", refused)
        fact = look([videos[1]], tmp_path / "j.jsonl")["1.mp4"]
    assert fact.error == "cannot be read: Permission denied"
    assert look([videos[1]], tmp_path / "j.jsonl")["1.mp4"].error is None


def test_early_frames_are_hashed_and_the_journal_keeps_them(tmp_path):
    video = VideoRecord("a.mp4", write_clip(tmp_path / "a.mp4", 20), 3.0)
    fact = look([video], tmp_path / "j.jsonl")["a.mp4"]
    assert [len(text) for text in fact.likeness] == [0, 64, 64]  # the first one is dim
    assert look([video], tmp_path / "j.jsonl")["a.mp4"] == fact


def test_absent_files_have_no_facts(videos, tmp_path):
    gone = VideoRecord("gone.mp4", tmp_path / "gone.mp4", 3.0)
    (tmp_path / "folder.mp4").mkdir()
    folder = VideoRecord("folder.mp4", tmp_path / "folder.mp4", 3.0)
    assert set(look([gone, folder, videos[0]], tmp_path / "j.jsonl")) == {"0.mp4"}


def test_a_hang_is_an_error_that_a_longer_wait_may_mend(videos, tmp_path):
    journal = tmp_path / "j.jsonl"
    hung = look(videos[:1], journal, time_limit_s=1e-9)["0.mp4"]
    assert "time limit" in hung.error
    assert look(videos[:1], journal, time_limit_s=1e-9)["0.mp4"] == hung
    assert look(videos[:1], journal)["0.mp4"].error is None


def test_a_failing_disk_is_tried_again(videos, tmp_path, monkeypatch):
    def failing(*_, **__):
        raise OSError(5, "Input/output error")

    journal = tmp_path / "j.jsonl"
    with monkeypatch.context() as patch:
        patch.setattr(module, "examine", failing)
        fact = look(videos[:1], journal)["0.mp4"]
    assert fact.error == "cannot be read: Input/output error"
    assert look(videos[:1], journal)["0.mp4"].error is None


@pytest.mark.slow
def test_survives_kill_9(videos, tmp_path, examined):
    whole = look(videos, tmp_path / "whole.jsonl")
    journal = tmp_path / "broken.jsonl"
    code = """
import sys, time
from pathlib import Path
from vqa.commands.doctor import survey as module
from vqa.databases.records import VideoRecord
examine = module.examine
def hanging_at_the_third(video, *args, **options):
    if video.id == "2.mp4":
        time.sleep(600)
    return examine(video, *args, **options)
module.examine = hanging_at_the_third
videos = [VideoRecord(Path(name).name, Path(name), 3.0) for name in sys.argv[2:]]
module.survey(videos, sys.argv[1], progress=False)
"""
    command = [sys.executable, "-c", code, str(journal), *(str(video.path) for video in videos)]
    process = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
    deadline = time.monotonic() + 120
    while _lines(journal) < 2 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert _lines(journal) == 2
    del examined[:]
    assert look(videos, journal) == whole
    assert examined == ["2.mp4", "3.mp4"]


def _lines(path):
    return path.read_bytes().count(b"\n") if path.is_file() else 0


def test_as_many_files_as_cores_are_examined_at_once(videos, tmp_path, monkeypatch):
    whole = survey(videos, tmp_path / "one.jsonl", progress=False)
    met, examine = threading.Barrier(2, timeout=60), module.examine

    def examine_together(video, decoder, *, decode):
        met.wait()  # two are in work
        return examine(video, decoder, decode=decode)

    monkeypatch.setattr(module, "examine", examine_together)
    monkeypatch.setattr(module, "_lanes", lambda files: 2)
    found = survey(videos, tmp_path / "two.jsonl", progress=False)
    assert found == whole
    assert list(found) == [video.id for video in videos]
