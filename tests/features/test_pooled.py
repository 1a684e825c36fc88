"""Pooled ResNet-50 features against torchvision's own average pooling."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from vqa.features.nss.imresize import imresize
from vqa.features.pooled import PooledFeatures, resized
from vqa.models.pretrained.imagenet import load_classifier
from vqa.models.pretrained.normalisation import normalise


@pytest.fixture(scope="module")
def frames():
    return np.random.default_rng(0).integers(0, 256, (3, 45, 61, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def cnn():
    return PooledFeatures("resnet18", "random", "cpu")


@torch.inference_mode()
def test_resnet50_agrees_with_its_average_pooling(frames):
    cnn = PooledFeatures(weights="random", device="cpu")
    assert cnn.dim == 2048
    model = load_classifier("resnet50", "random")
    model.fc = torch.nn.Identity()
    x = torch.from_numpy(frames).permute(0, 3, 1, 2).double()
    x = imresize(x, size=(224, 224), rounded=True).permute(0, 2, 3, 1)
    wanted = model(normalise(x.to(torch.uint8).numpy(), torch.device("cpu")))
    features = cnn(frames)
    assert features.shape == (3, 2048)
    torch.testing.assert_close(features, wanted, rtol=1e-3, atol=1e-4 * wanted.abs().max().item())


def test_frames_of_any_shape_are_resized(frames):
    assert resized(frames).shape == (3, 224, 224, 3)
    flat = np.full((2, 300, 40, 3), (10, 20, 30), np.uint8)
    assert (resized(flat) == (10, 20, 30)).all()
    ramp = np.repeat(np.arange(224, dtype=np.uint8)[:, None, None], 224, 1).repeat(3, 2)
    assert (resized(ramp[None])[0] == ramp).all()


def test_features_do_not_depend_on_chunk_batch_or_context(frames, cnn):
    whole = cnn(frames)
    together = PooledFeatures("resnet18", "random", "cpu", batch_frames=3)
    assert together.fingerprint == cnn.fingerprint
    torch.testing.assert_close(together(frames), whole, rtol=1e-4, atol=1e-5)
    assert torch.equal(cnn(frames[2:]), whole[2:])
    assert torch.equal(cnn(frames, context=2), whole[2:])


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (17, 33)])
@pytest.mark.parametrize("value", [0, 255])
def test_extremes_are_finite(cnn, value, size):
    assert cnn(np.full((1, *size, 3), value, np.uint8)).isfinite().all()


def test_frames_are_the_middle_of_each_second(cnn):
    info = SimpleNamespace(frames=75, frame_rate_hz=29.97)
    assert cnn.indices(info).tolist() == [15, 45]


def test_names(cnn):
    assert (cnn.name, cnn.dim, cnn.untrained, cnn.context) == ("cnn", 512, True, 0)
    assert cnn.weights.startswith("resnet18 random sha256:")
    assert cnn.fingerprint != PooledFeatures("squeezenet1_1", "random", "cpu").fingerprint
    with pytest.raises(ValueError, match=r"^cnn: expected uint8 frames"):
        cnn(np.zeros((1, 8, 8), np.uint8))
