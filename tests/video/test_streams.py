"""The choice among several video streams, as the `ffmpeg` program makes it."""

from fractions import Fraction

import av
import pytest

from tests import clips
from tests.clips import numbers
from tests.places import SHARED
from vqa.video import VideoError, probe, read_frames

SMALL, LARGE = (160, 120), (320, 240)


def write_streams(path, sizes, default=None, empty=()):
    """Encode streams of these sizes; `default` marks one of them, `empty` ones get no packets."""
    with av.open(str(path), "w") as container:
        streams = []
        for number, (width, height) in enumerate(sizes):
            stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            stream.disposition = int(number == default)
            streams.append(stream)
        for index in range(10):
            for number, stream in enumerate(streams):
                if number in empty:
                    continue
                picture = clips.paint(index, stream.width, stream.height)
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                frame.pts, frame.time_base = index, Fraction(1, 25)
                container.mux(stream.encode(frame))
        for number, stream in enumerate(streams):
            if number not in empty:
                container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("suffix", ["mkv", "ts", "mp4", "mov"])
def test_the_larger_stream_is_read_and_noted(tmp_path, suffix):
    path = write_streams(tmp_path / f"two.{suffix}", [SMALL, LARGE], default=None)
    info = probe(path)
    expected = SMALL if suffix in ("mp4", "mov") else LARGE  # the muxer marks the first as default
    assert (info.width, info.height) == expected
    unread = LARGE if expected == SMALL else SMALL
    (note,) = info.notes
    assert note.startswith("of 2 video streams read stream ")
    assert f"{unread[0]}x{unread[1]}" in note.partition(", not ")[2]
    assert numbers(read_frames(path, range(10))) == list(range(10))


@pytest.mark.parametrize("default", [0, 1])
def test_the_stream_that_is_marked_as_default_is_read(tmp_path, default):
    info = probe(write_streams(tmp_path / "two.mkv", [SMALL, LARGE], default))
    assert (info.width, info.height) == (SMALL, LARGE)[default]


def test_streams_without_packets_do_not_count(tmp_path):
    path = write_streams(tmp_path / "two.mkv", [SMALL, LARGE], empty=(1,))
    assert (probe(path).width, probe(path).height) == SMALL


def test_one_stream_needs_no_note(tmp_path):
    assert probe(clips.write_clip(tmp_path / "a.mp4", 5)).notes == ()


def test_a_video_without_a_decoder_is_an_error(tmp_path):
    path = clips.write_clip(tmp_path / "a.avi", 5, codec="mpeg4")
    data = path.read_bytes().replace(b"FMP4", b"ZZZZ")
    path.write_bytes(data)
    with pytest.raises(VideoError, match="no video stream that FFmpeg decodes"):
        probe(path)


def test_a_program_stream_of_the_field(tmp_path):
    path = SHARED / "field/two_prog.ts"
    if not path.exists():
        pytest.skip("the inputs of the field test are absent")
    info = probe(path)
    assert (info.width, info.height, info.frames) == (320, 240, 50)
