"""Damaged and incomplete files."""

import contextlib
import pickle

import av
import numpy as np
import pytest

from tests import clips
from tests.clips import FRAGMENTS, FRAMES, VP9, numbers
from vqa.video import VideoError, probe, stream_frames


def all_frames(path, **options):
    return np.concatenate(list(stream_frames(path, **options)))


def noisy(name, **settings):
    return lambda folder: clips.damage(clips.write_clip(folder / name, **settings))


def written(data):
    def write(folder):
        (folder / "file.mp4").write_bytes(data)
        return folder / "file.mp4"

    return write


DAMAGED = {
    "cut, index in front": (
        lambda f: clips.cut(clips.write_clip(f / "a.mp4", muxer_options={"movflags": "faststart"})),
        "cut short",
        range(18, 30),
    ),
    "cut, index lost": (lambda f: clips.cut(clips.write_clip(f / "a.mp4")), "opened", [0]),
    "cut fragments": (
        lambda f: clips.cut(clips.write_clip(f / "a.mp4", muxer_options=FRAGMENTS)),
        "cut",
        range(18, 30),
    ),
    "cut Matroska": (lambda f: clips.cut(clips.write_clip(f / "a.mkv")), "cut", range(18, 30)),
    "cut WebM": (lambda f: clips.cut(clips.write_clip(f / "a.webm", **VP9)), "cut", range(20, 40)),
    "cut AVI": (lambda f: clips.cut(clips.write_clip(f / "a.avi")), "cut", range(18, 30)),
    "cut transport stream": (
        lambda f: clips.cut(clips.write_clip(f / "a.ts"), 0.58),
        "cut",
        range(18, 30),
    ),
    "noise in MP4": (noisy("a.mp4"), "decoded|damaged", range(18, 30)),
    "noise in Matroska": (noisy("a.mkv"), "damaged", range(18, 30)),
    "noise in AVI": (noisy("a.avi"), "damaged", range(8, 30)),
    "noise in transport stream": (noisy("a.ts"), "damaged", range(18, 30)),
    "empty": (written(b""), "empty", [0]),
    "random bytes": (written(clips.noise(5000)), "opened", [0]),
    "text": (written(b"<html>404 not found</html>" * 50), "opened|video", [0]),
    "sound only": (lambda f: clips.write_sound(f / "sound.mp4"), "no video", [0]),
    "missing": (lambda f: f / "missing.mp4", "no such file", [0]),
    "folder": (lambda f: f, "not a regular file", [0]),
}


@pytest.mark.parametrize("case", DAMAGED)
@pytest.mark.parametrize("reader", ["auto", "pyav"])
def test_damage_is_one_clear_error(tmp_path, case, reader):
    make, cause, frames = DAMAGED[case]
    path = make(tmp_path)
    for _ in range(2):  # a second attempt fails in the same way
        with pytest.raises(VideoError, match=cause) as caught:
            all_frames(path, reader=reader)
        error = caught.value
        assert error.path == path
        assert error.frames in frames
        assert str(path) in str(error)
        assert f"after {error.frames} frames" in str(error)
        again = pickle.loads(pickle.dumps(error))
        assert (again.path, again.cause, again.frames) == (path, error.cause, error.frames)


def test_a_good_file_after_a_damaged_one(tmp_path):
    with pytest.raises(VideoError):
        probe(noisy("bad.mkv")(tmp_path))
    assert probe(clips.write_clip(tmp_path / "good.mkv")).frames == FRAMES
    assert av.logging.get_level() is None


@pytest.mark.parametrize("seed", range(24))
def test_damage_never_repeats_or_shifts_frames(tmp_path, seed):
    path = clips.write_clip(tmp_path / "a.mp4")
    data = path.read_bytes()
    start = int(
        np.random.default_rng(seed).integers(data.index(b"mdat") + 800, data.index(b"moov"))
    )
    clips.overwrite(path, start, clips.noise((1, 4, 40)[seed % 3], seed))
    with contextlib.suppress(VideoError):
        assert numbers(all_frames(path)) == list(range(FRAMES))


def test_a_change_of_size_is_an_error(tmp_path):
    small = clips.write_clip(tmp_path / "small.h264", 20)
    large = clips.write_clip(tmp_path / "large.h264", 20, size=(192, 128))
    (tmp_path / "both.h264").write_bytes(small.read_bytes() + large.read_bytes())
    with pytest.raises(VideoError, match="size from 128x96 to 192x128") as caught:
        all_frames(tmp_path / "both.h264")
    assert caught.value.frames == 20
