"""Score-CAM in batches against one mask at a time, as in the published code."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from tests import toy_classifier  # noqa: F401 (registers it)
from vqa.features.score_cam import scaled, score_cam
from vqa.models.pretrained.classifier import Classifier
from vqa.models.pretrained.imagenet import load_classifier


def literal(model, tap, image):
    """Compute the map (H, W) of one image (3, H, W), None if it is constant."""
    maps, logits = tap(image[None])[0], model(image[None])[0]
    chosen = int(logits.argmax())
    total = torch.zeros(image.shape[1:])
    for k in range(len(maps)):
        u = functional.interpolate(
            maps[None, k : k + 1], image.shape[1:], mode="bilinear", align_corners=False
        )[0, 0]
        if u.max() == u.min():
            continue
        n = (u - u.min()) / (u.max() - u.min())
        probability = model((n * image)[None])[0].softmax(0)[chosen]
        total += probability * u
    total = total.relu()
    if total.max() == total.min():
        return None
    return (total - total.min()) / (total.max() - total.min())


@pytest.fixture(scope="module")
def model():
    return load_classifier("toy_classifier", "random")


@pytest.fixture(scope="module")
def images():
    """Three images, each with noise in another corner."""
    images = torch.randn(3, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    images[0, :, 100:] = 0.5
    images[1, :, :, :120] = -1
    images[2, :, :70] *= 3
    return images


@pytest.mark.parametrize("batch", [1, 5, 16, 100])
def test_batches_agree_with_one_mask_at_a_time(model, images, batch):
    classifier = Classifier("toy_classifier", "random", "cpu")
    maps, logits = classifier(images)
    found = score_cam(images, maps, logits, classifier.logits, batch=batch)
    wanted = torch.stack([literal(model, model.features[:4], image) for image in images])
    assert found.shape == (3, 224, 224)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)
    assert (wanted.std((1, 2)) > 0.05).all(), "the maps must vary for the test to mean anything"


def test_only_uneven_maps_are_classified(images):
    classifier = Classifier("toy_classifier", "random", "cpu")
    maps, logits = classifier(images)
    uneven = int((maps.flatten(2).std(2) > 0).sum())
    assert uneven <= 3 * 11, "the toy's last map is constant"
    counts = []

    def classify(masked):
        counts.append(len(masked))
        return classifier.logits(masked)

    score_cam(images, maps, logits, classify, batch=8)
    assert sum(counts) == uneven
    assert max(counts) == 8


def test_weights_are_probabilities_of_the_class_of_the_whole_image():
    """Use maps of one cell each, and a classifier with the same answer to every masked image."""
    maps = torch.eye(4).reshape(1, 4, 2, 2)
    logits = torch.tensor([[0.0, 3.0, 1.0]])

    def classify(masked):
        return torch.tensor([[1.0, 2.0, 3.0]]).expand(len(masked), 3)

    images = torch.ones(1, 3, 2, 2)
    seen = score_cam(images, maps * torch.tensor([1.0, 2, 3, 5]).view(4, 1, 1), logits, classify)
    torch.testing.assert_close(seen, torch.tensor([[[0.0, 0.25], [0.5, 1.0]]]))


def test_the_class_is_that_of_the_image_without_a_mask():
    maps = torch.tensor([[[1.0, 0], [0, 0]], [[0, 0], [0, 1.0]]])[None]
    images = torch.ones(1, 3, 2, 2)

    def classify(masked):
        """Return class 0 if the first position is kept, class 1 if the last is."""
        return 8 * masked[:, 0, [0, 1], [0, 1]]

    first = score_cam(images, maps, torch.tensor([[1.0, 0.0]]), classify)[0]
    last = score_cam(images, maps, torch.tensor([[0.0, 1.0]]), classify)[0]
    assert (first[0, 0], last[1, 1]) == (1, 1)
    assert max(first[1, 1], last[0, 0]) < 0.01


@pytest.mark.parametrize("value", [0.0, 2.5, -1.0])
def test_constant_maps_mark_nothing(value):
    maps = torch.full((2, 3, 4, 4), value)
    seen = score_cam(torch.randn(2, 3, 8, 8), maps, torch.zeros(2, 5), lambda x: 1 / 0)
    assert torch.equal(seen, torch.zeros(2, 8, 8))


def test_negative_sums_mark_nothing():
    maps = -torch.rand(1, 2, 4, 4)
    images = torch.ones(1, 3, 8, 8)
    seen = score_cam(images, maps, torch.zeros(1, 2), lambda x: torch.zeros(len(x), 2))
    assert torch.equal(seen, torch.zeros(1, 8, 8))


def test_scaling_is_from_lowest_to_highest():
    x = torch.tensor([[[2.0, 4.0], [3.0, 6.0]], [[7.0, 7.0], [7.0, 7.0]]])
    wanted = torch.tensor([[[0.0, 0.5], [0.25, 1.0]], [[0.0, 0.0], [0.0, 0.0]]])
    assert torch.equal(scaled(x), wanted)
    assert torch.equal(scaled(-x)[1], wanted[1])


def test_bfloat16_maps_are_close_for_a_confident_network():
    """AlexNet with its last layer scaled until probabilities are far from uniform; 32 masks."""
    classifier = Classifier("alexnet", "random", "cpu")
    last = classifier.network.classifier[-1]
    last.weight *= 800
    last.bias *= 800
    images = torch.randn(2, 3, 7, 7, generator=torch.Generator().manual_seed(1))
    images = images.repeat_interleave(32, 2).repeat_interleave(32, 3)
    maps, logits = classifier(images)
    top = logits.softmax(1).amax(1)
    assert ((top > 0.2) & (top < 0.99)).all()
    maps = maps[:, :32]

    def seen(classify, batch):
        return score_cam(images, maps, logits, classify, batch=batch)

    near = classifier.logits_in("bfloat16")
    exact, found = seen(classifier.logits, 16), seen(near, 16)
    apart = (found - exact).abs().max()
    assert 0 < apart < 0.02
    assert np.corrcoef(exact.flatten(), found.flatten())[0, 1] > 0.999
    torch.testing.assert_close(seen(near, 5), found, rtol=0, atol=0.005)
    equal = seen(lambda masked: torch.zeros(len(masked), 1000), 16)
    assert (equal - exact).abs().max() > 5 * apart, "the weights of the masks must matter"


@pytest.mark.slow
def test_vgg16_on_one_frame_agrees_with_the_literal_pass_on_some_masks(images):
    """Use the whole network; the literal sum over all 512 masks would take minutes."""
    classifier = Classifier("vgg16", "random", "cpu")
    assert (classifier.block, classifier.channels) == ("features.29", 512)
    model = load_classifier("vgg16", "random")
    image = images[:1, :, 60:156, 60:156]
    maps, logits = classifier(image)
    kept = torch.zeros_like(maps)
    kept[:, 100:110] = maps[:, 100:110]
    assert (kept.flatten(2).std(2) > 0).sum() > 2
    found = score_cam(image, kept, logits, classifier.logits, batch=4)
    wanted = literal(model, lambda x: kept, image[0])
    torch.testing.assert_close(found[0], wanted, rtol=1e-4, atol=1e-4)
