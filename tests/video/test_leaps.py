"""Leaps: decoding only what the wanted frames depend on."""

import dataclasses
import logging
from types import SimpleNamespace

import av
import numpy as np
import pytest

from tests import clips
from tests.clips import FRAGMENTS, FRAMES, OPEN_GROUPS, UNEVEN_TICKS, VP9, X265, numbers
from vqa.video import RawFormat, VideoError, probe, read_frames, readers, stream_frames
from vqa.video.sampling import clip_indices

INTRA_REFRESH = {"x264-params": "intra-refresh=1"}

# Files in which leaps succeed: settings of `write_clip`; x264 and x265 use B-frames by default.
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
    "fragments.mp4": {"muxer_options": FRAGMENTS},
}
# Files that are read in sequence, from the start or after a failed leap.
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
    new = not (folder / name).exists()
    path = clips.cached_clip(folder, name, (LEAPT | IN_SEQUENCE)[name])
    if name == "edited.mp4" and new:
        clips.hide_leading(path, 9)
    return path


@pytest.fixture
def decoding(monkeypatch):
    """Record the timestamps of decoded packets and the numbers of decoded frames, at 30 Hz."""
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
    """Return the wanted frames and all before them back to the keyframe, every `group` frames."""
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
    """The decoder continues without a leap if it has already read the next keyframe."""
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
def test_the_same_frames_if_leaps_are_unsafe(folder, name, wanted):
    path = clip(folder, name)
    truth = clips.decode_all(path)[wanted]
    assert np.array_equal(frames_of(path, wanted, chunk_frames=3), truth)
    assert np.array_equal(frames_of(path, wanted, chunk_frames=3, leaping=True), truth)
    assert np.array_equal(read_frames(path, wanted[::-1]), truth[::-1])


def test_an_edit_list_is_read_in_sequence(folder, decoding):
    path = clip(folder, "edited.mp4")
    assert numbers(frames_of(path, [20, 30], leaping=True)) == [29, 39]
    assert decoding.frames == list(range(31))


def test_a_leap_to_an_incomplete_keyframe_is_corrected(folder, decoding, caplog):
    """With intra refresh, a picture is complete only many frames after a keyframe.

    The decoder does not output the frames before, so the first frames after a leap are later ones.
    """
    path = clip(folder, "intra_refresh.mp4")
    with caplog.at_level(logging.INFO, "vqa.video"):
        assert numbers(frames_of(path, [2, 3, 30, 31], leaping=True)) == [2, 3, 30, 31]
    assert "continuing in sequence" in caplog.text
    assert decoding.frames[:4] == [0, 1, 2, 3]
    assert decoding.frames[-32:] == list(range(32))


@pytest.mark.parametrize("miss_s", [-2.0, 0.5, 100.0])
def test_a_wrong_leap_loses_and_repeats_nothing(folder, monkeypatch, miss_s):
    path = clip(folder, "short_groups.mp4")
    seek = readers._seek

    def astray(container, stream, ticks):
        seek(container, stream, round(ticks + miss_s / stream.time_base))

    monkeypatch.setattr(readers, "_seek", astray)
    wanted = [2, 3, 15, 26, 26, 49]
    assert numbers(frames_of(path, wanted, leaping=True, chunk_frames=2)) == wanted
    assert numbers(read_frames(path, wanted[::-1])) == wanted[::-1]


def test_a_file_without_seeking(folder, monkeypatch):
    path = clip(folder, "short_groups.mp4")

    def failing(container, stream, ticks):
        raise readers.SeekError("planted")

    monkeypatch.setattr(readers, "_seek", failing)
    assert numbers(frames_of(path, [2, 30], leaping=True)) == [2, 30]


def test_frames_after_a_keyframe_must_have_the_expected_times(folder):
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
    # Leading pictures of an open group are skipped, damaged or not.
    taken, cause = numbered(12, [9, 10, 11, 12, 13, 14], corrupt=[9])
    assert (taken, cause) == ([12, 13, 14], "the file ends before frame 15")
    assert numbered(12, [12, 13, 15]) == ([12, 13], "expected frame 14, found frame 15")
    assert numbered(12, [12, 13, 13]) == ([12, 13], "expected frame 14, found frame 13")
    assert numbered(12, [24, 25]) == ([], "expected frame 12, found frame 24")
    assert numbered(12, [12, 13, 14], corrupt=[13]) == ([12], "frame 13 is damaged")
    assert numbered(12, [12, 12.5]) == (
        [12],
        "unexpected frame at 0.416667 s",
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
    path = clips.write_clip(tmp_path / f"uneven.{ending}", ticks=UNEVEN_TICKS)
    assert numbers(frames_of(path, [1, 20, 21, 49], leaping=True)) == [1, 20, 21, 49]


def test_one_frame(tmp_path):
    path = clips.write_clip(tmp_path / "one.mp4", 1)
    assert numbers(frames_of(path, [0, 0, 0], leaping=True)) == [0, 0, 0]
    assert list(stream_frames(path, [], leaping=True)) == []


def test_raw(tmp_path):
    truth = clips.write_raw(tmp_path / "clip.yuv", 20, (128, 96), "yuv420p")
    leapt = frames_of(tmp_path / "clip.yuv", [3, 17, 17], raw=RawFormat(128, 96), leaping=True)
    assert np.array_equal(leapt, truth[[3, 17, 17]])


def test_no_frame_is_decoded_before_it_is_due(folder, decoding):
    path = clip(folder, "short_groups.mp4")
    chunks = stream_frames(path, [2, 3, 26, 27, 40], chunk_frames=2, leaping=True)
    ends = [(len(next(chunks)), decoding.frames[-1]) for _ in range(3)]
    assert ends == [(2, 3), (2, 27), (1, 40)]


def test_reading_by_index_leaps_too(folder, decoding):
    path = clip(folder, "short_groups.mp4")
    assert numbers(read_frames(path, [40, 1, 40])) == [40, 1, 40]
    assert decoding.frames == [0, 1, 36, 37, 38, 39, 40]


def test_pyav_makes_the_leaps(folder, decoding):
    pytest.importorskip("decord", reason="decord is not installed")
    path = clip(folder, "short_groups.mp4")
    assert numbers(frames_of(path, [1, 30], reader="decord", leaping=True)) == [1, 30]
    assert decoding.frames == needed([1, 30], 12)


def test_damage_is_detected_in_the_decoded_frames(tmp_path):
    path = clips.damage(clips.write_clip(tmp_path / "bad.mp4"))
    with pytest.raises(VideoError) as in_sequence:
        frames_of(path, None)
    with pytest.raises(VideoError) as leaping:
        frames_of(path, None, leaping=True)
    assert str(leaping.value) == str(in_sequence.value)
    with pytest.raises(VideoError):
        frames_of(path, [1, 49])
    assert numbers(frames_of(path, [1, 49], leaping=True)) == [1, 49]
