"""Gated Video Swin: the authors' golden values, torchvision's output, a literal attention."""

import copy
import itertools
import re

import numpy as np
import pytest
import torch
from torchvision.models.video import swin3d_t
from torchvision.models.video.swin_transformer import SwinTransformer3d

from vqa.models.swin3d import FragmentAttention, FragmentSwin

TOY = {"embed_dim": 8, "depths": (2, 2), "num_heads": (1, 2), "window_size": (2, 4, 4)}
RELATIVE, FRAGMENT = "relative_position_bias_table", "fragment_position_bias_table"


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
    """A state under the keys of Video Swin's and FAST-VQA's releases."""

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
    """Weights of the golden values, from the sorted keys alone."""
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


# Whole windows; maps that windows overhang; a window larger than the map in time.
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


def literal_attention(attention, x, limit=None):
    """Attention of a map (T, H, W, C) of whole windows, token pair by token pair."""
    size, (t, h, w) = x.shape[:3], attention.window_size
    relative, fragment = (
        attention.relative_position_bias_table,
        attention.fragment_position_bias_table,
    )
    heads, dim = attention.num_heads, x.shape[-1] // attention.num_heads
    q, k, v = attention.qkv(x).unflatten(-1, (3, heads, dim)).unbind(-3)
    tokens = list(itertools.product(*map(range, size)))
    rolled = {
        p: [(i - s) % n for i, s, n in zip(p, attention.shift_size, size, strict=True)]
        for p in tokens
    }
    window = {p: [i // n for i, n in zip(rolled[p], (t, h, w), strict=True)] for p in tokens}
    # The roll brings the first tokens of an axis to its end, beside others.
    wrapped = {p: [i < s for i, s in zip(p, attention.shift_size, strict=True)] for p in tokens}
    out = torch.zeros_like(x)
    for p in tokens:
        peers = [o for o in tokens if window[o] == window[p]]
        for head in range(heads):
            logits = []
            for o in peers:
                dt, dh, dw = (a - b for a, b in zip(rolled[p], rolled[o], strict=True))
                row = (
                    (dt + t - 1) * (2 * h - 1) * (2 * w - 1)
                    + (dh + h - 1) * (2 * w - 1)
                    + dw
                    + w
                    - 1
                )
                g = abs(h * p[1] // size[1] - h * o[1] // size[1])
                g += abs(w * p[2] // size[2] - w * o[2] // size[2])
                g = g if limit is None else min(g, limit)
                bias = relative[row, head]
                if fragment is not None:
                    bias = g * relative[row, head] + (1 - g) * fragment[row, head]
                logit = q[p][head] @ k[o][head] / dim**0.5 + bias
                logits.append(logit if wrapped[p] == wrapped[o] else logit - 100)
            weights = torch.stack(logits).softmax(0)
            out[p][head * dim : (head + 1) * dim] = sum(
                a * v[o][head] for a, o in zip(weights, peers, strict=True)
            )
    return attention.proj(out)


@pytest.mark.parametrize("shift", [(0, 0, 0), (1, 1, 1), (1, 0, 1)])
@pytest.mark.parametrize(("gate", "limit"), [("distance", None), ("binary", 1), (None, None)])
def test_gated_attention_is_the_literal_formula(shift, gate, limit):
    torch.manual_seed(0)
    attention = FragmentAttention(4, [2, 3, 3], list(shift), 2, gate=gate).double()
    for parameter in attention.parameters():
        torch.nn.init.normal_(parameter)
    x = torch.randn(4, 6, 3 if shift[2] == 0 else 6, 4, dtype=torch.float64)
    with torch.no_grad():
        expected = literal_attention(attention, x, limit)
        found = attention(x[None])[0]
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-10)
    torch.testing.assert_close(attention(x[None])[0], expected, rtol=0, atol=1e-10)


def test_a_smaller_window_keeps_the_tables_middle():
    torch.manual_seed(0)
    wide = FragmentAttention(4, [2, 5, 5], [0, 0, 0], 1, gate="distance")
    narrow = FragmentAttention(4, [2, 3, 3], [0, 0, 0], 1, gate="distance")
    torch.nn.init.normal_(wide.relative_position_bias_table)
    state = wide.state_dict()
    for key in (RELATIVE, FRAGMENT):
        state[key] = state[key].view(3, 9, 9, 1)[:, 2:7, 2:7].reshape(-1, 1)
    narrow.load_state_dict(state)
    x = torch.randn(1, 2, 3, 3, 4)
    torch.testing.assert_close(wide(x), narrow(x))


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


def test_absent_fragment_tables_begin_at_zero():
    plain = toy_torchvision().state_dict()
    options = {"window_size": (2, 4, 4), "gated_stages": 1}
    model = FragmentSwin.from_published(plain, **options)
    tables = [v for k, v in model.state_dict().items() if k.endswith(FRAGMENT)]
    assert len(tables) == 2
    assert not any(table.any() for table in tables)
    # A FAST-VQA head without fragment tables: the mobile model, which has no gate.
    mobile = plain | {"vqa_head.fc_hid.weight": torch.zeros(1)}
    model = FragmentSwin.from_published(mobile, window_size=(2, 4, 4))
    assert not any(key.endswith(FRAGMENT) for key in model.state_dict())


def test_foreign_checkpoints_are_refused():
    state = toy().state_dict()
    with pytest.raises(ValueError, match=r"bias tables of 2535 rows, found .* \[147\] rows"):
        FragmentSwin.from_published(state)
    with pytest.raises(ValueError, match=r"patch_embed\.proj\.weight .* found keys \['fc\.bias'\]"):
        FragmentSwin.from_published({"fc.bias": torch.zeros(1)})
    lacking = {k: v for k, v in state.items() if k != "norm.bias"} | {"surplus": torch.zeros(1)}
    with pytest.raises(
        ValueError, match=r"keys missing \['norm.bias'\], keys unknown \['surplus'\]"
    ):
        FragmentSwin.from_published(lacking, window_size=(2, 4, 4))


def test_wrong_arguments_and_clips_are_refused():
    with pytest.raises(ValueError, match=r"gate=distance\|binary"):
        FragmentSwin(gate="soft")
    with pytest.raises(ValueError, match="as many depths"):
        FragmentSwin(depths=(2, 2))
    with pytest.raises(ValueError, match="no more gated_stages"):
        toy(gated_stages=3)
    for shape in [(3, 8, 64, 64), (1, 3, 7, 64, 64), (1, 3, 8, 60, 64), (1, 8, 64, 64, 3)]:
        with pytest.raises(ValueError, match=r"multiples of \(2, 8, 8\)"):
            toy()(torch.zeros(shape))


def test_every_parameter_gets_a_gradient_and_checkpointing_changes_none():
    # On this map fragments and windows differ: where they agree, every first gate is closed.
    video, target = torch.randn(2, 3, 8, 40, 48), torch.randn(2, 16, 4, 5, 6)
    gradients = []
    for checkpointing in (False, True):
        model = toy(checkpointing=checkpointing, stochastic_depth=0.3).train()
        torch.manual_seed(3)  # the blocks that stochastic depth skips
        (model(video) * target).sum().backward()
        gradients.append({name: p.grad for name, p in model.named_parameters()})
    assert sum(FRAGMENT in name for name in gradients[0]) == 2
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradient, gradients[1][name], rtol=1e-4, atol=1e-6)
    assert all(gradient.abs().sum() > 1e-6 for gradient in gradients[0].values())


def test_each_clip_is_alone():
    model, clips = toy(), torch.randn(3, 3, 8, 64, 40)
    with torch.no_grad():
        alone = torch.cat([model(clip[None]) for clip in clips])
        torch.testing.assert_close(model(clips), alone, rtol=1e-4, atol=1e-5)


def test_geometry_is_remembered_outside_the_state():
    model, video = toy(), torch.randn(1, 3, 8, 64, 64)
    keys = set(model.state_dict())
    attention = model.features[0][1].attn
    with torch.inference_mode():
        model(video)
    first = attention._last[1]
    model(video).mean().backward()  # tensors of inference mode would fail here
    assert attention._last[1] is first
    model(video[..., :40])
    assert attention._last[1] is not first
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


# 2026-11: torch 2.15 warns of names of its own while it traces; nothing we can change.
@pytest.mark.filterwarnings("ignore")
def test_compiles_as_one_graph():
    model, video = toy(), torch.randn(1, 3, 8, 64, 64)
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    with torch.no_grad():
        torch.testing.assert_close(compiled(video), model(video), rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(compiled(video), model(video), rtol=1e-4, atol=1e-5)
