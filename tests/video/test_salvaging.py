"""The good frames of damaged files."""

import dataclasses
import pickle

import av
import numpy as np
import pytest

from tests import clips
from tests.clips import FRAMES, numbers
from vqa.video import VideoError, choose_reader, probe, read_frames, stream_frames
from vqa.video.decoder import FrameDecoder


def all_frames(info, **options):
    return np.concatenate(list(stream_frames(info.path, info=info, **options)))


def damaged_in_group(path, group, settings):
    """Overwrite bytes in the middle of one group of 12 frames."""
    clips.write_clip(path, **settings)
    keys = [packet_place(path, number) for number in (12 * group, 12 * group + 12)]
    return clips.overwrite(path, sum(keys) // 2, clips.noise(300))


def packet_place(path, number):
    with av.open(str(path)) as container:
        return [packet.pos for packet in container.demux(video=0) if packet.size][number]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.avi", "a.flv"])
def test_frames_before_damage_and_from_the_next_keyframe_on(tmp_path, name):
    settings = {"options": {"bf": "0"}} if name == "a.avi" else {}
    path = clips.write_clip(tmp_path / name, **settings)
    intact = all_frames(probe(path))
    path = damaged_in_group(path, 1, settings)
    with pytest.raises(VideoError):
        all_frames(probe(path))
    info = probe(path, damaged="score")
    frames = all_frames(info)
    shown = numbers(frames)
    # Matroska does not say that the frame at which its demuxer finds its way again is a keyframe.
    again = 36 if name == "a.mkv" else 24
    assert set(range(12)) | set(range(again, FRAMES)) <= set(shown) < set(range(FRAMES))
    assert np.array_equal(frames, intact[shown])
    assert info.frames == len(info.times_s) == len(info.good) == len(shown)
    (note,) = info.notes
    assert note.startswith("damaged: ")
    assert f"; {len(shown)} frames were read of about " in note
    # AVI counts frames, so a lost one shifts those after it.
    tolerance_s = 0.04 if name == "a.avi" else 2e-3
    np.testing.assert_allclose(np.diff(info.times_s), np.diff(shown) / 30, atol=tolerance_s)
    assert shown[info.keyframes[0]] == 0
    # By index, with leaps, with decord: the same frames, always in sequence.
    some = [0, 5, info.frames - 1]
    assert np.array_equal(read_frames(path, some[::-1], info=info), frames[some[::-1]])
    assert np.array_equal(all_frames(info, indices=some, leaping=True), frames[some])
    assert choose_reader(info, "decord") == "pyav"


def test_an_intact_file_is_described_as_before(tmp_path):
    path = clips.write_clip(tmp_path / "a.mp4")
    lenient, strict = probe(path, damaged="score"), probe(path)
    fields = {field.name for field in dataclasses.fields(strict)} - {"times_s"}
    assert [getattr(lenient, name) == getattr(strict, name) for name in fields] == [True] * len(
        fields
    )
    assert lenient.good is None
    assert np.array_equal(lenient.times_s, strict.times_s)


def test_a_cut_file(tmp_path):
    path = clips.cut(clips.write_clip(tmp_path / "a.mkv"))
    info = probe(path, damaged="score")
    shown = numbers(all_frames(info))
    assert shown == list(range(len(shown)))
    assert 18 < len(shown) < 31
    assert "cut short" in info.notes[0]


def test_joined_recordings_of_two_sizes(tmp_path):
    one = clips.write_clip(tmp_path / "one.ts", 20)
    two = clips.write_clip(tmp_path / "two.ts", 12, size=(192, 128))
    (tmp_path / "both.ts").write_bytes(one.read_bytes() + two.read_bytes())
    info = probe(tmp_path / "both.ts", damaged="score")
    shown = numbers(all_frames(info))
    assert set(range(15)) < set(shown) <= set(range(20))
    assert shown == sorted(shown)
    assert np.all(np.diff(info.times_s) > 0)


def test_no_good_frame_is_an_error(tmp_path):
    path = clips.write_clip(tmp_path / "a.gif", 1, codec="gif", pixel_format="rgb8")
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : -20] = clips.noise(len(data) - 20 - len(data) // 2)
    path.write_bytes(data)
    with pytest.raises(VideoError, match=r"no frame is good|cannot be decoded|yield no frame"):
        probe(path, damaged="score")
    (tmp_path / "empty.mp4").write_bytes(b"")
    with pytest.raises(VideoError, match="empty"):
        probe(tmp_path / "empty.mp4", damaged="score")
    with pytest.raises(ValueError, match="expected one of refuse, score"):
        probe(path, damaged="yes")


def test_through_the_decoding_process(tmp_path):
    info = probe(damaged_in_group(tmp_path / "a.mp4", 2, {}), damaged="score")
    assert np.array_equal(pickle.loads(pickle.dumps(info)).good, info.good)
    with FrameDecoder() as decoder:
        frames = np.concatenate(list(decoder.stream(info.path, info=info)))
    assert np.array_equal(frames, all_frames(info))
