"""Raw planar video."""

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
