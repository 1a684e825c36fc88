"""Properties of files: counts, times, keyframes, edit lists."""

import av
import numpy as np
import pytest

from tests import clips
from tests.clips import FRAMES, UNEVEN_TICKS, numbers
from vqa.video import choose_reader, probe, read_frames, stream_frames


def all_frames(path, **options):
    return np.concatenate(list(stream_frames(path, **options)))


def test_properties_of_a_file(tmp_path):
    info = probe(clips.write_clip(tmp_path / "h264.mp4"))
    assert (info.codec, info.pixel_format, info.width, info.height) == ("h264", "yuv420p", 128, 96)
    assert (info.frames, info.frame_rate_hz, info.rotation_deg) == (FRAMES, 30.0, 0)
    assert info.duration_s == pytest.approx(FRAMES / 30)
    assert info.keyframes == (0, 12, 24, 36, 48)
    assert not info.edit_list
    assert not info.interlaced
    assert info.times_s.dtype == np.float64
    np.testing.assert_allclose(info.times_s, np.arange(FRAMES) / 30, atol=1e-9)
    options = {"x264-params": "tff=1"}
    assert probe(clips.write_clip(tmp_path / "interlaced.mp4", options=options)).interlaced
    one = probe(clips.write_clip(tmp_path / "one_frame.mp4", 1))
    assert (one.frames, one.frame_rate_hz, one.times_s.tolist()) == (1, 30.0, [0.0])
    assert one.duration_s == pytest.approx(1 / 30)


@pytest.mark.parametrize(("name", "tolerance_s"), [("uneven.mp4", 1e-4), ("uneven.mkv", 6e-4)])
def test_times_of_a_variable_frame_rate(tmp_path, name, tolerance_s):
    info = probe(clips.write_clip(tmp_path / name, ticks=UNEVEN_TICKS))
    np.testing.assert_allclose(info.times_s, np.array(UNEVEN_TICKS) / 600, atol=tolerance_s)


def test_times_include_the_gaps_of_avi(tmp_path):
    ticks = [i + 3 * (i > 20) for i in range(FRAMES)]
    path = tmp_path / "dropped.avi"
    clips.write_clip(path, ticks=ticks, ticks_per_s=30, options={"bf": "0"})
    np.testing.assert_allclose(probe(path).times_s * 30, ticks, atol=1e-6)


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


def test_hidden_reference_frames_of_vp8_are_not_counted(tmp_path):
    options = {"cpu-used": "8", "deadline": "realtime"}
    path = clips.write_clip(tmp_path / "vp8.webm", codec="libvpx", options=options)
    with av.open(str(path)) as container:
        packet = [bytes(packet) for packet in container.demux(video=0)][20]
    start = path.read_bytes().index(packet)
    clips.overwrite(path, start, bytes([packet[0] & ~0x10]))
    assert probe(path).frames == FRAMES - 1
    assert numbers(all_frames(path)) == [i for i in range(FRAMES) if i != 20]
