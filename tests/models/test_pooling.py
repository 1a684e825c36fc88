"""The vectorised pooling against literal loops."""

import math

import pytest
import torch
from torch.nn import functional

from vqa.models.pooling import (
    masked_mean,
    masked_std,
    pyramid_pooling,
    reflect_to,
    subjective_pooling,
    subjective_quality,
)

LENGTHS = (40, 12, 11, 5, 1)


@pytest.fixture
def batch():
    """Padded frame quality with random padding, and the lengths."""
    generator = torch.Generator().manual_seed(0)
    quality = 3 * torch.randn(len(LENGTHS), max(LENGTHS), generator=generator, dtype=torch.float64)
    return quality.requires_grad_(), torch.tensor(LENGTHS)


def literal_subjective(values, tau=12, beta=0.5):
    """Compute VSFA's pooling of one video frame by frame."""
    total, count = 0.0, len(values)
    for t in range(count):
        memory = min(values[max(0, t - tau + 1) : t + 1])
        ahead = values[t : t + tau]
        weights = [(-q).exp() for q in ahead]
        current = sum(w * q for w, q in zip(weights, ahead, strict=True)) / sum(weights)
        total = total + beta * current + (1 - beta) * memory
    return total / count


def literal_pyramid(x, levels=7):
    """Average the bins of one video (T, C) -> (127, C), as adaptive average pooling does."""
    rows = []
    for level in range(levels):
        bins = 2**level
        for k in range(bins):
            start = math.floor(k * len(x) / bins)
            end = math.ceil((k + 1) * len(x) / bins)
            rows.append(x[start:end].mean(0))
    return torch.stack(rows)


def test_subjective_pooling_and_its_gradient_match_the_literal_loop(batch):
    quality, lengths = batch
    pooled = subjective_pooling(quality, lengths)
    literal = torch.stack(
        [literal_subjective(list(row[:n])) for row, n in zip(quality, LENGTHS, strict=True)]
    )
    torch.testing.assert_close(pooled, literal, rtol=0, atol=1e-12)
    ours, theirs = (
        torch.autograd.grad(value.square().sum(), quality, retain_graph=True)[0]
        for value in (pooled, literal)
    )
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-10)
    assert all(not row[n:].any() for row, n in zip(ours, LENGTHS, strict=True))


def test_subjective_pooling_is_accurate_in_float32(batch):
    quality, lengths = batch
    single = subjective_pooling(quality.detach().float(), lengths)
    literal = subjective_pooling(quality.detach(), lengths)
    torch.testing.assert_close(single, literal.float(), rtol=0, atol=1e-6)


@pytest.mark.parametrize("tau", [1, 3, 12, 50])
@pytest.mark.parametrize("beta", [0.0, 0.3, 1.0])
def test_subjective_pooling_with_other_parameters(tau, beta):
    values = torch.linspace(-2, 3, 20, dtype=torch.float64).sin()
    pooled = subjective_pooling(values[None], torch.tensor([20]), tau, beta)
    assert pooled.item() == pytest.approx(literal_subjective(list(values), tau, beta).item())


def test_subjective_pooling_is_below_the_mean_for_falling_quality():
    falling = torch.linspace(5, 1, 60)[None]
    assert subjective_pooling(falling, torch.tensor([60])) < falling.mean()


def test_subjective_quality_of_extreme_values_is_finite():
    quality = torch.tensor([[-200.0, 300.0, -150.0, 0.0]], requires_grad=True)
    out = subjective_quality(quality, torch.tensor([3]))
    out[:, :3].sum().backward()
    assert out.isfinite().all()
    assert quality.grad.isfinite().all()


@pytest.mark.parametrize("length", [1, 2, 3, 63, 64, 65, 92, 212])
def test_pyramid_matches_the_literal_loop_and_adaptive_pooling(length):
    generator = torch.Generator().manual_seed(length)
    x = torch.randn(1, length + 7, 5, generator=generator, dtype=torch.float64)
    pooled = pyramid_pooling(x, torch.tensor([length]))[0]
    torch.testing.assert_close(pooled, literal_pyramid(x[0, :length]), rtol=0, atol=1e-12)
    adaptive = torch.cat(
        [functional.adaptive_avg_pool1d(x[:, :length].mT, 2**level) for level in range(7)], -1
    )
    torch.testing.assert_close(pooled, adaptive[0].mT, rtol=0, atol=1e-12)


def test_pyramid_gradients_match_the_literal_loop():
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(2, 90, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(127, 3, generator=generator, dtype=torch.float64)
    ours = (pyramid_pooling(x, torch.tensor([90, 31])) * weight).sum()
    theirs = ((literal_pyramid(x[0]) + literal_pyramid(x[1, :31])) * weight).sum()
    first, second = (torch.autograd.grad(value, x)[0] for value in (ours, theirs))
    torch.testing.assert_close(first, second, rtol=0, atol=1e-12)


def test_masked_moments_match_those_of_unpadded_sequences():
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(3, 20, 4, generator=generator, dtype=torch.float64)
    lengths = torch.tensor([20, 7, 1])
    for row, n in enumerate(lengths):
        torch.testing.assert_close(masked_mean(x, lengths)[row], x[row, :n].mean(0))
        torch.testing.assert_close(masked_std(x, lengths)[row], x[row, :n].std(0, correction=0))


def test_masked_std_of_a_constant_channel_has_a_finite_gradient():
    x = torch.ones(1, 10, 2, requires_grad=True)
    masked_std(x, torch.tensor([10])).sum().backward()
    assert x.grad.isfinite().all()


def test_reflection_extends_only_short_videos():
    x = torch.arange(5.0).view(1, 5, 1).repeat(3, 1, 1)
    extended, lengths = reflect_to(x, torch.tensor([5, 3, 1]), 5)
    assert lengths.tolist() == [5, 5, 5]
    assert extended[:, :5, 0].tolist() == [[0, 1, 2, 3, 4], [1, 0, 1, 2, 1], [0, 0, 0, 0, 0]]
