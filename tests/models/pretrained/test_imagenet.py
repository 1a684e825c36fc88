"""Loading of torchvision's classifiers; `test_convnet.py` covers the ways to obtain weights."""

import pytest
import torch
import torchvision

from tests import toy_classifier  # noqa: F401 (registers it)
from vqa.models.pretrained import imagenet
from vqa.models.pretrained.imagenet import load_classifier
from vqa.models.pretrained.weights import WeightsError


def test_the_error_for_an_unknown_name_suggests_similar_ones():
    with pytest.raises(ValueError, match=r"no classifier 'vgg61'; its classifiers include .*vgg16"):
        load_classifier("vgg61", "random")
    with pytest.raises(ValueError, match="no classifier 'deeplabv3_resnet50'"):
        load_classifier("deeplabv3_resnet50", "random")


def test_the_head_is_required_only_if_it_is_used(tmp_path):
    model = load_classifier("toy_classifier", "random")
    path = tmp_path / "trunk.pth"
    torch.save(model.features.state_dict(prefix="features."), path)
    trunk = load_classifier("toy_classifier", str(path), head=False)
    assert torch.equal(trunk.features[0].weight, model.features[0].weight)
    with pytest.raises(
        WeightsError, match=r"2 of its tensors are missing.*classifier\.weight first"
    ):
        load_classifier("toy_classifier", str(path))


def test_a_head_with_other_classes_is_refused(tmp_path):
    state = load_classifier("toy_classifier", "random").state_dict()
    state["classifier.weight"], state["classifier.bias"] = torch.zeros(3, 108), torch.zeros(3)
    torch.save(state, tmp_path / "three.pth")
    with pytest.raises(WeightsError, match=r"have another shape, classifier\.weight first"):
        load_classifier("toy_classifier", str(tmp_path / "three.pth"))


@pytest.mark.parametrize("name", ["noise.pth", "noise.safetensors"])
def test_a_file_without_weights_is_refused(tmp_path, name):
    (tmp_path / name).write_bytes(b"\x07noise" * 40)
    with pytest.raises(WeightsError, match=r"noise.* cannot be read .*weights=random"):
        load_classifier("toy_classifier", str(tmp_path / name))


def test_imagenet_weights_that_torchvision_lacks_are_named():
    weights = torchvision.models.get_model_weights("regnet_y_128gf")
    assert "IMAGENET1K_V1" not in weights.__members__
    with pytest.raises(WeightsError, match="no IMAGENET1K_V1 weights of regnet_y_128gf"):
        imagenet._published("regnet_y_128gf", "")
