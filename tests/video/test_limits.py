"""Limits: absurd sizes, much memory, names of any bytes, files that name other files."""

import os
import shutil
import struct
import zlib
from pathlib import Path

import av
import numpy as np
import pytest

from tests import clips
from vqa.video import RawFormat, VideoError, probe, read_frames, stream_frames
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


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc")
def test_frames_above_the_limit_take_no_memory(tmp_path, clip):
    large = tmp_path / "a.png"
    header = struct.pack(">IIBBBBB", 12000, 12000, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(12000 * 3 + 1))
    parts = [(b"IHDR", header), (b"IDAT", rows), (b"IEND", b"")]
    large.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
            for kind, data in parts
        )
    )

    def peak_kb(decoder):
        status = Path(f"/proc/{decoder.pid}/status").read_text(encoding="utf-8")
        return int(status.split("VmPeak:")[1].split()[0])

    with FrameDecoder() as decoder:
        decoder.probe(clip)
        before_kb = peak_kb(decoder)
        with pytest.raises(VideoError, match="has frames of 12000x12000 pixels; the limit"):
            decoder.probe(large)
        assert peak_kb(decoder) - before_kb < 100_000  # a frame takes 432 MB


def test_frames_at_the_limit_are_read_although_decoders_pad_them(tmp_path, monkeypatch):
    path = clips.write_clip(tmp_path / "a.mp4", 5, size=(130, 98))  # stored as 144x112
    monkeypatch.setenv("VQA_MAX_PIXELS", str(130 * 98))
    assert len(read_frames(path, range(5))) == 5
    monkeypatch.setenv("VQA_MAX_PIXELS", str(130 * 98 - 1))
    with pytest.raises(VideoError, match="130x98 pixels; the limit is 12739; VQA_MAX_PIXELS=12740"):
        probe(path)


def test_frames_that_grow_above_the_limit_are_not_decoded(tmp_path, monkeypatch):
    small = write_large(tmp_path / "small.mov", (64, 48))
    large = write_large(tmp_path / "large.mov", (8000, 5000))
    path = tmp_path / "grows.mjpeg"
    with av.open(str(small)) as first, av.open(str(large)) as second, path.open("wb") as file:
        for packet in (*first.demux(), *first.demux(), *second.demux()):
            file.write(bytes(packet))
    monkeypatch.setenv("VQA_MAX_PIXELS", "10000")
    with FrameDecoder() as decoder, pytest.raises(VideoError, match="cannot be decoded"):
        list(decoder.stream(path))


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


@pytest.mark.parametrize("name", ["100%d.png", "a*.png", "{b,c}.bmp", "[d].png", "e?.png"])
def test_the_name_of_an_image_means_itself(tmp_path, name):
    neighbours = ("1000.png", "aa.png", "b.bmp", "c.bmp", "d.png", "ee.png")
    for file in (*neighbours, name):
        write_image(tmp_path / file, grey=200 if file == name else 10)
    assert probe(tmp_path / name).frames == 1
    assert read_frames(tmp_path / name, [0]).mean() == pytest.approx(200, abs=1)


def write_image(path, grey):
    with av.open(str(path), "w", format="image2", options={"update": "1"}) as container:
        stream = container.add_stream("bmp" if path.suffix == ".bmp" else "png", rate=25)
        stream.width, stream.height = 32, 16
        stream.pix_fmt = "bgr24" if path.suffix == ".bmp" else "rgb24"
        frame = av.VideoFrame.from_ndarray(np.full((16, 32, 3), grey, np.uint8), format="rgb24")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def test_an_error_in_a_file_of_any_name_arrives(tmp_path, clip):
    path = tmp_path / os.fsdecode(b"caf\xe9.mp4")
    path.write_bytes(clip.read_bytes()[:3000])
    with FrameDecoder() as decoder, pytest.raises(VideoError, match=r"caf\\xe9\.mp4: ") as caught:
        decoder.probe(path)
    assert caught.value.path == path


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


def test_a_movie_does_not_read_the_file_that_it_names(tmp_path, clip):
    """A QuickTime file whose samples are in another file, which FFmpeg opens if it is told to."""
    neighbour = tmp_path / "neighbour"
    shutil.copy(clip, neighbour)
    data = clip.read_bytes()
    start = data.index(b"dref") + 12
    entry = data[start : start + 12]
    assert entry[4:8] == b"url "
    name = str(neighbour).encode()
    alias = bytes(10) + b"\0" + bytes(27 + 12) + b"\0" + bytes(63 + 16) + bytes(4) + bytes(16)
    alias += struct.pack(">hH", 2, len(name)) + name + bytes(len(name) % 2) + b"\xff\xff\0\0"
    alias = struct.pack(">I4sI", 12 + len(alias), b"alis", 0) + alias
    movie = bytearray(data[:start] + alias + data[start + 12 :])
    for box in (b"dref", b"dinf", b"minf", b"mdia", b"trak", b"moov"):
        place = data.index(box) - 4
        size = struct.unpack_from(">I", movie, place)[0]
        struct.pack_into(">I", movie, place, size + len(alias) - 12)
    path = tmp_path / "a.mov"
    path.write_bytes(movie)
    with av.open(str(path), options={"enable_drefs": "1", "use_absolute_path": "1"}) as container:
        assert sum(1 for _ in container.decode(video=0)) == 10  # so this is such a file
    with pytest.raises(VideoError):
        list(stream_frames(path))


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


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("none.mp4", "no such file"),
        ("file/a.mp4", "cannot be opened: Not a directory"),
        ("loop", "cannot be opened: Too many levels of symbolic links"),
        ("a" * 300, "cannot be opened: File name too long"),
        ("a\0.mp4", "cannot be opened: embedded null byte"),
        ("empty.mp4", "the file is empty"),
    ],
)
def test_what_cannot_be_reached_is_an_error_of_the_video(tmp_path, name, cause):
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(VideoError, match=cause):
        probe(tmp_path / name)
    with FrameDecoder() as decoder, pytest.raises(VideoError, match=cause):
        decoder.probe(tmp_path / name)


def test_raw_video_without_a_size_says_so(tmp_path):
    path = tmp_path / "a.yuv"
    path.write_bytes(bytes(64 * 48 * 3 // 2))
    with pytest.raises(VideoError, match="raw video without a size: expected its width and height"):
        probe(path)


def test_what_the_child_prints_is_not_printed(tmp_path, clip, monkeypatch, capfd):
    code = "print('noise', flush=True)\n"
    (tmp_path / "sitecustomize.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    with FrameDecoder() as decoder:
        assert decoder.probe(clip).frames == 10
    assert capfd.readouterr().out == ""


def test_a_message_that_is_cut_is_a_crash_of_the_child(clip, monkeypatch):
    monkeypatch.setattr("vqa.video.decoder.ABANDON_LIMIT_S", 0.3)
    with FrameDecoder() as decoder:
        decoder.probe(clip)
        cut = OSError("got end of file during message")
        monkeypatch.setattr(type(decoder._child.connection), "recv", _raising(cut))
        with pytest.raises(VideoError, match="the decoding process ended with"):
            decoder.probe(clip)
        monkeypatch.undo()
        assert decoder.probe(clip).frames == 10


def _raising(error):
    def fail(*_):
        raise error

    return fail


def test_the_time_limit_does_not_count_the_start_of_the_decoder(clip):
    with FrameDecoder(time_limit_s=0.2) as decoder:
        assert sum(map(len, decoder.stream(clip))) == 10
