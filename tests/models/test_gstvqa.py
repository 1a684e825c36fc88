"""GSTVQA: the authors' golden values, a literal forward pass, and invariances."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from tests.models.test_pooling import literal_pyramid
from vqa.models.gstvqa import GSTVQA, Critic

SHAPES = {
    "CA.bottleneck.0.bias": (320,),
    "CA.bottleneck.0.weight": (320, 1472),
    "CA.bottleneck.2.bias": (1472,),
    "CA.bottleneck.2.weight": (1472, 320),
    "ann.fc.bias": (256,),
    "ann.fc.weight": (256, 256),
    "ann.fc0.bias": (256,),
    "ann.fc0.weight": (256, 1472),
    "q.bias": (1,),
    "q.weight": (1, 32),
    "q_att.0.bias": (1,),
    "q_att.0.weight": (1, 32, 15),
    "q_att.2.bias": (1,),
    "q_att.2.weight": (1, 1, 15),
    "q_mean": (32,),
    "q_reg": (32,),
    "q_reg2.bias": (1,),
    "q_reg2.weight": (1, 127),
    "rnn.bias_hh_l0": (96,),
    "rnn.bias_ih_l0": (96,),
    "rnn.weight_hh_l0": (96, 32),
    "rnn.weight_ih_l0": (96, 256),
}
LENGTHS = (120, 92, 60, 29)
# Scores of the authors' code for the weights below. The second video has a denominator near zero.
VIDEO_SCORES = (-0.298369, -15.608717, -0.402731, -2.823779)
FRAME_SCORES = (0.718298, 0.702723, 0.730460, 0.747954)


def published_fill():
    """Return the deterministic checkpoint for which the golden values were recorded."""
    state = {}
    for position, key in enumerate(sorted(SHAPES)):
        shape = SHAPES[key]
        draw = np.random.RandomState(1000 + position).standard_normal(int(np.prod(shape)))
        draw = draw.reshape(shape)
        if key == "q_reg":
            draw = 1 + 0.2 * draw
        elif len(shape) == 1:
            draw = 0.1 * draw
        else:
            draw = 2 * draw / np.sqrt(np.prod(shape[1:]))
        state[key] = torch.tensor(draw, dtype=torch.float32)
    return state


@pytest.fixture(scope="module")
def golden_batch():
    features = torch.zeros(len(LENGTHS), max(LENGTHS), 2944)
    for video, length in enumerate(LENGTHS):
        random = np.random.RandomState(50 + video)
        step = np.arange(length)[:, None]
        means = np.abs(random.standard_normal((length, 1472)))
        means *= 1 + 0.5 * np.sin(0.1 * step + video)
        deviations = np.abs(random.standard_normal((length, 1472)))
        deviations *= 1 + 0.5 * np.cos(0.07 * step + video)
        features[video, :length] = torch.tensor(np.concatenate([means, deviations], 1))
    return features, torch.tensor(LENGTHS)


@pytest.fixture(scope="module")
def model():
    return GSTVQA.from_published(published_fill())


@torch.inference_mode()
def test_a_released_checkpoint_gives_the_authors_scores(model, golden_batch):
    assert sum(int(np.prod(shape)) for shape in SHAPES.values()) == 1_415_314
    output = model.assess(*golden_batch)
    assert model(*golden_batch).tolist() == pytest.approx(VIDEO_SCORES, rel=1e-3)
    assert output.frame.tolist() == pytest.approx(FRAME_SCORES, rel=1e-5)
    mean_hidden = output.mean_hidden[3, :4].tolist()
    assert mean_hidden == pytest.approx([0.610126, 0.674542, -0.338804, 0.460481], rel=1e-5)
    variance = model.gaussian_std[:3] ** 2
    assert variance.tolist() == pytest.approx([1.543854, 0.875050, 0.583776], rel=1e-5)


def literal_forward(model, features):
    """Compute both scores of one video (T, D) step by step from the specification."""
    means, deviations = features[:, : model.channels], features[:, model.channels :]
    squeeze, _, expand, _ = model.channel_attention
    attention = torch.sigmoid(expand(torch.relu(squeeze(means.std(0, correction=0)))))
    x = model.reduce(attention * deviations)
    hidden, state = [], torch.zeros(model.rnn.hidden_size, dtype=x.dtype)
    for row in x:
        from_input = model.rnn.weight_ih_l0 @ row + model.rnn.bias_ih_l0
        from_state = model.rnn.weight_hh_l0 @ state + model.rnn.bias_hh_l0
        (ri, zi, ni), (rs, zs, ns) = from_input.chunk(3), from_state.chunk(3)
        reset, update = torch.sigmoid(ri + rs), torch.sigmoid(zi + zs)
        state = (1 - update) * torch.tanh(ni + reset * ns) + update * state
        hidden.append(state)
    hidden = torch.stack(hidden)
    first, _, second, _ = model.temporal_attention
    u = functional.conv1d(hidden.T[None], first.weight, first.bias).relu()
    u = functional.conv1d(u, second.weight, second.bias).tanh()[0, 0]
    g = u[:, None] * hidden[14:-14]
    rows = literal_pyramid(g)
    normaliser = literal_pyramid(u[:, None])
    normaliser[0] = 1
    video = model.video_head(model.bin_head(rows / normaliser)[:, 0])[0]
    distance = hidden.mean(0) - model.gaussian_mean
    frame = torch.exp(-(model.precision**2) * distance**2).mean()
    return video, frame


def test_values_and_gradients_match_the_literal_forward_pass():
    torch.manual_seed(3)
    model = GSTVQA(24, attention_dim=6, reduced_dim=10, hidden_dim=8).double()
    features = torch.rand(3, 75, 24, dtype=torch.float64, requires_grad=True)
    lengths = torch.tensor([75, 40, 29])
    output = model.assess(features, lengths)
    literal = [literal_forward(model, row[:n]) for row, n in zip(features, lengths, strict=True)]
    for ours, theirs in zip((output.video, output.frame), zip(*literal, strict=True), strict=True):
        theirs = torch.stack(theirs)
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)
        wanted = [features, *(p for p in model.parameters())]
        pair = [
            torch.autograd.grad(value.sum(), wanted, retain_graph=True, allow_unused=True)
            for value in (ours, theirs)
        ]
        for mine, reference in zip(*pair, strict=True):
            if reference is None:
                assert mine is None or not mine.any()
            else:
                scale = max(1.0, reference.abs().max().item())
                torch.testing.assert_close(mine, reference, rtol=1e-6, atol=1e-9 * scale)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"attention": "concat"},
        {"pyramid": False},
        {"score": "frame"},
        {"score": "fused", "fusion_weight": 0.8},
    ],
)
def test_scores_do_not_depend_on_padding_or_batch(options):
    torch.manual_seed(0)
    model = GSTVQA(24, attention_dim=6, reduced_dim=10, hidden_dim=8, **options).double()
    features = torch.rand(5, 80, 24, dtype=torch.float64)
    lengths = torch.tensor([80, 51, 29, 28, 1])
    together = model(features, lengths)
    alone = [model(features[i : i + 1, :n], torch.tensor([n])) for i, n in enumerate(lengths)]
    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-9, atol=1e-9)
    overwritten = features.clone()
    for row, n in enumerate(lengths):
        overwritten[row, n:] = 1e3
    torch.testing.assert_close(model(overwritten, lengths), together, rtol=1e-9, atol=1e-9)


def test_fused_score_and_timeline_follow_their_definitions(golden_batch):
    torch.manual_seed(0)
    model = GSTVQA(24, score="fused", fusion_weight=0.4, hidden_dim=8)
    features, lengths = torch.rand(2, 40, 24), torch.tensor([40, 35])
    output = model.assess(features, lengths)
    fused = (output.video + 0.4 * output.frame) / 1.4
    torch.testing.assert_close(model(features, lengths), fused)
    timeline = model.timeline(features, lengths)
    assert timeline.shape == (2, 40)
    assert ((timeline > 0) & (timeline <= 1)).all()


def test_every_parameter_gets_a_gradient():
    torch.manual_seed(0)
    model = GSTVQA(24, hidden_dim=8, score="fused")
    model(torch.rand(2, 60, 24), torch.tensor([60, 45])).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


def test_invalid_options_and_other_checkpoints_are_refused():
    with pytest.raises(ValueError, match="attention='self': expected std or concat"):
        GSTVQA(attention="self")
    with pytest.raises(ValueError, match=r"input_dim=2943.* expected an even input_dim"):
        GSTVQA(2943)
    with pytest.raises(ValueError, match=r"missing keys .*q_reg2\.bias"):
        GSTVQA.from_published({"q.weight": torch.zeros(1, 32)})


def test_critic_returns_a_probability_per_row():
    out = Critic(8)(torch.randn(5, 8))
    assert out.shape == (5,)
    assert ((out > 0) & (out < 1)).all()
