"""Loading of torchvision's classifiers; `test_convnet.py` has the ways that weights come."""

import numpy as np
import pytest
import torch
import torchvision

from tests import toy_classifier  # noqa: F401 (makes it known)
from vqa.models.pretrained.imagenet import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    load_classifier,
    normalised,
)
from vqa.models.pretrained.weights import WeightsError


def test_frames_are_normalised_as_torchvision_does():
    frames = np.random.default_rng(0).integers(0, 256, (2, 5, 7, 3)).astype(np.uint8)
    transform = torchvision.transforms.Compose(
        [
            torchvision.transforms.ToTensor(),
            torchvision.transforms.Normalize(IMAGENET_MEAN, IMAGENET_STD),
        ]
    )
    wanted = torch.stack([transform(frame) for frame in frames])
    torch.testing.assert_close(normalised(frames, torch.device("cpu")), wanted)


def test_an_unknown_name_gets_near_ones():
    with pytest.raises(ValueError, match=r"no classifier 'vgg61'; its classifiers include .*vgg16"):
        load_classifier("vgg61", "random")
    with pytest.raises(ValueError, match="no classifier 'deeplabv3_resnet50'"):
        load_classifier("deeplabv3_resnet50", "random")


def test_the_head_is_asked_for_where_it_is_used(tmp_path):
    model = load_classifier("toy_classifier", "random")
    path = tmp_path / "trunk.pth"
    torch.save(model.features.state_dict(prefix="features."), path)
    trunk = load_classifier("toy_classifier", str(path), head=False)
    assert torch.equal(trunk.features[0].weight, model.features[0].weight)
    with pytest.raises(
        WeightsError, match=r"2 of its tensors are missing.*classifier\.weight first"
    ):
        load_classifier("toy_classifier", str(path))


def test_a_head_of_other_classes_is_refused(tmp_path):
    state = load_classifier("toy_classifier", "random").state_dict()
    state["classifier.weight"], state["classifier.bias"] = torch.zeros(3, 108), torch.zeros(3)
    torch.save(state, tmp_path / "three.pth")
    with pytest.raises(WeightsError, match=r"have another shape, classifier\.weight first"):
        load_classifier("toy_classifier", str(tmp_path / "three.pth"))


@pytest.mark.parametrize("name", ["noise.pth", "noise.safetensors"])
def test_a_file_that_holds_no_weights_is_refused(tmp_path, name):
    (tmp_path / name).write_bytes(b"\x07noise" * 40)
    with pytest.raises(WeightsError, match=r"noise.* cannot be read .*weights=random"):
        load_classifier("toy_classifier", str(tmp_path / name))


def test_imagenet_weights_that_torchvision_lacks_are_named():
    weights = torchvision.models.get_model_weights("regnet_y_128gf")
    assert "IMAGENET1K_V1" not in weights.__members__
    from vqa.features import imagenet

    with pytest.raises(WeightsError, match="no IMAGENET1K_V1 weights of regnet_y_128gf"):
        imagenet._published("regnet_y_128gf", "")
