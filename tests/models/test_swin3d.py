"""Gated Video Swin: the authors' golden values, torchvision's output, released layouts."""

import copy
import re

import numpy as np
import pytest
import torch
from torchvision.models.video import swin3d_t
from torchvision.models.video.swin_transformer import SwinTransformer3d

from vqa.models.swin3d import FragmentSwin
from vqa.models.swin_windows import kept_geometry

TOY = {"embed_dim": 8, "depths": (2, 2), "num_heads": (1, 2), "window_size": (2, 4, 4)}
FRAGMENT = "fragment_position_bias_table"


def toy(**options):
    torch.manual_seed(0)
    model = FragmentSwin(**TOY | {"gated_stages": 1} | options)
    for name, parameter in model.named_parameters():
        if name.endswith("table"):
            torch.nn.init.normal_(parameter)
    return model.eval()


def toy_torchvision():
    torch.manual_seed(0)
    options = {key: list(value) for key, value in TOY.items() if key != "embed_dim"}
    model = SwinTransformer3d([2, 4, 4], TOY["embed_dim"], **options, num_classes=5).eval()
    for name, parameter in model.named_parameters():
        if name.endswith("table"):
            torch.nn.init.normal_(parameter)
    return model


def torchvision_map(model, video):
    return model.norm(model.features(model.patch_embed(video))).permute(0, 4, 1, 2, 3)


def video_swin_layout(state, prefix="backbone."):
    """Rename a state to the keys of the releases of Video Swin and FAST-VQA."""

    def key_of(ours):
        key = re.sub(
            r"^features\.(\d+)\.(\d+)\.",
            lambda m: f"layers.{int(m[1]) // 2}.blocks.{m[2]}.",
            ours,
        )
        key = re.sub(r"^features\.(\d+)\.", lambda m: f"layers.{int(m[1]) // 2}.downsample.", key)
        return prefix + key.replace("mlp.0.", "mlp.fc1.").replace("mlp.3.", "mlp.fc2.")

    return {key_of(key): tensor for key, tensor in state.items()}


def filled(state):
    """Return the weights of the golden values, which depend on the sorted keys only."""
    result = {}
    for j, key in enumerate(sorted(state)):
        shape = state[key].shape
        z = np.random.RandomState(1000 + j).standard_normal(shape)
        if key.endswith("position_bias_table"):
            z = 0.5 * z
        elif len(shape) > 1:
            z = 2 * z / np.sqrt(np.prod(shape[1:]))
        else:
            z = 0.1 * z + ("norm" in key and key.endswith("weight"))
        result[key] = torch.from_numpy(z).float()
    return result


@pytest.mark.slow
@torch.inference_mode()
def test_golden_values_of_the_authors_code():
    state = filled(video_swin_layout(FragmentSwin().state_dict(), prefix=""))
    c, t, h, w = np.ogrid[:3, :32, :224, :224]
    x = np.sin(0.3 * c + 0.11 * t + 0.05 * h + 0.07 * w) + 0.5 * np.sin(1.3 * h - 0.9 * w + 0.2 * t)
    video = torch.from_numpy(x).float()[None]
    y = FragmentSwin.from_published(state)(video)
    assert y.shape == (1, 768, 16, 7, 7)
    assert y.mean().item() == pytest.approx(0.00676897, abs=1e-5)
    assert y.std().item() == pytest.approx(1.005944, abs=1e-5)
    corner = [0.426480, -0.806270, -1.200794, 0.167234]
    assert y[0, :4, 0, 0, 0].tolist() == pytest.approx(corner, abs=1e-4)
    assert y[0, 5, 15, 6, 6].item() == pytest.approx(-0.743299, abs=1e-4)
    assert y[0, 700, 8, 3, 4].item() == pytest.approx(-0.634746, abs=1e-4)
    y = FragmentSwin.from_published({k: v * (not k.endswith(FRAGMENT)) for k, v in state.items()})(
        video
    )
    assert y.mean().item() == pytest.approx(0.00683405, abs=1e-5)
    corner = [0.462062, -0.743980, -1.177140, 0.144337]
    assert y[0, :4, 0, 0, 0].tolist() == pytest.approx(corner, abs=1e-4)


@pytest.mark.slow
@torch.inference_mode()
def test_tied_tables_give_torchvisions_swin3d_t():
    torch.manual_seed(0)
    theirs = swin3d_t().eval()
    ours = FragmentSwin.from_published(theirs.state_dict(), tie_tables=True)
    assert sum(p.numel() for p in ours.parameters()) == 28_078_620
    assert sum(p.numel() for n, p in ours.named_parameters() if FRAGMENT in n) == 228_150
    video = torch.randn(1, 3, 32, 224, 224)
    torch.testing.assert_close(ours(video), torchvision_map(theirs, video), rtol=1e-4, atol=1e-4)


# Whole windows; windows that extend beyond the map; a window larger than the map in time.
@pytest.mark.parametrize("shape", [(8, 64, 64), (12, 40, 48), (2, 64, 40)])
def test_tied_tables_give_torchvisions_output(shape):
    theirs = toy_torchvision()
    ours = FragmentSwin.from_published(
        theirs.state_dict(), tie_tables=True, window_size=(2, 4, 4), gated_stages=2
    )
    video = torch.randn(2, 3, *shape)
    with torch.inference_mode():
        expected = torchvision_map(theirs, video)
        torch.testing.assert_close(ours(video), expected, rtol=1e-4, atol=1e-5)
    with torch.enable_grad():
        torch.testing.assert_close(ours(video), expected.clone(), rtol=1e-4, atol=1e-5)


def test_three_layouts_hold_the_same_network():
    video = torch.randn(1, 3, 8, 64, 64)
    gated = toy()
    index = {"backbone.layers.0.blocks.0.attn.relative_position_index": torch.zeros(1)}
    files = {
        "ours": gated.state_dict(),
        "video swin": {"state_dict": video_swin_layout(gated.state_dict()) | index, "meta": {}},
        "fast-vqa": video_swin_layout(gated.state_dict(), "fragments_backbone.")
        | {"vqa_head.fc_hid.weight": torch.zeros(1)},
    }
    for state in files.values():
        model = FragmentSwin.from_published(state, window_size=(2, 4, 4))
        torch.testing.assert_close(model(video), gated(video), rtol=0, atol=0)
        assert not model.training
    plain = toy_torchvision().state_dict()
    heads = {"cls_head.fc_cls.weight": torch.zeros(1)}
    files = (plain, video_swin_layout({k: v for k, v in plain.items() if "head" not in k}) | heads)
    outputs = [
        FragmentSwin.from_published(state, window_size=(2, 4, 4), gated_stages=1)(video)
        for state in files
    ]
    torch.testing.assert_close(*outputs, rtol=0, atol=0)


def test_missing_fragment_tables_start_at_zero():
    plain = toy_torchvision().state_dict()
    options = {"window_size": (2, 4, 4), "gated_stages": 1}
    model = FragmentSwin.from_published(plain, **options)
    tables = [v for k, v in model.state_dict().items() if k.endswith(FRAGMENT)]
    assert len(tables) == 2
    assert not any(table.any() for table in tables)
    # A FAST-VQA head without fragment tables belongs to FAST-VQA-M, which has no gate.
    mobile = plain | {"vqa_head.fc_hid.weight": torch.zeros(1)}
    model = FragmentSwin.from_published(mobile, window_size=(2, 4, 4))
    assert not any(key.endswith(FRAGMENT) for key in model.state_dict())


def test_other_checkpoints_are_refused():
    state = toy().state_dict()
    with pytest.raises(ValueError, match=r"bias tables of 2535 rows, found .* \[147\] rows"):
        FragmentSwin.from_published(state)
    with pytest.raises(ValueError, match=r"patch_embed\.proj\.weight .* found keys \['fc\.bias'\]"):
        FragmentSwin.from_published({"fc.bias": torch.zeros(1)})
    lacking = {k: v for k, v in state.items() if k != "norm.bias"} | {"surplus": torch.zeros(1)}
    with pytest.raises(
        ValueError, match=r"missing keys \['norm.bias'\], unknown keys \['surplus'\]"
    ):
        FragmentSwin.from_published(lacking, window_size=(2, 4, 4))


def test_invalid_arguments_and_clips_are_refused():
    with pytest.raises(ValueError, match="gate='soft': expected distance or binary"):
        FragmentSwin(gate="soft")
    with pytest.raises(ValueError, match="expected as many depths"):
        FragmentSwin(depths=(2, 2))
    with pytest.raises(ValueError, match="no more gated_stages"):
        toy(gated_stages=3)
    for shape in [(3, 8, 64, 64), (1, 3, 7, 64, 64), (1, 3, 8, 60, 64), (1, 8, 64, 64, 3)]:
        with pytest.raises(ValueError, match=r"multiples of \(2, 8, 8\)"):
            toy()(torch.zeros(shape))


def test_every_parameter_gets_a_gradient_with_and_without_checkpointing():
    # On this map the windows differ from the fragments; if they coincide, the gate of unshifted
    # blocks is zero everywhere and R gets no gradient.
    video, target = torch.randn(2, 3, 8, 40, 48), torch.randn(2, 16, 4, 5, 6)
    gradients = []
    for checkpointing in (False, True):
        model = toy(checkpointing=checkpointing, stochastic_depth=0.3).train()
        torch.manual_seed(3)  # decides which blocks stochastic depth skips
        (model(video) * target).sum().backward()
        gradients.append({name: p.grad for name, p in model.named_parameters()})
    assert sum(FRAGMENT in name for name in gradients[0]) == 2
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradient, gradients[1][name], rtol=1e-4, atol=1e-6)
    assert all(gradient.abs().sum() > 1e-6 for gradient in gradients[0].values())


def test_clips_do_not_influence_each_other():
    model, clips = toy(), torch.randn(3, 3, 8, 64, 40)
    with torch.no_grad():
        alone = torch.cat([model(clip[None]) for clip in clips])
        torch.testing.assert_close(model(clips), alone, rtol=1e-4, atol=1e-5)


def test_geometry_is_kept_outside_the_state():
    model, video = toy(), torch.randn(1, 3, 8, 64, 64)
    keys = set(model.state_dict())
    kept_geometry.cache_clear()
    with torch.inference_mode():
        model(video)
    made = kept_geometry.cache_info().misses
    assert made == 4  # two stages, with and without a shift
    model(video).mean().backward()  # tensors made in inference mode would fail here
    assert kept_geometry.cache_info().misses == made
    model(video[..., :40])
    assert kept_geometry.cache_info().misses > made
    assert set(model.state_dict()) == keys
    assert not any("index" in key or "mask" in key for key in keys)
    twin = copy.deepcopy(model)
    torch.testing.assert_close(twin(video), model(video))


def test_bfloat16_autocast_stays_close():
    model, video = toy(), torch.randn(1, 3, 8, 64, 64)
    expected = model(video).detach()
    with torch.autocast("cpu", torch.bfloat16):
        trained = model(video)
        with torch.inference_mode():
            applied = model(video)
    trained.float().square().mean().backward()
    for output in (trained.detach(), applied):
        assert (output.float() - expected).abs().mean() < 0.03 * expected.abs().mean()


# 2026-11: torch 2.15 warns about its own names while tracing; nothing we can change.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.exhaustive
def test_the_network_compiles_as_one_graph():
    model, video = toy(), torch.randn(1, 3, 8, 64, 64)
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    with torch.no_grad():
        torch.testing.assert_close(compiled(video), model(video), rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(compiled(video), model(video), rtol=1e-4, atol=1e-5)
