"""The correlation study: Algorithm 3 against loops, both forward passes, and the command."""

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from benchmarks.saliency_study import correlate, deep_vectors, main, shifted_cosine
from tests import toy_classifier  # noqa: F401 (registers it)
from tests.clips import write_clip
from vqa.features.saliency import Saliency, resized, through_jpeg
from vqa.models.pretrained.imagenet import load_classifier
from vqa.models.pretrained.normalisation import normalise
from vqa.video import read_frames

TOY = ["--weights", "random", "--saliency-architecture", "toy_classifier", "--device", "cpu"]


def literal(saliency, deep):
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
    wanted = literal(saliency, deep)
    assert 0.1 < wanted < 0.9
    assert shifted_cosine(saliency, deep) == pytest.approx(wanted, rel=1e-6)


RECORDED = (0.840855, 0.750897, -0.430181)


def test_recorded_cosines():
    """Compare with this module's values of 2025-11-21; another reading of the text moves them."""
    y, x = np.mgrid[0:224, 0:224] / 223
    deep = np.arange(2048) / 2047
    assert shifted_cosine(x * y**2, deep) == pytest.approx(RECORDED[0], abs=1e-6)
    assert shifted_cosine(x**2 * y, deep) == pytest.approx(RECORDED[1], abs=1e-6)
    assert shifted_cosine(-x * y, 1 - deep) == pytest.approx(RECORDED[2], abs=1e-6)


def test_the_cosine_depends_on_the_sign_not_the_scale():
    rng = np.random.default_rng(3)
    saliency, deep = rng.random((224, 224)), rng.random(2048)
    cosine = shifted_cosine(saliency, deep)
    assert shifted_cosine(7 * saliency, deep / 9) == pytest.approx(cosine, rel=1e-6)
    assert shifted_cosine(-saliency, deep) == pytest.approx(-cosine, rel=1e-6)
    assert shifted_cosine(np.ones((224, 224)), np.ones(2048)) == pytest.approx(1)
    assert np.isnan(shifted_cosine(np.zeros((224, 224)), deep))


@pytest.mark.parametrize(
    ("saliency", "deep"), [((224, 224), (2024,)), ((224,), (2048,)), ((1, 224, 224), (2048,))]
)
def test_arrays_of_other_shapes_are_refused(saliency, deep):
    with pytest.raises(ValueError, match=r"expected a saliency map .* at least 2025 numbers"):
        shifted_cosine(np.zeros(saliency), np.zeros(deep))


@torch.inference_mode()
def test_the_released_forward_skips_three_layers():
    model = load_classifier("resnet18", "random")
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    x = model.conv1(images)
    for layer in (model.layer1, model.layer2, model.layer3, model.layer4):
        x = layer(x)
    released = deep_vectors(model, images, "released")
    torch.testing.assert_close(released, model.avgpool(x).flatten(1))
    head, model.fc = model.fc, torch.nn.Identity()
    ordinary = deep_vectors(model, images)
    torch.testing.assert_close(ordinary, model(images))
    assert head.in_features == ordinary.shape[1] == 512
    assert not torch.allclose(released, ordinary, rtol=0.1)


@torch.inference_mode()
def test_a_videos_table_is_made_frame_by_frame(tmp_path):
    path = tmp_path / "clip.mp4"
    write_clip(path, 22, rate=10)
    saliency = Saliency("toy_classifier", "random", device="cpu")
    network = load_classifier("resnet50", "random")
    table = correlate(path, saliency, network)
    assert table["frame"].tolist() == [9, 19]
    np.testing.assert_allclose(table["time_s"], [0.9, 1.9], atol=1e-3)
    for index, cosine in zip(table["frame"], table["cosine"], strict=True):
        pictures = resized(read_frames(path, [index]))
        images = normalise(through_jpeg(pictures), torch.device("cpu"))
        deep = deep_vectors(network, images)[0].numpy()
        wanted = shifted_cosine(saliency.maps(pictures)[0].numpy(), deep)
        assert cosine == pytest.approx(wanted, rel=1e-5)


def test_the_command_writes_table_and_histogram(tmp_path, caplog):
    write_clip(tmp_path / "a.mp4", 21, rate=10)
    write_clip(tmp_path / "b.mp4", 12, rate=10)
    (tmp_path / "c.mp4").write_bytes(b"no video")
    output = tmp_path / "study"
    videos = [str(tmp_path / name) for name in ("a.mp4", "b.mp4", "c.mp4")]
    with caplog.at_level("INFO"):
        main([*videos, "--output", str(output), *TOY])
    table = pd.read_csv(output / "cosines.csv")
    assert table["video"].tolist() == videos[:1] * 2 + videos[1:2]
    assert table["cosine"].between(-1, 1).all()
    assert (output / "histogram.png").read_bytes().startswith(b"\x89PNG")
    svg = (output / "histogram.svg").read_text()
    assert "RANDOM weights" in svg
    assert "3 of 3 frames of 2 videos" in svg
    assert "skipped" in caplog.text
    assert "c.mp4" in caplog.text


def test_errors_are_one_line(tmp_path):
    path = tmp_path / "a.mp4"
    with pytest.raises(SystemExit, match=r"^error: none of the videos could be read"):
        main([str(path), "--output", str(tmp_path), *TOY])
    with pytest.raises(SystemExit, match=r"^error: no weights file at /none\.pth"):
        main([str(path), "--weights", "/none.pth"])
    with pytest.raises(SystemExit, match=r"^error: torchvision has no classifier 'nothing'"):
        main([str(path), "--weights", "random", "--saliency-architecture", "nothing"])
