"""InceptionV3's input against PIL's resizing, and how its weights are obtained or missing."""

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from vqa.models.inception_iqa import InceptionIQA, inception
from vqa.models.pretrained.inception import cropped, load_inception
from vqa.models.pretrained.weights import WeightsError


@pytest.fixture(scope="module")
def network():
    """A network with distinct values in every tensor, all different from a new network's."""
    with torch.random.fork_rng():
        torch.manual_seed(7)
        network = InceptionIQA()
        for tensor in network.state_dict().values():
            if tensor.is_floating_point():
                tensor += 0.01 * torch.rand(tensor.shape)
    return network


@pytest.fixture(scope="module")
def blank():
    return inception()


def picture(height, width, seed=0):
    y, x = np.mgrid[0:height, 0:width]
    noise = np.random.default_rng(seed).normal(0, 20, (height, width, 3))
    waves = np.stack([np.sin(x / 9), np.cos(y / 7), np.sin((x + y) / 13)], -1)
    return np.clip(128 + 80 * waves + noise, 0, 255).astype(np.uint8)


def published(network):
    """Return tensors like those of torchvision's file: 1000 classes and an auxiliary head."""
    state = dict(network.inception.state_dict())
    state |= {"fc.weight": torch.ones(1000, 2048), "fc.bias": torch.ones(1000)}
    return {**state, "AuxLogits.fc.bias": torch.ones(1000)}


def same(one, other, but=()):
    other = other.state_dict()
    return all(
        torch.equal(tensor, other[key])
        for key, tensor in one.state_dict().items()
        if not key.startswith(tuple(but))
    )


@pytest.mark.parametrize(("height", "width"), [(540, 960), (200, 311), (640, 360), (338, 338)])
def test_resized_centres_agree_with_pil_up_to_one_step(height, width):
    frame = picture(height, width)
    scale = 338 / min(height, width)
    # Torchvision's rules: the longer side is truncated, not rounded; the crop begins at the rounded
    # half of the rest.
    size = (338, int(scale * width)) if height <= width else (int(scale * height), 338)
    whole = np.asarray(Image.fromarray(frame).resize(size[::-1], Image.Resampling.BILINEAR))
    top, left = (round((side - 299) / 2) for side in size)
    wanted = whole[top : top + 299, left : left + 299]
    seen = cropped(torch.from_numpy(frame)[None], 338)
    assert seen.shape == (1, 3, 299, 299)
    assert seen.dtype == torch.uint8
    difference = np.abs(seen[0].permute(1, 2, 0).numpy().astype(int) - wanted)
    assert difference.max() <= 1
    assert difference.mean() < 0.05


def test_without_a_size_only_small_frames_are_resized():
    frame = picture(384, 512)
    seen = cropped(torch.from_numpy(frame)[None])[0].permute(1, 2, 0).numpy()
    # (512 - 299) / 2 = 106.5, and Python rounds halves to even.
    assert np.array_equal(seen, frame[42 : 42 + 299, 106 : 106 + 299])
    small = cropped(torch.from_numpy(picture(120, 400))[None])
    assert small.shape == (1, 3, 299, 299)
    assert (small[0].flatten(1).float().std(1) > 10).all()  # enlarged, without a black border
    assert small.amin() < small.float().mean() < small.amax()


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_file_in_torchvisions_layout(tmp_path, network, wrapped):
    state = published(network)
    torch.save({"state_dict": state} if wrapped else state, tmp_path / "a.pth")
    for target in (inception(), InceptionIQA()):
        before = getattr(target, "inception", target).fc.weight.clone()
        load_inception(target, str(tmp_path / "a.pth"))
        filled = getattr(target, "inception", target)
        assert same(filled, network.inception, but=["fc."])
        assert torch.equal(filled.fc.weight, before)


def test_weights_of_a_run(tmp_path, network):
    state = {f"network.{key}": tensor for key, tensor in network.state_dict().items()}
    extra = {"mos_scale": torch.tensor(7.2), "standardise.mean": torch.zeros(0)}
    save_file({**state, **extra}, tmp_path / "model.safetensors")
    target = inception()
    load_inception(target, str(tmp_path / "model.safetensors"))
    assert same(target, network.inception)


def test_random_leaves_the_network_unchanged(blank):
    before = {key: tensor.clone() for key, tensor in blank.state_dict().items()}
    load_inception(blank, "random")
    assert all(torch.equal(before[key], tensor) for key, tensor in blank.state_dict().items())


def test_weights_in_torchs_own_cache_are_used(tmp_path, monkeypatch, network):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    place = tmp_path / "hub" / "checkpoints"
    place.mkdir(parents=True)
    torch.save(published(network), place / "inception_v3_google-0cc3c7bd.pth")
    target = inception()
    load_inception(target)
    assert same(target, network.inception, but=["fc."])


def test_weights_that_cannot_be_downloaded_name_place_and_remedy(tmp_path, monkeypatch, blank):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))

    def offline(*args, **kwargs):
        raise OSError("no network")

    monkeypatch.setattr("torch.hub.download_url_to_file", offline)
    with pytest.raises(WeightsError) as refusal:
        load_inception(blank)
    text = str(refusal.value)
    assert str(tmp_path / "hub" / "checkpoints" / "inception_v3_google-0cc3c7bd.pth") in text
    assert "features.gram.weights" in text
    assert "model.start.weights" in text


def test_files_of_other_networks_are_refused(tmp_path, network, blank):
    with pytest.raises(WeightsError, match=r"no weights file at .*none\.pth.*model\.start"):
        load_inception(blank, str(tmp_path / "none.pth"))
    torch.save({"fc.weight": torch.ones(1, 2048)}, tmp_path / "a.pth")
    with pytest.raises(WeightsError, match="does not hold InceptionV3"):
        load_inception(blank, str(tmp_path / "a.pth"))
    state = {**published(network), "Mixed_5b.branch1x1.conv.weight": torch.ones(3, 3)}
    torch.save(state, tmp_path / "b.pth")
    with pytest.raises(WeightsError, match=r"1 of its tensors.*Mixed_5b\.branch1x1\.conv\.weight"):
        load_inception(blank, str(tmp_path / "b.pth"))


@pytest.mark.parametrize("name", ["a.pth", "a.safetensors"])
def test_files_without_tensors_are_refused(tmp_path, name, blank):
    (tmp_path / name).write_bytes(b"<html>not found</html>")
    with pytest.raises(WeightsError, match=r"the weights at .*cannot be read"):
        load_inception(blank, str(tmp_path / name))
