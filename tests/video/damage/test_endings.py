"""Whether containers end properly: every kind of intact file does, cut ones do not."""

import av
import numpy as np
import pytest

from tests import clips
from tests.clips import FRAGMENTS
from tests.fuzz.intact import INTACT, write_intact
from vqa.video import VideoError, probe, stream_frames
from vqa.video.damage.boxes import unfinished
from vqa.video.damage.endings import CHECKS, UNMARKED

CUT_IN_MESSAGE = "cut short|damaged|opened|cannot be decoded|ends before|yield no frame"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("clips")


def all_frames(path):
    return np.concatenate(list(stream_frames(path)))


@pytest.mark.parametrize("name", INTACT)
def test_the_last_bytes_count(folder, tmp_path, name):
    """A file that lost its last 20 bytes, or its last third, is refused."""
    data = write_intact(folder, name).read_bytes()
    assert len(all_frames(folder / name)) == 18
    # At its end, MXF has indices that reading does not need.
    for lost in (600 if name.endswith("mxf") else 20, len(data) // 3 - 1):
        (tmp_path / name).write_bytes(data[:-lost])
        with pytest.raises(VideoError, match=CUT_IN_MESSAGE):
            all_frames(tmp_path / name)


# Containers whose frames end at known places: a cut there shows in the container only.
MARKED = [
    "vp8.ogv",
    "gif.gif",
    "raw.y4m",
    "wmv2.wmv",
    "mpeg4.avi",
    "h264_index_in_front.mp4",
    "vp9.mkv",
    "flv1.flv",
    "vp9.ivf",
    "dnxhr.mxf",
    "apng.apng",
]


@pytest.mark.parametrize("name", MARKED)
def test_a_cut_between_two_frames_shows_in_the_container(folder, tmp_path, name):
    path = write_intact(folder, name)
    with av.open(str(path)) as container:
        starts = sorted(packet.pos for packet in container.demux(video=0) if packet.size)
    for start in starts[6::5]:
        if name == "raw.y4m":  # whole frames are all that it states
            start += 10
        (tmp_path / name).write_bytes(path.read_bytes()[:start])
        with pytest.raises(VideoError, match=CUT_IN_MESSAGE):
            probe(tmp_path / name)


@pytest.mark.parametrize("junk", [b"appended by a web server\n" * 9, b"TAG" + bytes(125)])
@pytest.mark.parametrize("name", ["h264.mp4", "prores.mov", "h264_fragments.mp4", "gif.gif"])
def test_bytes_after_a_whole_file_are_not_damage(folder, tmp_path, name, junk):
    path = write_intact(folder, name)
    (tmp_path / name).write_bytes(path.read_bytes() + junk)
    assert np.array_equal(all_frames(tmp_path / name), all_frames(path))


def test_a_lost_fragment_header_is_damage(tmp_path):
    path = clips.write_clip(tmp_path / "a.mp4", muxer_options=FRAGMENTS)
    data = path.read_bytes()
    second = data.index(b"moof", data.index(b"moof") + 4)
    path.write_bytes(data[: second - 4] + b"\x00\x00\x00\x00none" + data[second + 4 :])
    assert "fragments follow" in unfinished(path.read_bytes())
    with pytest.raises(VideoError, match="damaged"):
        all_frames(path)


def test_boxes():
    def box(kind, size, length=None):
        return (length or size + 8).to_bytes(4, "big") + kind + bytes(size)

    whole = box(b"ftyp", 8) + box(b"moov", 30) + box(b"mdat", 50)
    assert unfinished(whole) is None
    assert unfinished(whole[:-1]).startswith("cut short: box 'mdat' at byte 54 ends at 112 of 111")
    assert unfinished(box(b"mine", 4) + whole) is None
    assert "cut short" in unfinished(box(b"mine", 4) + whole[:-1])
    assert unfinished(whole + b"appended text with moof in it") is None
    assert unfinished(whole + box(b"mdat", 9, 0) + b"to the end") is None
    large = (1).to_bytes(4, "big") + b"mdat" + (16 + 40).to_bytes(8, "big") + bytes(40)
    assert unfinished(whole + large) is None
    assert "cut short" in unfinished(whole + large[:-3])


@pytest.mark.parametrize("box", [b"mvhd", b"mdhd"])
@pytest.mark.parametrize("name", ["h264.mp4", "prores.mov"])
def test_a_time_scale_of_zero_is_damage(folder, tmp_path, name, box):
    data = bytearray(write_intact(folder, name).read_bytes())
    place = data.index(box) + 16
    data[place : place + 4] = bytes(4)
    (tmp_path / name).write_bytes(data)
    with pytest.raises(VideoError, match="time scale"):
        probe(tmp_path / name)


def test_a_live_recording_of_asf_and_matroska_has_no_end(tmp_path):
    for name, options in (("live.mkv", {"live": "1"}), ("live.webm", {"live": "1"})):
        settings = clips.VP9 if name == "live.webm" else {}
        path = clips.write_clip(tmp_path / name, 12, muxer_options=options, **settings)
        assert len(all_frames(path)) == 12


def test_a_container_has_one_check():
    assert not set(CHECKS) & (UNMARKED - {"mpegts", "mpeg"})
