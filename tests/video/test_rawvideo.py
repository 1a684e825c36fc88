"""Raw planar video."""

from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np
import pytest

from tests import clips
from tests.clips import numbers
from vqa.video import (
    RawFormat,
    VideoError,
    choose_reader,
    probe,
    read_frames,
    reader_version,
    stream_frames,
)


def all_frames(path, **options):
    return np.concatenate(list(stream_frames(path, **options)))


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


def test_raw_full_range_differs_from_limited_range(tmp_path):
    path = tmp_path / "clip.yuv"
    path.write_bytes(bytes([235]) * 64 * 48 + bytes([128]) * (64 * 48 // 2))
    for full in (
        RawFormat(64, 48, color_range="full"),
        RawFormat(64, 48, pixel_format="yuvj420p"),
        RawFormat(64, 48, pixel_format="yuv420p", color_range="full"),
    ):
        assert all_frames(path, raw=full).mean() == pytest.approx(235, abs=1)
    for limited in (RawFormat(64, 48), RawFormat(64, 48, "yuv420p", "limited")):
        assert all_frames(path, raw=limited).mean() == pytest.approx(255, abs=1)


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv420p10le", "yuv422p12le", "yuv444p10le"])
@pytest.mark.parametrize("full", [False, True])
def test_the_same_samples_give_the_same_frames_as_in_a_container(tmp_path, pixel_format, full):
    lossless = clips.write_clip(
        tmp_path / "a.mkv", 5, codec="ffv1", pixel_format=pixel_format, full_range=full
    )
    path = tmp_path / "a.yuv"
    with av.open(str(lossless)) as container, path.open("wb") as file:
        for frame in container.decode(video=0):
            file.write(clips.samples(frame))
    raw = RawFormat(128, 96, pixel_format, "full" if full else "limited")
    assert np.array_equal(all_frames(path, raw=raw), all_frames(lossless))


def test_what_is_assumed_is_noted_and_what_is_given_is_not():
    assert RawFormat(2, 2).notes == (
        "raw video: 8-bit 4:2:0, limited range, 30 frames per second assumed",
    )
    assert RawFormat(2, 2, "yuvj420p").notes == ("raw video: 30 frames per second assumed",)
    assert RawFormat(2, 2, "gray", "full", 25.0).notes == ()
    assert probe_of(RawFormat(64, 48)).notes == RawFormat(64, 48).notes


def probe_of(raw):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.yuv"
        path.write_bytes(bytes([100]) * raw.coded_bytes)
        return probe(path, raw=raw)


@pytest.mark.parametrize("pixel_format", ["yuv420p10le", "yuv420p10be", "yuv420p12le"])
def test_samples_that_are_evidently_wider_than_assumed_are_refused(tmp_path, pixel_format):
    path = tmp_path / "a.yuv"
    clips.write_raw(path, 4, (128, 96), pixel_format)
    with pytest.raises(VideoError, match=r"wider than 8 bits.*yuv420p10"):
        probe(path, raw=RawFormat(128, 96))
    assert probe(path, raw=RawFormat(128, 96, pixel_format)).frames == 4
    assert probe(path, raw=RawFormat(128, 96, "yuv420p")).frames == 8  # the user is believed


@pytest.mark.parametrize("size", [(64, 48), (3, 5)])
def test_wider_samples_are_seen_although_the_video_begins_black(tmp_path, size):
    path = tmp_path / "a.yuv"
    raw = RawFormat(*size, pixel_format="yuv420p10le")
    clips.write_raw(path, 4, size, "yuv420p10le")
    path.write_bytes(bytes(raw.coded_bytes) + path.read_bytes())
    with pytest.raises(VideoError, match="wider than 8 bits"):
        probe(path, raw=RawFormat(*size))


@pytest.mark.parametrize("luma", [0, 3, 16, 20, 255])
def test_flat_and_dark_video_of_8_bits_is_not_taken_for_wider_samples(tmp_path, luma):
    path = tmp_path / "a.yuv"
    path.write_bytes((bytes([luma]) * 64 * 48 + bytes([128]) * (64 * 48 // 2)) * 2)
    assert probe(path, raw=RawFormat(64, 48)).frames == 2


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
    with pytest.raises(ValueError, match="at least 1x1"):
        RawFormat(0, 96)


def test_a_file_that_becomes_shorter_or_disappears_is_an_error(tmp_path):
    path, raw = tmp_path / "clip.yuv", RawFormat(64, 48)
    clips.write_raw(path, 4, (64, 48), "yuv420p")
    info = probe(path, raw=raw)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(VideoError, match="ends early"):
        all_frames(path, raw=raw, info=info)
    path.unlink()
    with pytest.raises(VideoError, match="cannot be read: No such file"):
        all_frames(path, raw=raw, info=info)


@pytest.mark.parametrize("name", ["rgb565le", "monow", "pal8", "vaapi", "x2rgb10le", "", "YUV420P"])
def test_only_formats_of_whole_bytes_are_raw_video(name):
    with pytest.raises(ValueError, match="expected one of FFmpeg's names for samples of whole"):
        RawFormat(64, 48, pixel_format=name)


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ((None, "yuv420p"), "needs its size"),
        ((None, None, None, 0), "needs its size"),
        (("1920",), "expected WIDTHxHEIGHT"),
        (("0x5",), "at least 1x1"),
        (("4x4", None, "wide"), "expected limited or full"),
        (("4x4", "yuvj420p", "limited"), "has full range, found limited"),
        (("4x4", None, None, "fast"), "expected a number, such as 25"),
        (("4x4", None, None, 0), "expected a rate above 0"),
        (("4x4", None, None, "nan"), "expected a rate above 0"),
        (("4x4", None, None, "inf"), "expected a rate above 0"),
    ],
)
def test_options_that_are_no_format_are_refused(given, error):
    with pytest.raises(ValueError, match=error):
        RawFormat.parse(*given)


def test_options_are_a_format():
    assert RawFormat.parse(None) is None
    assert RawFormat.parse("4X2", "yuv420p", "full", "29.97") == RawFormat(
        4, 2, "yuv420p", "full", 29.97
    )
