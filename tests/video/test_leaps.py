import dataclasses
import logging
from types import SimpleNamespace

import av
import numpy as np
import pytest

from tests import clips
from tests.clips import FRAMES, numbers
from vqa.video import RawFormat, VideoError, probe, read_frames, readers, stream_frames
from vqa.video.sampling import clip_indices

VP9 = {"codec": "libvpx-vp9", "options": {"cpu-used": "8", "deadline": "realtime"}}
OPEN_GROUPS = {"x264-params": "open-gop=1"}
X265 = {"preset": "ultrafast", "x265-params": "log-level=none:pools=1"}
INTRA_REFRESH = {"x264-params": "intra-refresh=1"}

# Files in which leaps land right: settings of `write_clip`; x264 and x265 make B-frames by default.
LEAPT = {
    "short_groups.mp4": {},
    "short_groups.mov": {},
    "short_groups.mkv": {},
    "no_b_frames.mp4": {"options": {"bf": "0"}},
    "tiny_groups.mp4": {"keyframe_interval": 2},
    "long_groups.mp4": {"keyframe_interval": 250, "frames": 255},
    "long_groups.mkv": {"keyframe_interval": 250, "frames": 255},
    "open_groups.mp4": {"options": OPEN_GROUPS},
    "open_groups.mkv": {"options": OPEN_GROUPS},
    "hevc_open_groups.mp4": {"codec": "libx265", "options": X265},
    "vp9.webm": VP9,
    "av1.mp4": {"codec": "libsvtav1", "options": {"preset": "12"}},
    "fragments.mp4": {"muxer_options": {"movflags": "frag_keyframe+empty_moov"}},
}
# Files that are read in sequence, at once or after a leap that lands wrong.
IN_SEQUENCE = {
    "h264.avi": {},
    "h264.ts": {},
    "edited.mp4": {},
    "intra_refresh.mp4": {"options": INTRA_REFRESH},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("clips")


def clip(folder, name):
    path = folder / name
    if not path.exists():
        settings = (LEAPT | IN_SEQUENCE)[name]
        if settings.get("codec", "libx264") not in av.codecs_available:
            pytest.skip(f"this PyAV has no encoder {settings['codec']}")
        clips.write_clip(path, **settings)
        if name == "edited.mp4":
            clips.hide_leading(path, 9)
    return path


@pytest.fixture
def decoding(monkeypatch):
    """Numbers of the packets that the decoder is given and of the frames that it gives, at 30 Hz.

    Packets are numbered from the file's first timestamp, as frames are.
    """
    record = SimpleNamespace(packets=[], frames=[])
    packets, decoded = readers._packets, readers._decoded

    def counted_packets(container, stream):
        for packet in packets(container, stream):
            record.packets.append(packet.pts)
            yield packet

    def counted_frames(info, given, stream):
        for frame in decoded(info, given, stream):
            record.frames.append(round((float(frame.pts * stream.time_base) - info.start_s) * 30))
            yield frame

    monkeypatch.setattr(readers, "_packets", counted_packets)
    monkeypatch.setattr(readers, "_decoded", counted_frames)
    return record


def frames_of(path, indices, **options):
    return np.concatenate(list(stream_frames(path, indices, **options)))


def needed(wanted, group):
    """The wanted frames and all frames before them back to a keyframe; each group has `group`."""
    runs = (range(target // group * group, target + 1) for target in wanted)
    return sorted(set().union(*runs))


def group_of(name):
    return LEAPT[name].get("keyframe_interval", 12)


@pytest.mark.parametrize("name", LEAPT)
def test_exactly_the_needed_frames_are_decoded_each_once(folder, decoding, name):
    path = clip(folder, name)
    info = probe(path)
    wanted = [1, 2, 26, 27, 27, 47, 49]
    truth = frames_of(path, wanted, info=info)
    assert decoding.frames[: wanted[-1] + 1] == list(range(wanted[-1] + 1))
    decoding.packets.clear()
    decoding.frames.clear()
    leapt = frames_of(path, wanted, info=info, leaping=True)
    assert np.array_equal(leapt, truth)
    assert numbers(leapt) == wanted
    assert decoding.frames == needed(wanted, group_of(name))
    assert len(set(decoding.packets)) == len(decoding.packets)


@pytest.mark.parametrize("name", LEAPT)
@pytest.mark.parametrize("seed", range(3))
def test_any_indices(folder, decoding, name, seed):
    """Where a leap would save less than the decoder has read ahead, it decodes on instead."""
    path = clip(folder, name)
    info = probe(path)
    rng = np.random.default_rng(seed)
    wanted = np.unique(rng.integers(0, info.frames, (40, 12, 4)[seed]))
    truth = frames_of(path, wanted, info=info)
    decoding.packets.clear()
    decoding.frames.clear()
    assert np.array_equal(frames_of(path, wanted, info=info, leaping=True), truth)
    assert set(needed(wanted.tolist(), group_of(name))) <= set(decoding.frames)
    assert np.all(np.diff(decoding.frames) > 0)
    assert decoding.frames[-1] == wanted[-1]
    assert len(set(decoding.packets)) == len(decoding.packets)


@pytest.mark.parametrize("name", IN_SEQUENCE)
@pytest.mark.parametrize("wanted", [[26, 27, 33, 40], [0, 0, 13, 40], [40]])
def test_the_same_frames_where_leaps_are_not_safe(folder, name, wanted):
    path = clip(folder, name)
    truth = clips.decode_all(path)[wanted]
    assert np.array_equal(frames_of(path, wanted, chunk_frames=3), truth)
    assert np.array_equal(frames_of(path, wanted, chunk_frames=3, leaping=True), truth)
    assert np.array_equal(read_frames(path, wanted[::-1]), truth[::-1])


def test_an_edit_list_is_read_in_sequence(folder, decoding):
    path = clip(folder, "edited.mp4")
    assert numbers(frames_of(path, [20, 30], leaping=True)) == [29, 39]
    assert decoding.frames == list(range(31))


def test_a_leap_without_a_whole_keyframe_is_made_good(folder, decoding, caplog):
    """Under intra refresh a decoder needs many frames after a keyframe until its picture is whole.

    It keeps them to itself, so the frames that come first after the leap are others.
    """
    path = clip(folder, "intra_refresh.mp4")
    with caplog.at_level(logging.INFO, "vqa.video"):
        assert numbers(frames_of(path, [2, 3, 30, 31], leaping=True)) == [2, 3, 30, 31]
    assert "going on in sequence" in caplog.text
    assert decoding.frames[:4] == [0, 1, 2, 3]
    assert decoding.frames[-32:] == list(range(32))


@pytest.mark.parametrize("miss_s", [-2.0, 0.5, 100.0])
def test_a_leap_that_lands_wrong_loses_and_repeats_nothing(folder, monkeypatch, miss_s):
    path = clip(folder, "short_groups.mp4")
    seek = readers._seek

    def astray(container, stream, ticks):
        seek(container, stream, round(ticks + miss_s / stream.time_base))

    monkeypatch.setattr(readers, "_seek", astray)
    wanted = [2, 3, 15, 26, 26, 49]
    assert numbers(frames_of(path, wanted, leaping=True, chunk_frames=2)) == wanted
    assert numbers(read_frames(path, wanted[::-1])) == wanted[::-1]


def test_a_file_that_does_not_seek(folder, monkeypatch):
    path = clip(folder, "short_groups.mp4")

    def failing(container, stream, ticks):
        raise readers.SeekError("planted")

    monkeypatch.setattr(readers, "_seek", failing)
    assert numbers(frames_of(path, [2, 30], leaping=True)) == [2, 30]


def test_frames_after_a_keyframe_are_held_to_their_times(folder):
    info = probe(clip(folder, "short_groups.mp4"))

    def numbered(keyframe, indices, corrupt=()):
        frames = [SimpleNamespace(pts=60 + 20 * i, is_corrupt=i in corrupt) for i in indices]
        taken = []
        try:
            for index, frame in readers._by_timestamp(moved, frames, keyframe, 1 / 600):
                assert frame.pts == 60 + 20 * index
                taken.append(index)
        except readers.SeekError as error:
            return taken, str(error)

    moved = dataclasses.replace(info, start_s=60 / 600)
    # Leading pictures of an open group are passed over, whole or not.
    taken, cause = numbered(12, [9, 10, 11, 12, 13, 14], corrupt=[9])
    assert (taken, cause) == ([12, 13, 14], "the file ends before frame 15")
    assert numbered(12, [12, 13, 15]) == ([12, 13], "frame 15 came for frame 14")
    assert numbered(12, [12, 13, 13]) == ([12, 13], "frame 13 came for frame 14")
    assert numbered(12, [24, 25]) == ([], "frame 24 came for frame 12")
    assert numbered(12, [12, 13, 14], corrupt=[13]) == ([12], "frame 13 is damaged")
    assert numbered(12, [12, 12.5]) == (
        [12],
        "a frame shows at 0.416667 s, where none was found",
    )


def test_a_failing_seek_is_a_seek_error():
    class Container:
        def seek(self, ticks, stream):
            raise av.error.PermissionError(1, "planted")

    with pytest.raises(readers.SeekError, match="planted"):
        readers._seek(Container(), None, 0)


@pytest.mark.parametrize("num_clips", [1, 4])
@pytest.mark.parametrize("name", ["short_groups.mp4", "open_groups.mkv", "vp9.webm"])
def test_clips_longer_than_the_video(folder, name, num_clips):
    path = clip(folder, name)
    wanted = np.unique(clip_indices(FRAMES, num_clips))
    assert np.array_equal(frames_of(path, wanted, leaping=True), frames_of(path, wanted))


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_uneven_times(tmp_path, ending):
    ticks = [20 * i + 7 * (i % 3) for i in range(FRAMES)]
    path = clips.write_clip(tmp_path / f"uneven.{ending}", ticks=ticks)
    assert numbers(frames_of(path, [1, 20, 21, 49], leaping=True)) == [1, 20, 21, 49]


def test_one_frame(tmp_path):
    path = clips.write_clip(tmp_path / "one.mp4", 1)
    assert numbers(frames_of(path, [0, 0, 0], leaping=True)) == [0, 0, 0]
    assert list(stream_frames(path, [], leaping=True)) == []


def test_raw(tmp_path):
    truth = clips.write_raw(tmp_path / "clip.yuv", 20, (128, 96), "yuvj420p")
    leapt = frames_of(tmp_path / "clip.yuv", [3, 17, 17], raw=RawFormat(128, 96), leaping=True)
    assert np.array_equal(leapt, truth[[3, 17, 17]])


def test_no_frame_is_decoded_before_it_is_due(folder, decoding):
    path = clip(folder, "short_groups.mp4")
    chunks = stream_frames(path, [2, 3, 26, 27, 40], chunk_frames=2, leaping=True)
    ends = [(len(next(chunks)), decoding.frames[-1]) for _ in range(3)]
    assert ends == [(2, 3), (2, 27), (1, 40)]


def test_frames_by_index_leap_too(folder, decoding):
    path = clip(folder, "short_groups.mp4")
    assert numbers(read_frames(path, [40, 1, 40])) == [40, 1, 40]
    assert decoding.frames == [0, 1, 36, 37, 38, 39, 40]


def test_leaps_are_pyavs(folder, decoding):
    pytest.importorskip("decord", reason="decord is not installed")
    path = clip(folder, "short_groups.mp4")
    assert numbers(frames_of(path, [1, 30], reader="decord", leaping=True)) == [1, 30]
    assert decoding.frames == needed([1, 30], 12)


def test_damage_is_seen_where_it_matters(tmp_path):
    path = clips.write_clip(tmp_path / "bad.mp4")
    clips.overwrite(path, path.stat().st_size // 2, clips.noise(400))
    with pytest.raises(VideoError) as in_sequence:
        frames_of(path, None)
    with pytest.raises(VideoError) as leaping:
        frames_of(path, None, leaping=True)
    assert str(leaping.value) == str(in_sequence.value)
    with pytest.raises(VideoError):
        frames_of(path, [1, 49])
    assert numbers(frames_of(path, [1, 49], leaping=True)) == [1, 49]
