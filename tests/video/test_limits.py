"""Limits: absurd sizes, much memory, names of any bytes, files that name other files."""

import os
import shutil

import av
import numpy as np
import pytest

from tests import clips
from vqa.video import RawFormat, VideoError, probe, read_frames
from vqa.video.decoder import FrameDecoder
from vqa.video.limits import max_pixels, too_large


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return clips.write_clip(tmp_path_factory.mktemp("clips") / "a.mp4", 10)


def write_large(path, size):
    """A few kilobytes that decode to a large picture."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.width, stream.height = size
        stream.pix_fmt = "yuvj420p"
        planes = np.full((size[1] * 3 // 2, size[0]), 128, np.uint8)
        frame = av.VideoFrame.from_ndarray(planes, format="yuvj420p")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_frames_above_8k_are_refused_unless_asked_for(tmp_path, monkeypatch):
    path = write_large(tmp_path / "a.mov", (8000, 5000))
    with pytest.raises(VideoError, match=r"8000x5000 pixels; the limit is 33177600; VQA_MAX_PIX"):
        probe(path)
    with FrameDecoder() as decoder, pytest.raises(VideoError, match="8000x5000"):
        decoder.probe(path)
    monkeypatch.setenv("VQA_MAX_PIXELS", str(8000 * 5000))
    assert probe(path).width == 8000
    with pytest.raises(VideoError, match="16000x5000 pixels"):
        probe(path, raw=RawFormat(16000, 5000))


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "8K"])
def test_a_limit_that_is_no_number_is_named(monkeypatch, text):
    monkeypatch.setenv("VQA_MAX_PIXELS", text)
    with pytest.raises(ValueError, match=f"VQA_MAX_PIXELS={text}: expected a positive number"):
        max_pixels()
    monkeypatch.setenv("VQA_MAX_PIXELS", "")
    assert too_large(7680, 4320) is None


def test_too_much_memory_is_an_error_of_the_video(tmp_path, clip, monkeypatch):
    monkeypatch.setenv("VQA_DECODER_GB", "0.1")
    large = write_large(tmp_path / "a.mov", (7680, 4320))
    with FrameDecoder() as decoder:
        with pytest.raises(VideoError):
            list(decoder.stream(large))
        assert sum(map(len, decoder.stream(clip))) == 10


@pytest.mark.parametrize(
    "name",
    [b"caf\xe9.mp4", "视".encode() * 83 + b".mp4", b"a" * 251 + b".mp4", b"a=b,#[c] 'd'\n%20.mp4"],
)
def test_a_file_of_any_name_is_read(tmp_path, clip, name):
    path = tmp_path / os.fsdecode(name)
    shutil.copy(clip, path)
    assert probe(path).frames == 10
    assert len(read_frames(path, [9])) == 1
    with FrameDecoder() as decoder:
        assert sum(map(len, decoder.stream(path))) == 10


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi"])
def test_texts_in_a_file_may_be_of_any_encoding(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "TITLE-TITLE"
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height = 64, 48
        for _ in range(5):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 90, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    data = path.read_bytes()
    assert b"TITLE-TITLE" in data
    path.write_bytes(data.replace(b"TITLE-TITLE", b"caf\xe9 \xff\xfe\x80 --"))
    assert probe(path).frames == 5


@pytest.mark.parametrize(
    "text",
    [
        "ffconcat version 1.0\nfile {clip}\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{clip}\n",
    ],
)
@pytest.mark.parametrize("name", ["list.mp4", "list.ffconcat", "list.m3u8"])
def test_a_playlist_does_not_read_its_neighbours(tmp_path, clip, text, name):
    shutil.copy(clip, tmp_path / "a.mp4")
    path = tmp_path / name
    path.write_text(text.format(clip="a.mp4"), encoding="utf-8")
    with pytest.raises(VideoError, match="playlist or another text that names other files"):
        probe(path)


def test_text_is_not_shown_as_a_picture(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("only words\n" * 500, encoding="utf-8")
    with pytest.raises(VideoError):
        probe(path)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path, make):
    make(tmp_path / "a.mp4")
    with FrameDecoder() as decoder, pytest.raises(VideoError, match="not a regular file"):
        decoder.probe(tmp_path / "a.mp4")


def test_the_time_limit_does_not_count_the_start_of_the_decoder(clip):
    with FrameDecoder(time_limit_s=0.2) as decoder:
        assert sum(map(len, decoder.stream(clip))) == 10
