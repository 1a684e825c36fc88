"""Gated window attention against its literal formula, token pair by token pair."""

import copy
import itertools
import pickle

import pytest
import torch

from vqa.models.swin_attention import FragmentAttention


def literal_attention(attention, x, limit=None):
    """Attend within a map (T, H, W, C) of whole windows, token pair by token pair."""
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
    # The roll moves the first tokens of an axis to its end, next to unrelated ones.
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
def test_gated_attention_matches_the_literal_formula(shift, gate, limit):
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


def test_a_smaller_window_uses_the_middle_of_the_tables():
    torch.manual_seed(0)
    wide = FragmentAttention(4, [2, 5, 5], [0, 0, 0], 1, gate="distance")
    narrow = FragmentAttention(4, [2, 3, 3], [0, 0, 0], 1, gate="distance")
    torch.nn.init.normal_(wide.relative_position_bias_table)
    state = wide.state_dict()
    for key in ("relative_position_bias_table", "fragment_position_bias_table"):
        state[key] = state[key].view(3, 9, 9, 1)[:, 2:7, 2:7].reshape(-1, 1)
    narrow.load_state_dict(state)
    x = torch.randn(1, 2, 3, 3, 4)
    torch.testing.assert_close(wide(x), narrow(x))


def gated():
    """An attention of four windows with random tables, in evaluation."""
    torch.manual_seed(0)
    attention = FragmentAttention(4, [2, 3, 3], [1, 1, 1], 2, gate="distance").eval()
    for parameter in attention.parameters():
        torch.nn.init.normal_(parameter)
    return attention


@torch.no_grad()
def fresh(attention, x):
    """The output of a new attention with the weights of another."""
    twin = FragmentAttention(4, [2, 3, 3], [1, 1, 1], 2, gate="distance").eval()
    twin.load_state_dict(attention.state_dict())
    return twin.to(x.dtype)(x)


def stepped(attention, x):
    optimizer = torch.optim.SGD(attention.parameters(), lr=1.0)
    attention(x).square().mean().backward()
    optimizer.step()


def replaced(attention, x):
    attention.relative_position_bias_table = torch.nn.Parameter(torch.randn(75, 2))


def assigned(attention, x):
    state = {key: torch.randn_like(value) for key, value in attention.state_dict().items()}
    attention.load_state_dict(state, assign=True)


def swapped(attention, x):
    """What Lightning's average of the weights does at a validation, after it sets the mode."""
    attention.train().eval()
    for parameter in attention.parameters():
        parameter.data.copy_(torch.randn_like(parameter))


@pytest.mark.parametrize(
    "change",
    [
        lambda attention, x: attention.load_state_dict(
            {key: value + 1 for key, value in attention.state_dict().items()}
        ),
        lambda attention, x: attention.double(),
        lambda attention, x: attention.fragment_position_bias_table.detach().mul_(2),
        lambda attention, x: attention.bfloat16().float(),
        stepped, replaced, assigned, swapped,
    ],
)  # fmt: skip
def test_the_kept_bias_is_never_that_of_other_weights(change):
    attention, x = gated(), torch.randn(2, 4, 6, 6, 4)
    with torch.no_grad():
        before = attention(x)
    change(attention, x)
    x = x.to(attention.relative_position_bias_table.dtype)
    with torch.no_grad():
        after = attention(x)
    assert not torch.equal(after.float(), before)
    assert torch.equal(after, fresh(attention, x))


def test_a_bias_is_computed_once_for_an_evaluation(monkeypatch):
    attention, x = gated(), torch.randn(2, 4, 6, 6, 4)
    computed = []
    compute = FragmentAttention._bias
    monkeypatch.setattr(
        FragmentAttention, "_bias", lambda self, *rest: computed.append(1) or compute(self, *rest)
    )
    with torch.inference_mode():
        outputs = [attention(x) for _ in range(3)]
    with torch.no_grad():
        outputs.append(attention(x))
    assert len(computed) == 1
    assert all(torch.equal(output, outputs[0]) for output in outputs)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        attention(x)
    with torch.no_grad():
        attention(x[:, :, :3])  # another size
        assert len(computed) == 3
        attention.train()
        attention(x)
        attention(x)
    assert len(computed) == 5
    attention(x).mean().backward()
    assert attention.relative_position_bias_table.grad.abs().sum() > 0


def test_a_kept_bias_is_neither_copied_nor_stored():
    attention, x = gated(), torch.randn(1, 4, 6, 6, 4)
    with torch.inference_mode():
        output = attention(x)
    assert attention._kept is not None
    for twin in (copy.deepcopy(attention), pickle.loads(pickle.dumps(attention))):
        assert twin._kept is None
        with torch.no_grad():
            assert torch.equal(twin(x), output)
    attention.train()
    assert attention._kept is None
    with torch.inference_mode():
        made = gated()  # weights that do not count their changes
        assert torch.equal(made(x), output)
        made.relative_position_bias_table.mul_(2)
        assert not torch.equal(made(x), output)
