"""The decoder in a child process."""

import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from tests import clips
from tests.clips import FRAMES, numbers
from vqa.video import RawFormat, VideoError, probe, stream_frames
from vqa.video.decoder import FrameDecoder


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return clips.write_clip(tmp_path_factory.mktemp("clips") / "clip.mp4")


@pytest.fixture(scope="module")
def shared():
    """One decoder for all tests that leave it intact."""
    with FrameDecoder(chunk_frames=7) as decoder:
        yield decoder


def running(pid):
    """Whether a process still runs (a zombie does not)."""
    with contextlib.suppress(FileNotFoundError):
        return (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0]
            != "Z"
        )
    return False


def ends(pid, within_s=10.0):
    """Whether a process ends in that time."""
    limit_s = time.monotonic() + within_s
    while running(pid) and time.monotonic() < limit_s:
        time.sleep(0.02)
    return not running(pid)


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc here")


@pytest.mark.parametrize("indices", [None, [0, 0, 3, 20, 20, 49], np.arange(0, 50, 2), []])
def test_chunks_equal_those_of_stream_frames(shared, clip, indices):
    here = list(stream_frames(clip, indices, chunk_frames=7))
    there = list(shared.stream(clip, indices))
    assert [len(chunk) for chunk in there] == [len(chunk) for chunk in here]
    assert all(np.array_equal(a, b) for a, b in zip(here, there, strict=True))
    assert all(chunk.flags.owndata and chunk.flags.writeable for chunk in there)


def test_kinds_of_files_and_sizes(shared, tmp_path):
    paths = [
        clips.write_clip(tmp_path / "a.avi", 20),
        clips.write_clip(tmp_path / "b.mp4", 9, size=(640, 352)),
        clips.write_clip(tmp_path / "c.ts", 8),
        clips.write_clip(tmp_path / "d.mkv", 3, rotation=0, size=(320, 240)),
        clips.write_clip(tmp_path / "e.mp4", 1),
    ]
    for path in paths * 2:
        info = shared.probe(path)
        assert info.frames == probe(path).frames
        frames = np.concatenate(list(shared.stream(path, info=info)))
        assert numbers(frames) == list(range(info.frames))


def test_raw(shared, tmp_path):
    truth = clips.write_raw(tmp_path / "clip.yuv", 12, (128, 96), "yuv420p")
    raw = RawFormat(128, 96)
    assert shared.probe(tmp_path / "clip.yuv", raw).frames == 12
    frames = np.concatenate(list(shared.stream(tmp_path / "clip.yuv", raw=raw)))
    assert np.array_equal(frames, truth)


def test_many_videos_by_one_process(shared, clip):
    shared.probe(clip)
    pid = shared.pid
    for _ in range(40):
        assert sum(len(chunk) for chunk in shared.stream(clip)) == FRAMES
    assert shared.pid == pid


def test_the_caller_may_keep_chunks(shared, clip):
    chunks = list(shared.stream(clip))
    assert numbers(np.concatenate(chunks)) == list(range(FRAMES))


def test_stopping_early(shared, clip):
    shared.probe(clip)
    pid = shared.pid
    for taken in range(1, 9):
        for number, chunk in enumerate(shared.stream(clip)):
            assert numbers(chunk)[0] == 7 * number
            if number + 1 == taken:
                break
    assert numbers(next(shared.stream(clip, [31]))) == [31]
    assert shared.pid == pid


def test_a_later_stream_ends_the_one_before(shared, clip):
    first = shared.stream(clip)
    next(first)
    assert sum(len(chunk) for chunk in shared.stream(clip)) == FRAMES
    with pytest.raises(RuntimeError, match="ended by a later one"):
        next(first)
    second = shared.stream(clip)
    next(second)
    assert shared.probe(clip).frames == FRAMES
    with pytest.raises(RuntimeError, match="ended by a later one"):
        next(second)


def test_errors_of_the_file_reach_the_caller(shared, clip, tmp_path):
    shared.probe(clip)
    pid = shared.pid
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(clip.read_bytes())
    clips.damage(bad)
    with pytest.raises(VideoError) as here:
        list(stream_frames(bad))
    with pytest.raises(VideoError) as there:
        list(shared.stream(bad))
    assert str(there.value) == str(here.value)
    assert there.value.frames > 7
    with pytest.raises(VideoError, match="no such file"):
        shared.probe(tmp_path / "missing.mp4")
    with pytest.raises(ValueError, match="outside"):
        shared.stream(clip, [FRAMES])
    assert sum(len(chunk) for chunk in shared.stream(clip)) == FRAMES
    assert shared.pid == pid


def test_an_unexpected_error_names_the_file(shared, clip):
    info = probe(clip)
    with pytest.raises(VideoError, match="RawFormat") as caught:
        list(shared.stream(clip, info=dataclasses.replace(info, container="rawvideo")))
    assert caught.value.path == clip
    assert sum(len(chunk) for chunk in shared.stream(clip)) == FRAMES


@needs_proc
def test_a_hanging_decoder_is_killed_at_the_time_limit(clip):
    with FrameDecoder(chunk_frames=4) as decoder:
        decoder.probe(clip)  # starting the process counts too
        decoder.time_limit_s = 0.7
        stream = decoder.stream(clip)
        assert numbers(next(stream)) == [0, 1, 2, 3]
        pid = decoder.pid
        os.kill(pid, signal.SIGSTOP)
        start_s = time.monotonic()
        with pytest.raises(VideoError, match=r"time limit of 0\.7 s") as caught:
            list(stream)
        assert time.monotonic() - start_s < 3
        assert caught.value.frames in range(4, 13)
        assert ends(pid)
        decoder.time_limit_s = 30.0
        assert sum(len(chunk) for chunk in decoder.stream(clip)) == FRAMES
        assert decoder.pid != pid


@needs_proc
def test_stopping_a_hanging_stream(clip, monkeypatch):
    monkeypatch.setattr("vqa.video.decoder.ABANDON_LIMIT_S", 0.3)
    with FrameDecoder(chunk_frames=4) as decoder:
        stream = decoder.stream(clip)
        next(stream)
        pid = decoder.pid
        os.kill(pid, signal.SIGSTOP)
        stream.close()
        assert ends(pid)
        assert sum(len(chunk) for chunk in decoder.stream(clip)) == FRAMES


def test_only_waiting_counts_for_the_time_limit(clip):
    with FrameDecoder(time_limit_s=1.0, chunk_frames=10) as decoder:
        decoder.time_limit_s = 30.0
        decoder.probe(clip)  # starting the process counts too
        decoder.time_limit_s = 1.0
        frames = 0
        for chunk in decoder.stream(clip):
            frames += len(chunk)
            time.sleep(0.3)
        assert frames == FRAMES


@needs_proc
@pytest.mark.parametrize("end", [signal.SIGSEGV, signal.SIGKILL])
def test_a_crash_is_an_error_of_that_video(clip, end):
    with FrameDecoder(chunk_frames=4) as decoder:
        stream = decoder.stream(clip)
        next(stream)
        os.kill(decoder.pid, end)
        with pytest.raises(VideoError, match=f"signal {end.name}") as caught:
            list(stream)
        assert caught.value.path == clip
        assert caught.value.frames in range(4, 13)
        assert sum(len(chunk) for chunk in decoder.stream(clip)) == FRAMES
        os.kill(decoder.pid, end)  # between two videos, so it is an error of neither
        decoder._child.process.wait()
        assert decoder.probe(clip).frames == FRAMES


@needs_proc
def test_a_crash_between_two_requests(clip):
    with FrameDecoder(chunk_frames=4) as decoder:
        stream = decoder.stream(clip)
        next(stream)
        os.kill(decoder.pid, signal.SIGKILL)
        decoder._child.process.wait()
        stream.close()
        assert sum(len(chunk) for chunk in decoder.stream(clip)) == FRAMES


@needs_proc
def test_close_ends_the_process_and_its_memory(clip):
    before = {path.name for path in Path("/proc/self/fd").iterdir()}
    decoder = FrameDecoder()
    list(decoder.stream(clip))
    pid = decoder.pid
    decoder.close()
    assert not running(pid)
    assert decoder.pid is None
    assert {path.name for path in Path("/proc/self/fd").iterdir()} == before
    assert decoder.probe(clip).frames == FRAMES
    decoder.close()
    decoder.close()


PARENT = """
    import sys, time
    from vqa.video.decoder import FrameDecoder
    decoder = FrameDecoder(chunk_frames=4)
    stream = decoder.stream(sys.argv[1])
    next(stream)
    print(decoder.pid, flush=True)
    time.sleep(60)
"""


@needs_proc
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_the_child_ends_with_its_parent(clip, end):
    command = [sys.executable, "-c", textwrap.dedent(PARENT), str(clip)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as parent:
        pid = int(parent.stdout.readline())
        assert running(pid)
        parent.send_signal(end)
        assert ends(pid)
        assert parent.stderr.read() == b""


def grey(index, width, height):
    return np.full((height, width, 3), index, np.uint8)


@needs_proc
def test_memory_stays_bounded(tmp_path):
    path = clips.write_clip(
        tmp_path / "large.mp4",
        31,
        size=(1920, 1080),
        options={"preset": "ultrafast"},
        picture=grey,
    )
    with FrameDecoder() as decoder:
        lengths = [len(chunk) for chunk in decoder.stream(path)]
        status = Path(f"/proc/{decoder.pid}/status").read_text(encoding="utf-8")
    assert lengths == [5, 5, 5, 5, 5, 5, 1]
    peak_kb = int(status.split("VmHWM:")[1].split()[0])
    assert peak_kb < 250_000


def test_decord_in_the_child(clip):
    pytest.importorskip("decord", reason="decord is not installed")
    with FrameDecoder(reader="decord") as decoder:
        there = np.concatenate(list(decoder.stream(clip)))
    assert np.array_equal(there, np.concatenate(list(stream_frames(clip))))


def test_invalid_settings():
    with pytest.raises(ValueError, match="opencv"):
        FrameDecoder(reader="opencv")
    with pytest.raises(ValueError, match="positive"):
        FrameDecoder(time_limit_s=0)
    with pytest.raises(ValueError, match="at least 1"):
        FrameDecoder(chunk_frames=0)
