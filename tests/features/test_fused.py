"""Saliency added to the image or to the feature maps, literally."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tests import toy_classifier  # noqa: F401 (registers it)
from vqa.features.fused import SaliencyFusion
from vqa.features.saliency import Saliency, resized
from vqa.models.pretrained.imagenet import load_classifier
from vqa.models.pretrained.normalisation import normalise
from vqa.models.pretrained.weights import WeightsError

TOY = {"saliency_architecture": "toy_classifier", "device": "cpu"}


@pytest.fixture(scope="module")
def frames():
    return np.random.default_rng(0).integers(0, 256, (2, 72, 97, 3)).astype(np.uint8)


@torch.inference_mode()
@pytest.mark.parametrize("fusion", ["input", "featuremap"])
def test_saliency_is_added_to_the_image_or_the_feature_maps(frames, fusion):
    extractor = SaliencyFusion("resnet18", "random", fusion=fusion, **TOY)
    features = extractor(frames)
    assert features.shape == (2, extractor.dim) == (2, 1024)
    saliency = Saliency("toy_classifier", "random", device="cpu")
    model = load_classifier("resnet18", "random")
    for frame, found in zip(frames, features, strict=True):
        picture = resized(frame[None])
        x = normalise(picture, torch.device("cpu"))
        (map_,) = saliency.maps(picture)
        if fusion == "input":
            x = torch.stack([x[:, channel] + map_ for channel in range(3)], 1)
        x = model.maxpool(model.relu(model.bn1(model.conv1(x))))
        (x,) = model.layer4(model.layer3(model.layer2(model.layer1(x))))
        if fusion == "featuremap":
            for row in range(7):
                for column in range(7):
                    part = map_[32 * row : 32 * row + 32, 32 * column : 32 * column + 32]
                    x[:, row, column] += part.mean()
        x = x.flatten(1)
        wanted = torch.cat([x.mean(1), x.std(1, correction=1)])
        scale = wanted.abs().max().item()
        torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-4 * scale)


def test_resnet50_gives_4096(frames):
    extractor = SaliencyFusion(weights="random", **TOY)
    assert extractor(frames[:1]).shape == (1, extractor.dim) == (1, 4096)


def test_fingerprints_depend_on_fusion_and_saliency():
    made = [
        SaliencyFusion("resnet18", "random", **options, **TOY)
        for options in ({}, {"fusion": "featuremap"}, {"jpeg": False})
    ]
    assert len({extractor.fingerprint for extractor in made}) == 3
    assert all(extractor.untrained for extractor in made)
    assert made[0].weights.count("sha256:") == 2


def test_precision_affects_only_the_saliency(frames):
    exact = SaliencyFusion("resnet18", "random", **TOY)
    near = SaliencyFusion("resnet18", "random", precision="bfloat16", **TOY)
    assert near.fingerprint != exact.fingerprint
    assert near.weights == f"{exact.weights} (masks in bfloat16)"
    wanted, found = exact(frames), near(frames)
    assert 0 < (found - wanted).abs().max() < 0.05 * wanted.abs().max()
    saliency = near._saliency.maps(resized(frames))
    assert torch.equal(saliency, near._saliency.maps(resized(frames)))
    images = normalise(resized(frames), near.device) + saliency[:, None]
    deviations, means = torch.std_mean(exact._deep(images)[0], dim=(2, 3))
    torch.testing.assert_close(found, torch.cat([means, deviations], 1))
    with pytest.raises(ValueError, match=r"^precision='float16': expected"):
        SaliencyFusion("resnet18", "random", precision="float16", **TOY)


def test_features_do_not_depend_on_chunk_or_batch(frames):
    extractor = SaliencyFusion("resnet18", "random", **TOY)
    whole = extractor(frames)
    for batch in (1, 50):
        other = SaliencyFusion("resnet18", "random", batch_masks=batch, **TOY)
        single = torch.cat([other(frame[None]) for frame in frames])
        scale = whole.abs().max().item()
        torch.testing.assert_close(single, whole, rtol=1e-4, atol=1e-5 * scale)
    assert extractor(frames, context=1).shape == (1, 1024)


@pytest.mark.parametrize("value", [0, 255])
def test_extremes_are_finite(value):
    extractor = SaliencyFusion("resnet18", "random", **TOY)
    assert extractor(np.full((1, 3, 5, 3), value, np.uint8)).isfinite().all()


def test_frames_are_the_first_of_each_whole_second(frames):
    extractor = SaliencyFusion("resnet18", "random", **TOY)
    info = SimpleNamespace(frames=70, frame_rate_hz=25.0)
    assert extractor.indices(info).tolist() == [0, 25]
    ((_, drawn),) = extractor.draw(frames[0])
    assert drawn.shape == frames[0].shape[:2]


def test_invalid_options_are_refused(tmp_path):
    with pytest.raises(ValueError, match="fusion='sum': expected input or featuremap"):
        SaliencyFusion("resnet18", "random", fusion="sum", **TOY)
    path = tmp_path / "resnet18.pth"
    torch.save(load_classifier("resnet18", "random").state_dict(), path)
    with pytest.raises(ValueError, match=r"\.saliency_weights to a file for toy_classifier"):
        SaliencyFusion("resnet18", str(path), **TOY)
    trained = SaliencyFusion("resnet18", str(path), saliency_weights="random", **TOY)
    assert trained.untrained, "half of it is random"
    with pytest.raises(WeightsError, match="does not hold toy_classifier"):
        SaliencyFusion("resnet18", "random", saliency_weights=str(path), **TOY)
