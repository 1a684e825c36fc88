"""Detection of the last block of classifiers, and their maps and logits."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import nn

from tests import toy_classifier  # noqa: F401 (registers it)
from vqa.models.pretrained.classifier import Classifier, last_block
from vqa.models.pretrained.imagenet import load_classifier
from vqa.models.pretrained.timm_network import timm_network
from vqa.models.pretrained.weights import state_hash


@pytest.mark.parametrize(
    ("architecture", "block", "channels"),
    [
        ("alexnet", "features.11", 256),
        ("resnet18", "layer4", 512),
        ("squeezenet1_1", "classifier.2", 1000),
        ("mobilenet_v3_small", "features", 576),
        ("shufflenet_v2_x0_5", "conv5", 1024),
        ("toy_classifier", "features.3", 12),
    ],
)
def test_the_last_block_is_before_the_pooling(architecture, block, channels):
    model = load_classifier(architecture, "random")
    assert last_block(model, architecture) == (block, channels)


@pytest.mark.parametrize(
    ("architecture", "block", "channels"),
    [
        ("test_resnet", "layer4", 96),
        ("test_efficientnet", "bn2", 256),
        ("test_convnext", "norm_pre", 64),
    ],
)
def test_classifiers_of_timms(architecture, block, channels):
    classifier = Classifier(f"timm:{architecture}", "random", "cpu")
    assert (classifier.block, classifier.channels) == (block, channels)
    frames = np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3)).astype(np.uint8)
    images = classifier.images(frames)
    network = timm_network(architecture, "random")
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (network.mean, network.std))
    wanted = (torch.from_numpy(frames).permute(0, 3, 1, 2) / 255 - mean) / std
    torch.testing.assert_close(images, wanted, rtol=1e-5, atol=1e-5)
    maps, logits = classifier(images)
    assert maps.shape[:2] == (2, channels)
    torch.testing.assert_close(logits, network.model(images), rtol=1e-3, atol=1e-4)
    imagenet = mean.flatten().tolist() == pytest.approx([0.485, 0.456, 0.406])
    assert (classifier.state == state_hash(network.model)) == imagenet


@pytest.mark.parametrize("architecture", ["test_vit", "test_mambaout"])
def test_networks_of_timms_without_maps_of_channels_are_refused(architecture):
    with pytest.raises(ValueError, match=f"^timm:{architecture}: expected an image classifier"):
        Classifier(f"timm:{architecture}", "random", "cpu")


@pytest.mark.parametrize(
    "model",
    [
        nn.Sequential(nn.Flatten(), nn.Linear(3 * 224 * 224, 2)),
        nn.Sequential(nn.Conv2d(3, 4, 3)),
    ],
)
def test_other_networks_are_refused(model):
    with pytest.raises(ValueError, match=r"^odd: expected an image classifier with feature maps"):
        last_block(model, "odd")


def test_maps_and_logits_agree_with_the_model():
    classifier = Classifier("toy_classifier", "random", "cpu")
    model = load_classifier("toy_classifier", "random")
    images = torch.randn(3, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    maps, logits = classifier(images)
    torch.testing.assert_close(maps, model.features[:4](images))
    torch.testing.assert_close(logits, model(images))
    assert torch.equal(classifier.logits(images), logits)
    assert classifier.untrained
    assert classifier.weights.startswith("toy_classifier random sha256:")


@pytest.mark.parametrize("architecture", ["toy_classifier", "resnet18", "squeezenet1_1"])
def test_logits_in_bfloat16_are_close_and_the_network_is_unchanged(architecture):
    classifier = Classifier(architecture, "random", "cpu")
    images = torch.randn(5, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    exact = classifier.logits(images)
    near = classifier.logits_in("bfloat16")(images)
    assert near.dtype == torch.float32
    # Eight bits are exact to 0.4 %; a few layers add to that.
    assert 0 < (near - exact).abs().max() < 0.03 * exact.abs().max()
    assert torch.equal(classifier.logits(images), exact)
    assert torch.equal(classifier.logits_in("float32")(images), exact)


def test_the_bfloat16_copy_is_half_as_large():
    classifier = Classifier("toy_classifier", "random", "cpu")
    model = classifier.logits_in("bfloat16").args[0]
    for exact, near in zip(classifier.network.parameters(), model.parameters(), strict=True):
        assert torch.equal(near, exact.bfloat16())


@pytest.mark.parametrize("precision", ["float16", "bf16", None])
def test_unknown_precisions_are_refused(precision):
    classifier = Classifier("toy_classifier", "random", "cpu")
    with pytest.raises(ValueError, match=r"^precision=.*: expected float32 or bfloat16$"):
        classifier.logits_in(precision)


@torch.inference_mode()
def test_stages_are_the_last_maps_of_each_resolution():
    classifier = Classifier("resnet18", "random", "cpu")
    model = load_classifier("resnet18", "random")
    images = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    stages = classifier.stages(images)
    assert list(stages) == ["relu", "layer1", "layer2", "layer3", "layer4"]
    x = model.relu(model.bn1(model.conv1(images)))
    torch.testing.assert_close(stages["relu"], x)
    x = model.maxpool(x)
    for name in list(stages)[1:]:
        x = getattr(model, name)(x)
        torch.testing.assert_close(stages[name], x, rtol=1e-3, atol=1e-4)


def test_stages_of_a_sequence_of_layers_end_before_each_pooling():
    stages = Classifier("toy_classifier", "random", "cpu").stages(torch.zeros(1, 3, 224, 224))
    sizes = {name: tuple(maps.shape[1:]) for name, maps in stages.items()}
    assert sizes == {"features.1": (6, 28, 28), "features.3": (12, 14, 14)}


def test_threads_that_meet_within_the_network_get_their_own_maps():
    classifier = Classifier("toy_classifier", "random", "cpu")
    images = torch.randn(3, 1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    wanted = [classifier(image) for image in images]
    meeting = threading.Barrier(3, timeout=60)

    def meet(module, inputs):
        meeting.wait()

    block = classifier.network.get_submodule(classifier.block)
    handle = block.register_forward_pre_hook(meet)
    try:
        with ThreadPoolExecutor(3) as pool:
            found = list(pool.map(classifier, images))
    finally:
        handle.remove()
    for one, other in zip(found, wanted, strict=True):
        assert all(map(torch.equal, one, other))
