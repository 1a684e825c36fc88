"""Reading of intact files, in sequence and by index."""

import itertools
from pathlib import Path

import av
import numpy as np
import pytest

import vqa.video
from tests import clips
from tests.clips import FRAGMENTS, FRAMES, OPEN_GROUPS, UNEVEN_TICKS, VP9, X265, numbers
from tests.places import SHARED
from vqa.video import (
    VideoError,
    choose_reader,
    probe,
    read_frames,
    reader_version,
    stream_frames,
)
from vqa.video.readers import DecordError

KONVID = SHARED / "konvid-clips/KoNViD_1k_videos"
CLIPS = {
    "h264.mp4": {},
    "h264.mov": {},
    "h264.mkv": {},
    "h264.avi": {},
    "h264.ts": {},
    "vp9.webm": VP9,
    "vp8.webm": {"codec": "libvpx", "options": {"cpu-used": "8", "deadline": "realtime"}},
    "av1.mp4": {"codec": "libsvtav1", "options": {"preset": "12"}},
    "hevc_open_groups.mp4": {"codec": "libx265", "options": X265},
    "h264_open_groups.mp4": {"options": OPEN_GROUPS},
    "h264_open_groups.mkv": {"options": OPEN_GROUPS},
    "one_keyframe.mp4": {"keyframe_interval": 250},
    "index_in_front.mp4": {"muxer_options": {"movflags": "faststart"}},
    "fragments.mp4": {"muxer_options": FRAGMENTS},
    "mpeg4.avi": {"codec": "mpeg4", "options": {"bf": "2"}},
    "mpeg2.ts": {"codec": "mpeg2video"},
    "mpeg2.mpg": {"codec": "mpeg2video"},
    "mjpeg.mov": {"codec": "mjpeg", "pixel_format": "yuvj420p"},
    "interlaced.mp4": {"options": {"x264-params": "tff=1"}},
    "ten_bit.mp4": {"pixel_format": "yuv420p10le"},
    "odd_444.mp4": {"size": (129, 97), "pixel_format": "yuv444p"},
    "odd_420.mp4": {"size": (131, 97), "codec": "mpeg4"},
    "full_range.mp4": {"pixel_format": "yuvj420p", "full_range": True},
    "bt709.mp4": {"bt709": True},
    "uneven.mp4": {"ticks": UNEVEN_TICKS},
    "uneven.mkv": {"ticks": UNEVEN_TICKS},
    "dropped.avi": {
        "ticks": [i + 3 * (i > 20) for i in range(FRAMES)],
        "ticks_per_s": 30,
        "options": {"bf": "0"},
    },
    "one_frame.mp4": {"frames": 1},
    "two_frames.mkv": {"frames": 2},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("clips")


def clip(folder, name):
    return clips.cached_clip(folder, name, CLIPS[name])


def all_frames(path, **options):
    return np.concatenate(list(stream_frames(path, **options)))


@pytest.mark.parametrize("name", CLIPS)
def test_every_kind_of_file_yields_its_frames(folder, name):
    path = clip(folder, name)
    info = probe(path)
    frames = all_frames(path, info=info)
    assert numbers(frames) == list(range(CLIPS[name].get("frames", FRAMES)))
    assert np.array_equal(frames, clips.decode_all(path))
    assert frames.dtype == np.uint8
    assert frames.shape == (info.frames, info.height, info.width, 3)


@pytest.mark.parametrize("name", CLIPS)
def test_frames_by_index_equal_those_in_sequence(folder, name):
    path = clip(folder, name)
    frames = all_frames(path)
    indices = np.random.default_rng(0).integers(0, len(frames), 12)
    assert np.array_equal(read_frames(path, indices), frames[indices])
    tail = [len(frames) - 1, 0, len(frames) - 1]
    assert np.array_equal(read_frames(path, tail), frames[tail])
    rising = np.sort(indices)
    assert np.array_equal(all_frames(path, indices=rising, chunk_frames=5), frames[rising])


@pytest.mark.parametrize("name", CLIPS)
def test_decord_is_bit_identical_if_chosen(folder, name):
    pytest.importorskip("decord", reason="decord is not installed")
    path = clip(folder, name)
    frames = all_frames(path)
    assert np.array_equal(all_frames(path, reader="decord"), frames)
    some = [i for i in (0, 3, 14, 30, 31, 47, 47, 49) if i < len(frames)]
    assert np.array_equal(all_frames(path, indices=some, reader="decord"), frames[some])


def test_reader_choice(folder):
    pytest.importorskip("decord", reason="decord is not installed")
    suited = {"h264.mp4", "h264.mov", "h264.mkv", "vp9.webm", "full_range.mp4", "uneven.mkv"}
    unsuited = {"h264.avi", "h264.ts", "av1.mp4", "interlaced.mp4", "ten_bit.mp4", "odd_420.mp4"}
    for name in suited | unsuited:
        info = probe(clip(folder, name))
        assert choose_reader(info) == choose_reader(info, "pyav") == "pyav"
        assert choose_reader(info, "decord") == ("decord" if name in suited else "pyav")
    with pytest.raises(ValueError, match="opencv"):
        choose_reader(info, "opencv")


def test_pyav_continues_after_a_failure_of_decord(folder, monkeypatch):
    path = clip(folder, "h264.mp4")

    def failing(info, wanted):
        yield from clips.decode_all(path)[wanted[:7]]
        raise DecordError("planted")

    monkeypatch.setattr(vqa.video, "choose_reader", lambda info, reader: "decord")
    monkeypatch.setattr(vqa.video, "decord_pictures", failing)
    assert numbers(all_frames(path)) == list(range(FRAMES))


def test_file_names_that_look_like_urls(tmp_path, folder):
    path = tmp_path / "a:b %03d é.mp4"
    path.write_bytes(clip(folder, "h264.mp4").read_bytes())
    assert numbers(read_frames(path, [20])) == [20]


def test_reader_version():
    assert reader_version("pyav") == f"pyav {av.__version__}"
    with pytest.raises(ValueError, match="opencv"):
        reader_version("opencv")


def test_bt709_colours_are_preserved(tmp_path):
    def green(index, width, height):
        return np.full((height, width, 3), (40, 180, 90), np.uint8)

    path = clips.write_clip(tmp_path / "green.mp4", 3, bt709=True, picture=green)
    assert np.abs(all_frames(path).astype(int) - (40, 180, 90)).max() <= 3


def test_no_open_files_are_left(tmp_path, folder):
    path, bad = clip(folder, "h264.mp4"), clips.damage(clips.write_clip(tmp_path / "bad.mp4"))
    descriptors = Path("/proc/self/fd")
    if not descriptors.exists():
        pytest.skip("no /proc here")
    before = len(list(descriptors.iterdir()))
    for _ in range(5):
        next(stream_frames(path))
        read_frames(path, [40])
        with pytest.raises(VideoError):
            all_frames(bad)
    assert len(list(descriptors.iterdir())) == before


def test_repeated_indices_in_chunks(folder):
    path = clip(folder, "h264.mp4")
    indices = [0, 0, 1, 5, 5, 5, 49, 49]
    chunks = list(stream_frames(path, indices, chunk_frames=3))
    assert [len(chunk) for chunk in chunks] == [3, 3, 2]
    assert numbers(np.concatenate(chunks)) == indices
    assert list(stream_frames(path, [])) == []
    assert read_frames(path, []).shape == (0, 96, 128, 3)


@pytest.mark.parametrize(
    ("indices", "message"),
    [([3, 2], "ascend"), ([-1, 2], "outside"), ([0, FRAMES], "outside"), ([0.5], "integers")],
)
def test_invalid_indices(folder, indices, message):
    with pytest.raises(ValueError, match=message):
        stream_frames(clip(folder, "h264.mp4"), indices)


def test_invalid_indices_by_index(folder):
    with pytest.raises(ValueError, match="outside"):
        read_frames(clip(folder, "h264.mp4"), [4, FRAMES])
    with pytest.raises(ValueError, match="opencv"):
        read_frames(clip(folder, "h264.mp4"), [4], reader="opencv")


def test_a_real_clip():
    paths = sorted(KONVID.glob("*.mp4"))
    if not paths:
        pytest.skip("the real KoNViD-1k clips are absent")
    info = probe(paths[0])
    assert (info.width, info.height, info.frames) == (960, 540, 240)
    some = [0, 1, 17, 30]
    with av.open(str(paths[0])) as container:
        truth = clips.through_filters(itertools.islice(container.decode(video=0), 31))[some]
    assert np.array_equal(all_frames(paths[0], indices=some), truth)
    assert np.array_equal(read_frames(paths[0], some[::-1], info=info), truth[::-1])
    assert sum(len(chunk) for chunk in stream_frames(paths[0])) == info.frames
