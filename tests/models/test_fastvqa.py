"""FAST-VQA: the layout of the release, the literal formula of the head, clips and colours."""

from functools import partial

import pytest
import torch
from torch import nn

from vqa.models.fastvqa import FastVQA
from vqa.models.swin3d import FragmentSwin

WINDOW = (2, 4, 4)


def toy():
    torch.manual_seed(0)
    backbone = FragmentSwin(8, (2, 2), (1, 2), WINDOW, gated_stages=1)
    for name, parameter in backbone.named_parameters():
        if name.endswith("table"):
            nn.init.normal_(parameter)
    return FastVQA(lambda: backbone, channels=16, hidden_dim=4).eval()


def fragments(*shape):
    return torch.randint(0, 256, (*shape, 3), dtype=torch.uint8)


def released(model):
    """Return the model's weights in the layout of the release."""
    names = {"1": "fc_hid", "4": "fc_last"}
    head = {
        f"vqa_head.{names[key[0]]}{key[1:]}": tensor
        for key, tensor in model.head.state_dict().items()
    }
    backbone = {}
    for key, tensor in model.backbone.state_dict().items():
        first, *rest = key.split(".", 3)
        if first == "features":
            place, block, name = rest
            merging = int(place) % 2
            stem = f"layers.{int(place) // 2}."
            stem += f"downsample.{block}." if merging else f"blocks.{block}."
            key = stem + name.replace("mlp.0.", "mlp.fc1.").replace("mlp.3.", "mlp.fc2.")
        backbone[f"fragments_backbone.{key}"] = tensor
    return {"state_dict": backbone | head, "validation_results": []}


@torch.inference_mode()
def test_score_is_the_mean_over_clips_and_positions():
    model, x = toy(), fragments(2, 3, 8, 64, 64)
    first, last = model.head[1], model.head[4]
    for video, score in zip(x, model(x), strict=True):
        total = []
        for clip in video:
            mean, std = (
                torch.tensor([123.675, 116.28, 103.53]),
                torch.tensor([58.395, 57.12, 57.375]),
            )
            normalised = ((clip.float() - mean) / std).permute(3, 0, 1, 2)
            features = model.backbone(normalised[None])[0].flatten(1).T
            hidden = nn.functional.gelu(features @ first.weight[..., 0, 0, 0].T + first.bias)
            total.append((hidden @ last.weight[..., 0, 0, 0].T + last.bias).mean())
        assert score.item() == pytest.approx(torch.stack(total).mean().item(), abs=1e-5)
    quality = model.quality_map(x)
    assert quality.shape == (2, 3, 4, 8, 8)
    torch.testing.assert_close(quality.mean((1, 2, 3, 4)), model(x))


@torch.inference_mode()
def test_a_released_checkpoint_gives_the_same_scores():
    model, x = toy(), fragments(1, 2, 8, 64, 64)
    again = FastVQA.from_published(released(model), window_size=WINDOW)
    torch.testing.assert_close(again(x), model(x), rtol=0, atol=0)
    assert not again.training


def test_the_network_has_the_size_of_the_release():
    keys = released(FastVQA())["state_dict"]
    assert sum(tensor.numel() for tensor in keys.values()) == 28_127_901
    assert len(keys) == 197 - 12  # without the index buffers, which are not weights
    assert keys["fragments_backbone.layers.2.downsample.reduction.weight"].shape == (768, 1536)
    assert keys["fragments_backbone.layers.3.blocks.1.mlp.fc2.weight"].shape == (768, 3072)
    assert keys["vqa_head.fc_hid.weight"].shape == (64, 768, 1, 1, 1)


def test_other_checkpoints_and_layouts_are_refused():
    model = toy()
    state = {k: v for k, v in released(model)["state_dict"].items() if k != "vqa_head.fc_last.bias"}
    with pytest.raises(ValueError, match=r"FAST-VQA checkpoint: missing keys .*fc_last\.bias"):
        FastVQA.from_published(state, window_size=WINDOW)
    with pytest.raises(
        ValueError, match=r"FastVQA expected fragments .* found \(1, 8, 64, 64, 3\)"
    ):
        model(fragments(1, 8, 64, 64))


def test_every_parameter_gets_a_gradient():
    model = toy()
    model(fragments(2, 1, 8, 40, 48)).square().sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in model.parameters())


def test_any_backbone_can_be_used():
    model = FastVQA(partial(nn.Conv3d, 3, 6, 4, 4), channels=6, hidden_dim=2)
    assert model(fragments(2, 2, 8, 16, 16)).shape == (2,)
    assert not any("rgb" in key for key in model.state_dict())
