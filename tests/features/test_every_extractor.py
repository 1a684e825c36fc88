"""The contract of every extractor that conf/features names; a new one needs no entry here."""

import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf

from tests import toy_classifier  # noqa: F401 (registers it)
from tests.fakes import MadeDecoder, named_videos
from tests.places import CONF
from vqa.commands.building import build, locate
from vqa.commands.configuration import compose, resolved
from vqa.features.extraction.pipeline import extract_videos
from vqa.features.extractor import Extractor
from vqa.video import VideoInfo
from vqa.video.pixels import frame_shape

# Options that make slow extractors fast. An extractor that is not listed runs with its defaults,
# on the CPU and with random weights if it has any.
SMALL = {
    "cnn": {"architecture": "toy_classifier"},
    "gram": {"layers": ["Mixed_5b"], "upper": True},
    "nss": {"workers": 1},
    "openclip": {"architecture": "toy"},
    "timm": {"architecture": "test_efficientnet"},
    "saliency": {"architecture": "toy_classifier"},
    "saliency_correlation": {"saliency_architecture": "toy_classifier"},
    "vsfacnn_saliency": {"saliency_architecture": "toy_classifier"},
}
SAME = ("metadata", "none", "saliency_correlation")  # features that made videos share
FRAMES, RATE_HZ = 6, 3.0
HEIGHT, WIDTH = 72, 100


def names():
    """Features that an extractor computes, by the files of conf/features."""
    for path in sorted((CONF / "features").glob("*.yaml")):
        settings = OmegaConf.load(path)
        if not path.name.startswith("_") and "extractor" in settings:
            yield path.stem


def settings_of(name):
    """Plain settings of an extractor, with small options and random weights."""
    settings = resolved(compose("extract", [f"features={name}"]))["features"][name]["extractor"]
    taken = {"device": "cpu", "weights": "random"}
    return settings | {key: taken[key] for key in taken if key in settings} | SMALL.get(name, {})


@dataclass
class Case:
    """An extractor, and a video in the pixels that it takes."""

    name: str
    settings: dict
    extractor: Extractor
    info: VideoInfo
    frames: np.ndarray

    @cached_property
    def whole(self):
        """The features of the video in one chunk."""
        return self.describe(FRAMES)[0]

    def describe(self, *sizes):
        """Describe the video in chunks of these sizes; the last size is repeated."""
        chunks, start = [], 0
        while start < len(self.frames):
            size = sizes[min(len(chunks), len(sizes) - 1)]
            chunks.append(self.frames[start : start + size])
            start += size
        features, times_s = self.extractor.describe(iter(chunks), self.info)
        return features, times_s


@pytest.fixture(scope="module", params=list(names()))
def case(request):
    settings = settings_of(request.param)
    extractor = build(settings)
    info = VideoInfo(
        path=Path("clip.mp4"), container="mov,mp4", codec="h264", pixel_format="yuv420p",
        width=WIDTH, height=HEIGHT, frames=FRAMES, frame_rate_hz=RATE_HZ,
        duration_s=FRAMES / RATE_HZ, rotation_deg=0, edit_list=False, keyframes=(0,),
        times_s=np.arange(FRAMES) / RATE_HZ,
    )  # fmt: skip
    rng = np.random.default_rng(0)
    clip = rng.integers(0, 256, (FRAMES, *frame_shape(info, extractor.pixels))).astype(np.uint8)
    indices = extractor.indices(info)
    frames = clip if indices is None else clip[indices]
    return Case(request.param, settings, extractor, info, frames)


def test_the_number_of_extractors():
    assert len(list(names())) >= 13


def test_the_class_is_an_extractor_and_the_name_is_the_files(case):
    assert issubclass(locate(case.settings["_target_"]), Extractor)
    assert case.extractor.name == case.name
    section = resolved(compose("extract", [f"features={case.name}"]))["features"]
    assert list(section) == [case.name]
    assert section[case.name]["name"] == case.name


def test_features_are_rows_of_the_stated_length(case):
    features, times_s = case.describe(FRAMES)
    rows = len(case.frames) if times_s is None else len(times_s)
    assert features.shape == (rows, case.extractor.dim)
    assert features.dtype in (torch.float32, torch.float64)
    assert features.device.type == "cpu"
    assert rows > 0
    if times_s is not None:
        assert times_s.dtype == torch.float64
        assert (times_s.diff() > 0).all()
        assert 0 <= times_s[0] <= times_s[-1] <= case.info.duration_s


def test_the_same_frames_give_the_same_features(case):
    again = case.describe(FRAMES)[0]
    assert torch.equal(again.nan_to_num(7), case.whole.nan_to_num(7))


@pytest.mark.parametrize("sizes", [(2, 1), (3, 2), (2,)])
def test_features_do_not_depend_on_chunks(case, sizes):
    whole, part = case.whole, case.describe(*sizes)[0]
    finite = whole[whole.isfinite()]
    scale = finite.abs().max().item() if len(finite) else 1
    torch.testing.assert_close(part, whole, rtol=1e-4, atol=1e-5 * scale, equal_nan=True)


def test_frames_are_not_changed_and_may_be_read_only(case):
    before = case.frames.copy()
    case.frames.setflags(write=False)
    case.describe(FRAMES)
    case.frames.setflags(write=True)
    assert np.array_equal(case.frames, before)


def test_frames_may_be_on_the_device_already(case):
    if not case.extractor.on_device:
        pytest.skip("its frames come from the CPU")
    features, times_s = case.extractor.describe(iter([torch.from_numpy(case.frames)]), case.info)
    assert times_s is None
    assert torch.equal(features, case.whole)


def test_chosen_frames_ascend_within_the_video(case):
    indices = case.extractor.indices(case.info)
    assert case.extractor.chooses_frames == (indices is not None)
    if indices is not None:
        assert indices.dtype == np.int64
        assert (np.diff(indices) > 0).all()
        assert 0 <= indices[0] <= indices[-1] < FRAMES


def test_the_fingerprint_and_the_weights_are_stable(case):
    other = build(case.settings)
    assert other.fingerprint == case.extractor.fingerprint
    assert other.weights == case.extractor.weights
    assert len(other.fingerprint) >= 16
    int(other.fingerprint, 16)


def test_random_weights_are_untrained(case):
    assert case.extractor.untrained == (case.settings.get("weights") == "random")


def test_only_an_extractor_that_draws_has_maps(case):
    assert case.extractor.draws == (type(case.extractor).draw is not Extractor.draw)
    if case.extractor.draws:
        frame = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8)
        maps = case.extractor.draw(frame)
        assert maps
        for title, values in maps:
            assert title
            assert values.shape == (HEIGHT, WIDTH)
            assert values.dtype == np.float32
            assert not np.isnan(values).all()


def test_torchs_settings_are_untouched(case):
    def state():
        return torch.get_num_threads(), torch.is_grad_enabled(), torch.get_default_dtype()

    settings, generator = state(), torch.get_rng_state()
    build(case.settings)
    case.describe(FRAMES)
    assert state() == settings
    assert torch.equal(torch.get_rng_state(), generator)


def test_several_lanes_give_the_features_of_one(case, tmp_path, monkeypatch):
    """Lanes that take turns every few instructions, and many at the same time."""
    if case.extractor.name in ("resnet18", "resnet101"):
        pytest.skip("the same class as resnet50, which is tried")
    monkeypatch.setattr("vqa.features.extraction.decoding_thread.FrameDecoder", MadeDecoder)
    monkeypatch.setattr("vqa.features.extraction.lanes.RAMP_S", 0)
    videos = named_videos(tmp_path, 4)

    def features(decoders):
        results = list(extract_videos(videos, case.extractor, decoders=decoders))
        assert [video for video, _ in results] == videos
        return [result.features for _, result in results]

    assert case.extractor.parallel
    alone, before = features(1), sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        together = features(3)
    finally:
        sys.setswitchinterval(before)
    for one, other in zip(alone, together, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0, equal_nan=True)
    assert not torch.equal(alone[0].nan_to_num(), alone[1].nan_to_num()) or case.name in SAME
