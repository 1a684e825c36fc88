import contextlib
import itertools
import pickle
from pathlib import Path

import av
import numpy as np
import pytest

import vqa.video
from tests import clips
from tests.clips import FRAMES, numbers
from tests.places import SHARED
from vqa.video import (
    RawFormat,
    VideoError,
    choose_reader,
    probe,
    read_frames,
    reader_version,
    stream_frames,
)
from vqa.video.chunks import MAX_CHUNK_BYTES, chunk_limits
from vqa.video.readers import DecordError

KONVID = SHARED / "konvid-clips/KoNViD_1k_videos"
UNEVEN_TICKS = [20 * i + 7 * (i % 3) for i in range(FRAMES)]
VP9 = {"codec": "libvpx-vp9", "options": {"cpu-used": "8", "deadline": "realtime"}}
OPEN_GROUPS = {"x264-params": "open-gop=1"}
X265 = {"preset": "ultrafast", "x265-params": "log-level=none:pools=1"}
FRAGMENTS = {"movflags": "frag_keyframe+empty_moov"}
INDEX_IN_FRONT = {"movflags": "faststart"}

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
    "index_in_front.mp4": {"muxer_options": INDEX_IN_FRONT},
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


def clip(folder, name, **settings):
    """A clip of the table, made once a module; with settings, another one."""
    path = folder / name
    if not path.exists():
        settings = settings or CLIPS[name]
        if settings.get("codec", "libx264") not in av.codecs_available:
            pytest.skip(f"this PyAV has no encoder {settings['codec']}")
        clips.write_clip(path, **settings)
    return path


def all_frames(path, **options):
    return np.concatenate(list(stream_frames(path, **options)))


@pytest.mark.parametrize("name", CLIPS)
def test_every_kind_of_file_gives_its_frames(folder, name):
    path = clip(folder, name)
    info = probe(path)
    frames = all_frames(path, info=info)
    assert numbers(frames) == list(range(CLIPS[name].get("frames", FRAMES)))
    assert np.array_equal(frames, clips.decode_all(path))
    assert frames.dtype == np.uint8
    assert frames.shape == (info.frames, info.height, info.width, 3)


@pytest.mark.parametrize("name", CLIPS)
def test_frames_by_index_are_those_of_the_sequence(folder, name):
    path = clip(folder, name)
    frames = all_frames(path)
    indices = np.random.default_rng(0).integers(0, len(frames), 12)
    assert np.array_equal(read_frames(path, indices), frames[indices])
    tail = [len(frames) - 1, 0, len(frames) - 1]
    assert np.array_equal(read_frames(path, tail), frames[tail])
    rising = np.sort(indices)
    assert np.array_equal(all_frames(path, indices=rising, chunk_frames=5), frames[rising])


@pytest.mark.parametrize("name", CLIPS)
def test_decord_where_chosen_is_bit_identical(folder, name):
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


def test_pyav_goes_on_where_decord_fails(folder, monkeypatch):
    path = clip(folder, "h264.mp4")

    def failing(info, wanted):
        yield from clips.decode_all(path)[wanted[:7]]
        raise DecordError("planted")

    monkeypatch.setattr(vqa.video, "choose_reader", lambda info, reader: "decord")
    monkeypatch.setattr(vqa.video, "decord_pictures", failing)
    assert numbers(all_frames(path)) == list(range(FRAMES))


def test_names_that_look_like_addresses(tmp_path, folder):
    path = tmp_path / "a:b %03d é.mp4"
    path.write_bytes(clip(folder, "h264.mp4").read_bytes())
    assert numbers(read_frames(path, [20])) == [20]


def test_reader_version():
    assert reader_version("pyav") == f"pyav {av.__version__}"
    with pytest.raises(ValueError, match="opencv"):
        reader_version("opencv")


def test_probe_facts(folder):
    info = probe(clip(folder, "h264.mp4"))
    assert (info.codec, info.pixel_format, info.width, info.height) == ("h264", "yuv420p", 128, 96)
    assert (info.frames, info.frame_rate_hz, info.rotation_deg) == (FRAMES, 30.0, 0)
    assert info.duration_s == pytest.approx(FRAMES / 30)
    assert info.keyframes == (0, 12, 24, 36, 48)
    assert not info.edit_list
    assert not info.interlaced
    assert info.times_s.dtype == np.float64
    np.testing.assert_allclose(info.times_s, np.arange(FRAMES) / 30, atol=1e-9)
    assert probe(clip(folder, "interlaced.mp4")).interlaced
    one = probe(clip(folder, "one_frame.mp4"))
    assert (one.frames, one.frame_rate_hz, one.times_s.tolist()) == (1, 30.0, [0.0])
    assert one.duration_s == pytest.approx(1 / 30)


@pytest.mark.parametrize(("name", "tolerance_s"), [("uneven.mp4", 1e-4), ("uneven.mkv", 6e-4)])
def test_times_of_a_variable_frame_rate(folder, name, tolerance_s):
    info = probe(clip(folder, name))
    np.testing.assert_allclose(info.times_s, np.array(UNEVEN_TICKS) / 600, atol=tolerance_s)


def test_times_count_the_gaps_of_avi(folder):
    times_s = probe(clip(folder, "dropped.avi")).times_s
    np.testing.assert_allclose(times_s * 30, [i + 3 * (i > 20) for i in range(FRAMES)], atol=1e-6)


def test_bt709_colours_come_out_as_they_went_in(tmp_path):
    def green(index, width, height):
        return np.full((height, width, 3), (40, 180, 90), np.uint8)

    path = clips.write_clip(tmp_path / "green.mp4", 3, bt709=True, picture=green)
    assert np.abs(all_frames(path).astype(int) - (40, 180, 90)).max() <= 3


@pytest.mark.parametrize("hidden", [1, 9, 30])
def test_edit_list_hides_frames(tmp_path, hidden):
    path = clips.hide_leading(clips.write_clip(tmp_path / "edited.mp4"), hidden)
    info = probe(path)
    assert info.edit_list
    assert info.frames == FRAMES - hidden
    assert choose_reader(info, "decord") == "pyav"
    frames = all_frames(path)
    assert numbers(frames) == list(range(hidden, FRAMES))
    assert numbers(read_frames(path, [19, 0, 5])) == [hidden + 19, hidden, hidden + 5]
    np.testing.assert_allclose(info.times_s, np.arange(FRAMES - hidden) / 30, atol=1e-9)


@pytest.mark.parametrize(
    ("counter_clockwise", "mirrored", "clockwise", "filters"),
    [
        (90, False, 270, [("transpose", "cclock")]),
        (180, False, 180, [("hflip", ""), ("vflip", "")]),
        (-90, False, 90, [("transpose", "clock")]),
        (90, True, None, None),
    ],
)
def test_rotation(tmp_path, counter_clockwise, mirrored, clockwise, filters):
    plain = clips.write_clip(tmp_path / "plain.mp4", 10)
    path = clips.write_clip(
        tmp_path / "turned.mp4", 10, rotation=counter_clockwise, mirrored=mirrored
    )
    info = probe(path)
    frames = all_frames(path)
    stored = all_frames(plain)
    turns = counter_clockwise // 90
    upright = np.rot90(frames, -turns, axes=(1, 2))  # undo
    if mirrored:
        assert (
            min(
                np.abs(turned.astype(int) - stored).mean()
                for turned in (upright[:, :, ::-1], upright[:, ::-1])
            )
            < 3
        )
        return
    assert info.rotation_deg == clockwise
    assert (info.height, info.width) == frames.shape[1:3]
    assert (info.width > info.height) == (counter_clockwise == 180)
    assert numbers(upright) == list(range(10))
    assert np.array_equal(frames, clips.decode_all(path, *filters))
    assert np.array_equal(read_frames(path, [7, 2]), frames[[7, 2]])


@pytest.mark.parametrize("turn", [90, 180, -90])
def test_decord_turns_the_same_way(tmp_path, turn):
    pytest.importorskip("decord", reason="decord is not installed")
    path = clips.write_clip(tmp_path / "turned.mp4", 10, rotation=turn)
    assert choose_reader(probe(path), "decord") == "decord"
    assert np.array_equal(all_frames(path, reader="decord"), all_frames(path))


def test_hidden_reference_frames_of_vp8_are_not_counted(tmp_path):
    path = clips.write_clip(tmp_path / "vp8.webm", **CLIPS["vp8.webm"])
    with av.open(str(path)) as container:
        packet = [bytes(packet) for packet in container.demux(video=0)][20]
    start = path.read_bytes().index(packet)
    clips.overwrite(path, start, bytes([packet[0] & ~0x10]))
    assert probe(path).frames == FRAMES - 1
    assert numbers(all_frames(path)) == [i for i in range(FRAMES) if i != 20]


def noisy(name, size=400, **settings):
    return lambda folder: clips.overwrite(
        path := clips.write_clip(folder / name, **settings),
        path.stat().st_size // 2,
        clips.noise(size),
    )


def written(data):
    def write(folder):
        (folder / "file.mp4").write_bytes(data)
        return folder / "file.mp4"

    return write


DAMAGED = {
    "cut, index in front": (
        lambda f: clips.cut(clips.write_clip(f / "a.mp4", muxer_options=INDEX_IN_FRONT)),
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
    for _ in range(2):  # the second time as the first
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


def test_no_open_files_are_left(tmp_path, folder):
    path, bad = clip(folder, "h264.mp4"), noisy("bad.mp4")(tmp_path)
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


@pytest.mark.parametrize("pixel_format", ["yuvj420p", "yuv420p", "yuv422p10le", "yuv444p"])
@pytest.mark.parametrize("size", [(128, 96), (131, 97)])
def test_raw_video(tmp_path, pixel_format, size):
    path = tmp_path / "clip.yuv"
    truth = clips.write_raw(path, 20, size, pixel_format)
    raw = RawFormat(*size, pixel_format=pixel_format, frame_rate_hz=25)
    info = probe(path, raw=raw)
    assert (info.frames, info.frame_rate_hz, info.duration_s) == (20, 25, pytest.approx(0.8))
    assert choose_reader(info) == "raw"
    assert reader_version("raw").startswith("raw ")
    assert numbers(truth) == list(range(20))
    assert np.array_equal(all_frames(path, raw=raw), truth)
    assert np.array_equal(read_frames(path, [17, 3, 3], raw=raw), truth[[17, 3, 3]])


def test_raw_full_range_is_told_from_limited(tmp_path):
    path = tmp_path / "clip.yuv"
    path.write_bytes(bytes([235]) * 64 * 48 + bytes([128]) * (64 * 48 // 2))
    assert all_frames(path, raw=RawFormat(64, 48)).mean() == pytest.approx(235, abs=1)
    limited = RawFormat(64, 48, pixel_format="yuv420p")
    assert all_frames(path, raw=limited).mean() == pytest.approx(255, abs=1)


def test_raw_video_of_another_size(tmp_path):
    path = tmp_path / "clip.yuv"
    clips.write_raw(path, 3, (128, 96), "yuv420p")
    with pytest.raises(VideoError, match="whole frames of 18816 bytes") as caught:
        probe(path, raw=RawFormat(128, 98))
    assert caught.value.frames == 2
    with pytest.raises(ValueError, match="raw=RawFormat"):
        all_frames(path, info=probe(path, raw=RawFormat(128, 96)))
    with pytest.raises(VideoError, match="whole frames"):
        probe(clips.cut(path), raw=RawFormat(128, 96))
    with pytest.raises(ValueError, match="pixel format"):
        RawFormat(128, 96, pixel_format="yuv999")
    with pytest.raises(ValueError, match="positive"):
        RawFormat(0, 96)


def test_indices_repeat_and_stream_in_chunks(folder):
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
def test_bad_indices(folder, indices, message):
    with pytest.raises(ValueError, match=message):
        stream_frames(clip(folder, "h264.mp4"), indices)


def test_bad_indices_by_index(folder):
    with pytest.raises(ValueError, match="outside"):
        read_frames(clip(folder, "h264.mp4"), [4, FRAMES])
    with pytest.raises(ValueError, match="opencv"):
        read_frames(clip(folder, "h264.mp4"), [4], reader="opencv")


@pytest.mark.parametrize(
    ("size", "limits"),
    [
        ((960, 540), (16, 16)),
        ((1920, 1080), (5, 5)),
        ((3840, 2160), (2, 1)),
        ((7680, 4320), (2, 1)),
    ],
)
def test_chunks_are_bounded_in_bytes(size, limits):
    frame_bytes = size[0] * size[1] * 3
    assert chunk_limits(frame_bytes, 16) == limits
    assert chunk_limits(frame_bytes, 1) == (1, 1)
    assert limits[1] == 1 or limits[1] * frame_bytes <= MAX_CHUNK_BYTES
    with pytest.raises(ValueError, match="at least 1"):
        chunk_limits(frame_bytes, 0)


def test_a_real_clip():
    paths = sorted(KONVID.glob("*.mp4"))
    if not paths:
        pytest.skip("the real KoNViD-1k clips are not at hand")
    info = probe(paths[0])
    assert (info.width, info.height, info.frames) == (960, 540, 240)
    some = [0, 1, 17, 30]
    with av.open(str(paths[0])) as container:
        truth = clips.through_filters(itertools.islice(container.decode(video=0), 31))[some]
    assert np.array_equal(all_frames(paths[0], indices=some), truth)
    assert np.array_equal(read_frames(paths[0], some[::-1], info=info), truth[::-1])
    assert sum(len(chunk) for chunk in stream_frames(paths[0])) == info.frames
