"""Facts of a file as features, against the packets of real files."""

import av
import numpy as np
import pytest

from tests.fakes import clip_database
from vqa.features.extraction.feature_source import FeatureSource
from vqa.features.metadata import Metadata
from vqa.video import RawFormat, probe
from vqa.video.beginning import beginning


def test_numbers_are_those_of_the_stream(tmp_path):
    (video,) = clip_database(tmp_path / "clips", 1).videos
    source = FeatureSource.in_cache(Metadata(), None, "auto")
    source.fill([video], progress=False)
    found = source.load(video).features
    with av.open(str(video.path)) as container:
        coded = sum(packet.size for packet in container.demux(video=0))
    info = probe(video.path)
    bits, pixels = 8 * coded, info.width * info.height
    expected = [
        info.width, info.height, pixels / 1e6, info.frame_rate_hz, info.duration_s,
        bits / info.duration_s / 1e6, bits / pixels / info.frames,
    ]  # fmt: skip
    assert found.shape == (1, 7)
    assert found[0].tolist() == pytest.approx(expected, rel=1e-6)


def test_raw_video_has_its_whole_size(tmp_path):
    path = tmp_path / "a.yuv"
    path.write_bytes(bytes(range(256)) * 27)  # 64x36, two frames
    info = probe(path, raw=RawFormat.parse("64x36", "yuv420p", "limited", 2))
    features, _ = Metadata().describe(iter([]), info)
    np.testing.assert_allclose(features[0], [64, 36, 0.002304, 2, 1, 0.055296, 12], rtol=1e-6)


def test_the_beginning_of_a_video_has_its_share_of_the_bytes(tmp_path):
    (video,) = clip_database(tmp_path / "clips", 1).videos
    whole = probe(video.path)
    half = beginning(whole, whole.duration_s / 2)
    assert half.coded_bytes == whole.coded_bytes * half.frames // whole.frames > 0
