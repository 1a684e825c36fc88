"""Algorithms 1 to 3 of the saliency study: Algorithm 3 against loops, and both forward passes."""

import numpy as np
import pytest
import torch
from PIL import Image

from tests import toy_classifier  # noqa: F401 (registers it)
from vqa.features.saliency import Saliency, resized, through_jpeg
from vqa.features.saliency_correlation import (
    SaliencyCorrelation,
    window_correlation,
    without_stem,
)
from vqa.models.pretrained.imagenet import load_classifier
from vqa.models.pretrained.normalisation import normalise
from vqa.video import VideoInfo

CPU = torch.device("cpu")
TOY = {"weights": "random", "saliency_architecture": "toy_classifier", "device": "cpu"}


def literal(deep, saliency):
    picture = Image.fromarray(saliency.astype(np.float32))
    small = picture.resize((45, 45), Image.BILINEAR)
    s = [small.getpixel((column, row)) for row in range(45) for column in range(45)]
    cosines = []
    for shift in range(2048 - 2025 + 1):
        window = deep[shift : shift + 2025]
        product = sum(float(a) * float(b) for a, b in zip(window, s, strict=True))
        lengths = sum(float(a) ** 2 for a in window) * sum(b**2 for b in s)
        cosines.append(product / lengths**0.5)
    assert len(cosines) == 24
    return sum(cosines) / 24


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_algorithm_3_agrees_with_its_loop(seed):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:224, 0:224]
    saliency = np.exp(-((x - 40 * seed - 60) ** 2 + (y - 100) ** 2) / 4000)
    deep = rng.gamma(0.8, 0.5, 2048).astype(np.float32)
    wanted = literal(deep, saliency)
    assert 0.1 < wanted < 0.9
    assert window_correlation(deep, saliency) == pytest.approx(wanted, rel=1e-6)


RECORDED = (0.840855, 0.750897, -0.430181)


def test_recorded_cosines():
    """Compare with this module's values of 2025-11-21; another reading of the text moves them."""
    y, x = np.mgrid[0:224, 0:224] / 223
    deep = np.arange(2048) / 2047
    assert window_correlation(deep, x * y**2) == pytest.approx(RECORDED[0], abs=1e-6)
    assert window_correlation(deep, x**2 * y) == pytest.approx(RECORDED[1], abs=1e-6)
    assert window_correlation(1 - deep, -x * y) == pytest.approx(RECORDED[2], abs=1e-6)


def test_the_cosine_depends_on_the_sign_not_the_scale():
    rng = np.random.default_rng(3)
    saliency, deep = rng.random((224, 224)), rng.random(2048)
    cosine = window_correlation(deep, saliency)
    assert window_correlation(deep / 9, 7 * saliency) == pytest.approx(cosine, rel=1e-6)
    assert window_correlation(deep, -saliency) == pytest.approx(-cosine, rel=1e-6)
    assert window_correlation(np.ones(2048), np.ones((224, 224))) == pytest.approx(1)
    assert np.isnan(window_correlation(deep, np.zeros((224, 224))))


@pytest.mark.parametrize(
    ("saliency", "deep"), [((224, 224), (2024,)), ((224,), (2048,)), ((1, 224, 224), (2048,))]
)
def test_arrays_of_other_shapes_are_refused(saliency, deep):
    with pytest.raises(ValueError, match=r"expected a deep vector of at least 2025 numbers and"):
        window_correlation(np.zeros(deep), np.zeros(saliency))


@torch.inference_mode()
def test_a_pass_without_stem_skips_three_layers():
    model = load_classifier("resnet18", "random")
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    x = model.conv1(images)
    for layer in (model.layer1, model.layer2, model.layer3, model.layer4):
        x = layer(x)
    released = without_stem(model, images)
    torch.testing.assert_close(released, model.avgpool(x).flatten(1))
    head, model.fc = model.fc, torch.nn.Identity()
    ordinary = model(images)
    assert head.in_features == ordinary.shape[1] == released.shape[1] == 512
    assert not torch.allclose(released, ordinary, rtol=0.1)


@torch.inference_mode()
def test_each_frame_is_described_by_itself():
    frames = np.random.default_rng(0).integers(0, 256, (2, 48, 64, 3)).astype(np.uint8)
    ordinary, skipped = (SaliencyCorrelation(**TOY, stem=stem) for stem in ("ordinary", "skipped"))
    assert ordinary.fingerprint != skipped.fingerprint
    assert "without its stem" in skipped.weights
    assert "without its stem" not in ordinary.weights
    found = torch.cat([ordinary(frames), skipped(frames)], 1)
    assert found.shape == (2, 2)
    saliency = Saliency("toy_classifier", "random", device="cpu")
    network = load_classifier("resnet50", "random")
    network.fc = torch.nn.Identity()
    for frame, cosines in zip(frames, found.tolist(), strict=True):
        pictures = resized(frame[None])
        images = normalise(through_jpeg(pictures), CPU)
        map_ = saliency.maps(pictures)[0].numpy()
        vectors = (network(images), without_stem(network, images))
        for cosine, deep in zip(cosines, vectors, strict=True):
            wanted = window_correlation(deep[0].numpy(), map_)
            assert cosine == pytest.approx(wanted, rel=1e-5)


def test_the_last_frame_of_each_second_is_taken():
    info = VideoInfo(
        path="clip.mp4", container="mp4", codec="h264", pixel_format="yuv420p", width=64,
        height=48, frames=22, frame_rate_hz=10.0, duration_s=2.2, rotation_deg=0, edit_list=False,
        keyframes=(0,), times_s=np.arange(22) / 10,
    )  # fmt: skip
    assert SaliencyCorrelation.indices(None, info).tolist() == [9, 19]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stem": "released"}, r"stem='released': expected ordinary or skipped"),
        ({"architecture": "resnet18"}, r"resnet18 has 512 maps; expected at least 2025"),
        ({"weights": "mine.pth"}, r"with weights=mine\.pth the saliency needs weights of its own"),
    ],
)
def test_mistakes_get_one_clear_line(options, message):
    with pytest.raises(ValueError, match=message):
        SaliencyCorrelation(**TOY | options)
