"""Deep frame statistics against a literal pass, and all ways to obtain or miss weights."""

import numpy as np
import pytest
import torch
import torchvision
from safetensors.torch import save_file

from vqa.features.convnet import ConvnetStatistics
from vqa.models.pretrained.normalisation import IMAGENET_MEAN, IMAGENET_STD
from vqa.models.pretrained.weights import WeightsError

DIMS = {"vgg16": 2944, "resnet18": 1024, "resnet50": 4096, "resnet101": 4096}


@pytest.fixture(scope="module")
def frames():
    return np.random.default_rng(0).integers(0, 256, (3, 72, 96, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def resnet18():
    return ConvnetStatistics("resnet18", "random", "cpu")


def normalised(frames):
    x = torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
    return (x - mean) / std


def seeded(architecture):
    """Return the same random network as the extractor's."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return torchvision.models.get_model(architecture, weights=None).eval()


@torch.inference_mode()
def test_vgg16_gives_means_then_unbiased_deviations_of_five_stages(frames):
    extractor = ConvnetStatistics("vgg16", "random", "cpu")
    features = extractor(frames)
    assert features.shape == (3, extractor.dim) == (3, DIMS["vgg16"])
    x, maps = normalised(frames), []
    for index, layer in enumerate(seeded("vgg16").features):
        x = layer(x)
        if index in (3, 8, 15, 22, 29):
            maps.append(x.clone())
    means = torch.cat([m.flatten(2).mean(2) for m in maps], 1)
    deviations = torch.cat([m.flatten(2).std(2, correction=1) for m in maps], 1)
    torch.testing.assert_close(features, torch.cat([means, deviations], 1), rtol=1e-4, atol=1e-5)
    assert means.shape[1] == 1472


@torch.inference_mode()
@pytest.mark.parametrize("architecture", ["resnet18", "resnet50", "resnet101"])
def test_resnets_give_the_statistics_of_layer4(architecture, frames):
    extractor = ConvnetStatistics(architecture, "random", "cpu")
    model = seeded(architecture)
    x = model.maxpool(model.relu(model.bn1(model.conv1(normalised(frames)))))
    x = model.layer4(model.layer3(model.layer2(model.layer1(x)))).flatten(2)
    wanted = torch.cat([x.mean(2), x.std(2, correction=1)], 1)
    features = extractor(frames)
    assert features.shape == (3, DIMS[architecture]) == wanted.shape
    # In a random network, activations and their rounding errors grow with depth.
    scale = wanted.abs().max().item()
    torch.testing.assert_close(features, wanted, rtol=1e-3, atol=1e-4 * scale)


def test_features_do_not_depend_on_the_batch_or_the_context(frames, resnet18):
    whole = resnet18(frames)
    by_three = ConvnetStatistics("resnet18", "random", "cpu", batch_frames=3)(frames)
    torch.testing.assert_close(by_three, whole, rtol=1e-4, atol=1e-5)
    assert torch.equal(resnet18(frames[1:2])[0], whole[1])
    assert torch.equal(resnet18(frames, context=1), whole[1:])


def test_half_precision_is_close_and_has_its_own_fingerprint(frames, resnet18):
    half = ConvnetStatistics("resnet18", "random", "cpu", precision="bfloat16")
    assert half.fingerprint != resnet18.fingerprint
    torch.testing.assert_close(half(frames), resnet18(frames), rtol=0.2, atol=0.1)


def test_weights_from_a_file_and_their_fingerprint(tmp_path, frames, resnet18):
    state = seeded("resnet18").state_dict()
    torch.save({"state_dict": state}, tmp_path / "a.pth")
    save_file(state, tmp_path / "b.safetensors")
    for name in ("a.pth", "b.safetensors"):
        loaded = ConvnetStatistics("resnet18", str(tmp_path / name), "cpu")
        assert loaded.fingerprint == resnet18.fingerprint
        assert not loaded.untrained
        assert torch.equal(loaded(frames), resnet18(frames))
    assert resnet18.untrained
    state["conv1.weight"] = state["conv1.weight"] + 0.01
    torch.save(state, tmp_path / "c.pth")
    other = ConvnetStatistics("resnet18", str(tmp_path / "c.pth"), "cpu")
    assert other.fingerprint != resnet18.fingerprint
    assert not torch.equal(other(frames), resnet18(frames))


def test_a_file_of_another_network_is_refused(tmp_path):
    torch.save(seeded("resnet18").state_dict(), tmp_path / "a.pth")
    with pytest.raises(WeightsError, match="does not hold vgg16"):
        ConvnetStatistics("vgg16", str(tmp_path / "a.pth"), "cpu")
    with pytest.raises(WeightsError, match=r"no weights file at /none\.pth.*weights=random"):
        ConvnetStatistics("resnet18", "/none.pth", "cpu")


def test_weights_that_cannot_be_downloaded_name_place_and_remedy(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))

    def offline(*args, **kwargs):
        raise OSError("no network")

    monkeypatch.setattr("torch.hub.download_url_to_file", offline)
    with pytest.raises(WeightsError) as refusal:
        ConvnetStatistics("resnet18", "imagenet", "cpu")
    text = str(refusal.value)
    assert str(tmp_path / "hub" / "checkpoints" / "resnet18-f37072fd.pth") in text
    assert "features.<name>.weights=" in text
    assert "features=multiscale" in text


def test_weights_in_torchs_own_cache_are_used(tmp_path, monkeypatch, resnet18):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    place = tmp_path / "hub" / "checkpoints"
    place.mkdir(parents=True)
    torch.save(seeded("resnet18").state_dict(), place / "resnet18-f37072fd.pth")
    loaded = ConvnetStatistics("resnet18", "imagenet", "cpu")
    assert loaded.fingerprint == resnet18.fingerprint
    assert not loaded.untrained


def test_frames_too_small_get_a_clear_error(resnet18):
    with pytest.raises(ValueError, match=r"frames of 30x20 are too small.*64x64"):
        resnet18(np.zeros((1, 20, 30, 3), np.uint8))
    assert resnet18(np.zeros((1, 1, 40, 3), np.uint8)).shape == (1, resnet18.dim)  # wide enough


def test_frames_that_a_pooling_layer_cannot_halve_are_too_small(monkeypatch):
    # The layers, not the weights, decide; VGG-16 halves the frames four times.
    trunk = torch.nn.Sequential(
        *(torch.nn.MaxPool2d(2, 2) if i in (4, 9, 16, 23) else torch.nn.ReLU() for i in range(30))
    )
    monkeypatch.setattr(
        "vqa.features.convnet._trunk", lambda *_: (trunk, frozenset({3, 8, 15, 22, 29}), 15)
    )
    vgg16 = ConvnetStatistics("vgg16", "random", "cpu")
    for height, width in ((1, 1), (5, 3), (3, 400), (16, 16)):
        with pytest.raises(ValueError, match=rf"frames of {width}x{height} are too small"):
            vgg16(np.zeros((1, height, width, 3), np.uint8))
    assert vgg16(np.zeros((1, 16, 32, 3), np.uint8)).shape == (1, 30)


def test_extremes_are_finite(resnet18):
    for value in (0, 255):
        assert resnet18(np.full((1, 64, 64, 3), value, np.uint8)).isfinite().all()


@torch.inference_mode()
def test_drawn_maps_are_mean_and_most_active_channel_of_each_stage(frames, resnet18):
    drawn = resnet18.draw(frames[0])
    model = seeded("resnet18")
    x = model.relu(model.bn1(model.conv1(normalised(frames[:1]))))
    stages = [("conv1", x)]
    x = model.maxpool(x)
    for name in ("layer1", "layer2", "layer3", "layer4"):
        x = getattr(model, name)(x)
        stages.append((name, x))
    assert len(drawn) == 2 * len(stages)
    for k, (name, maps) in enumerate(stages):
        channels = list(maps[0])
        count = len(channels)
        busiest = max(range(count), key=lambda c: channels[c].sum().item())
        for (title, map_), expected, label in (
            (drawn[2 * k], sum(channels) / count, f"mean of {count} channels"),
            (drawn[2 * k + 1], channels[busiest], f"most active: {busiest}"),
        ):
            assert title == f"{name}, {label}"
            assert map_.shape == (72, 96)
            wanted = torch.nn.functional.interpolate(
                expected[None, None], (72, 96), mode="bilinear"
            )[0, 0]
            np.testing.assert_allclose(
                map_, wanted, rtol=1e-3, atol=1e-4 * expected.abs().max().item()
            )


def test_vgg16_draws_its_five_stages(frames):
    drawn = ConvnetStatistics("vgg16", "random", "cpu").draw(frames[0])
    assert [title.split(",")[0] for title, _ in drawn] == [
        stage for stage in ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3") for _ in "12"
    ]  # fmt: skip
    for title, map_ in drawn:
        assert map_.shape == (72, 96), title
        assert map_.min() >= 0, title
        assert map_.max() > 0, title
