"""Frames that travel as planes: their RGB is FFmpeg's bit by bit, and so are the features."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tests import clips, toy_classifier  # noqa: F401 (registers it)
from tests.clips import VP9
from vqa.databases.records import VideoRecord
from vqa.features.convnet import ConvnetStatistics
from vqa.features.extraction import coded_frames
from vqa.features.extraction.coded_frames import is_exact, pixels_for, rgb_on
from vqa.features.extraction.pipeline import extract_videos
from vqa.features.openclip import OpenClipWindows
from vqa.video import RawFormat, VideoError, probe, stream_frames
from vqa.video.decoder import FrameDecoder

CPU = torch.device("cpu")
FULL = {"pixel_format": "yuvj420p", "full_range": True}
INTERLACED = {"options": {"flags": "+ildct+ilme", "x264-params": "tff=1"}}
FILES = {
    "h264.mp4": {},
    "bt709.mp4": {"bt709": True},
    "full.mp4": FULL,
    "full_bt709.mp4": {**FULL, "bt709": True},
    "full.webm": {**VP9, "full_range": True},
    "cropped.mp4": {"size": (90, 74)},
    "odd.mp4": {"size": (131, 98), "codec": "mpeg4"},
    "interlaced.mp4": INTERLACED,
    "turned.mp4": {"rotation": 90},
    "odd_turned.mp4": {"size": (98, 131), "codec": "mpeg4", "rotation": -90},
    "flipped.mp4": {"rotation": 180, "mirrored": True},
    "mirrored.mp4": {"mirrored": True, "bt709": True},
    "upside_down.mp4": {**FULL, "bt709": True, "rotation": 180},
}


@pytest.fixture(autouse=True)
def needs_equal_arithmetic():
    if not is_exact(128, CPU):
        pytest.skip("on this processor, FFmpeg converts colours by other arithmetic")


@pytest.fixture
def everywhere(monkeypatch):
    """Let frames become RGB on the CPU; yields the pixels that decoders were asked for."""
    asked, stream = [], FrameDecoder.stream

    def watched(self, path, indices, raw, info, pixels, leaping):
        asked.append(pixels)
        return stream(self, path, indices, raw, info, pixels, leaping)

    monkeypatch.setattr(FrameDecoder, "stream", watched)
    monkeypatch.setattr(coded_frames, "takes_coded", lambda extractor: extractor.on_device)
    return asked


def read(path, pixels, **options):
    return np.concatenate(list(stream_frames(path, pixels=pixels, **options)))


def same_rgb(path, **options):
    info = probe(path, **options)
    ours = rgb_on(CPU, read(path, "coded", **options), info.height, info.width)
    return np.array_equal(ours.numpy(), read(path, "rgb24", **options))


def features_of(path, extractor, video=None):
    (_, result), *rest = extract_videos([video or VideoRecord(path.name, path, 3.0)], extractor)
    assert not rest
    return result


@pytest.mark.parametrize("width", [1, 2, 6, 15, 16, 17, 97, 854, 1920])
def test_every_kind_of_value_in_every_colour(width):
    assert is_exact(width, CPU)


@pytest.mark.parametrize("name", FILES)
def test_rgb_is_ffmpegs(tmp_path, name):
    assert same_rgb(clips.write_clip(tmp_path / name, 5, **FILES[name]))


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuvj420p"])
def test_rgb_of_raw_video_is_ffmpegs(tmp_path, pixel_format):
    clips.write_raw(tmp_path / "clip.yuv", 4, (131, 98), pixel_format)
    assert same_rgb(tmp_path / "clip.yuv", raw=RawFormat(131, 98, pixel_format=pixel_format))


def joined(tmp_path, first, second):
    parts = [
        clips.write_clip(tmp_path / f"{number}.h264", 20, **settings)
        for number, settings in enumerate((first, second))
    ]
    path = tmp_path / "joined.h264"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


@pytest.mark.parametrize("second", [{"bt709": True}, {**FULL, "bt709": True}])
def test_the_colour_may_change_within_a_file(tmp_path, second):
    path = joined(tmp_path, {}, second)
    assert len(set(read(path, "coded")[:, -1])) == 2
    assert same_rgb(path)


def test_from_a_frame_on_that_is_not_420_a_file_is_read_as_rgb(tmp_path, everywhere):
    path = joined(tmp_path, {}, {"pixel_format": "yuv422p"})
    extractor = ConvnetStatistics("resnet18", "random", "cpu")
    result = features_of(path, extractor)
    assert everywhere == ["coded", "rgb24"]
    assert result.features.shape == (40, 1024)
    assert torch.equal(result.features, extractor(read(path, "rgb24")))


@pytest.mark.parametrize("name", ["h264.mp4", "full_bt709.mp4", "odd.mp4"])
def test_features_are_equal(tmp_path, everywhere, monkeypatch, name):
    path = clips.write_clip(tmp_path / name, 5, **FILES[name])
    for extractor in (
        ConvnetStatistics("resnet18", "random", "cpu"),
        OpenClipWindows("toy", "random", device="cpu"),
    ):
        coded = features_of(path, extractor)
        with monkeypatch.context() as patch:
            patch.setattr(coded_frames, "takes_coded", lambda extractor: False)
            plain = features_of(path, extractor)
        assert everywhere[-2:] == ["coded", "rgb24"]
        assert torch.equal(coded.features, plain.features)
        assert replace(coded, features=None, times_s=None, seconds=0, info=None) == replace(
            plain, features=None, times_s=None, seconds=0, info=None
        )


def test_an_error_of_the_conversion_costs_one_video(tmp_path, everywhere, monkeypatch):
    def full(*arguments):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("vqa.features.extraction.describing.rgb_on", full)
    path = clips.write_clip(tmp_path / "clip.mp4", 40)
    result = features_of(path, ConvnetStatistics("resnet18", "random", "cpu"))
    assert "takes more memory" in str(result)


def test_planes_are_for_extractors_on_a_gpu_and_files_of_known_colour(tmp_path, monkeypatch):
    monkeypatch.setattr(coded_frames, "is_exact", lambda width, device: width != 130)
    gpu = SimpleNamespace(pixels="rgb24", on_device=True, device=torch.device("cuda", 0))
    info = probe(clips.write_clip(tmp_path / "clip.mp4", 2))
    assert pixels_for(gpu, info, "pyav") == pixels_for(gpu, info, "raw") == "coded"
    assert pixels_for(gpu, info, "decord") == "rgb24"
    for changed in ({"pixel_format": "yuv420p10le"}, {"height": 97}, {"width": 130}):
        assert pixels_for(gpu, replace(info, **changed), "pyav") == "rgb24"
    for changed in ({"on_device": False}, {"device": CPU}):
        assert pixels_for(SimpleNamespace(**vars(gpu) | changed), info, "pyav") == "rgb24"
    nss = SimpleNamespace(pixels="yuv420p", on_device=False, device=torch.device("cuda"))
    assert pixels_for(nss, info, "pyav") == "yuv420p"


def test_another_ffmpeg_is_noticed(monkeypatch):
    real = coded_frames.coded_specimen

    def brighter(colour, width):
        coded, rgb = real(colour, width)
        return coded, np.where(rgb == 100, 101, rgb).astype(np.uint8)

    def refused(colour, width):
        raise VideoError("specimen", "cannot be converted")

    for other in (brighter, refused):
        is_exact.cache_clear()
        with monkeypatch.context() as patch:
            patch.setattr(coded_frames, "coded_specimen", other)
            assert not is_exact(32, CPU)
    is_exact.cache_clear()
    assert is_exact(32, CPU)
