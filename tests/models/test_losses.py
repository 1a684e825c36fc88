"""Losses: the papers' formulas as loops, and degenerate batches."""

import math

import pytest
import torch
from scipy.stats import pearsonr

from vqa.models.losses import (
    emphasised_mean,
    linearity_loss,
    monotone_linear_loss,
    monotonicity_loss,
    plcc_rank_loss,
    rank_loss,
)

LOSSES = [monotonicity_loss, linearity_loss, monotone_linear_loss]
# Labels and scores; the golden values below were computed once from the equations of the papers.
MOS = [1, 2, 3, 4, 5, 2.5]
SCORE = [1.2, 1.9, 3.5, 3.4, 4.9, 2.2]


def literal_monotonicity(score, target):
    """Compute equation 14 pair by pair."""
    total = 0.0
    for q_i, s_i in zip(target.tolist(), score.tolist(), strict=True):
        for q_j, s_j in zip(target.tolist(), score.tolist(), strict=True):
            f = 1 if q_i >= q_j else -1
            total += max(0, abs(q_i - q_j) - f * (s_i - s_j))
    return total / len(score) ** 2


def draw(seed, count=12):
    """Return scores, and labels of which some are equal."""
    generator = torch.Generator().manual_seed(seed)
    score = torch.randn(count, generator=generator, dtype=torch.float64)
    return score, torch.randint(0, 6, (count,), generator=generator).double() / 5


def gradient(loss, score, target):
    score = score.clone().requires_grad_()
    loss(score, target).backward()
    return score.grad


@pytest.mark.parametrize("seed", range(20))
def test_losses_follow_the_papers_formulas(seed):
    score, target = draw(seed, count=2 + seed)
    if seed == 0:
        target = torch.tensor([0.2, 0.8], dtype=torch.float64)
    monotonicity = literal_monotonicity(score, target)
    linearity = (1 - pearsonr(score, target)[0]) / 2
    assert monotonicity_loss(score, target).item() == pytest.approx(monotonicity, abs=1e-12)
    assert linearity_loss(score, target).item() == pytest.approx(linearity, abs=1e-12)
    both = monotone_linear_loss(score, target, monotonicity_weight=0.7, linearity_weight=2)
    assert both.item() == pytest.approx(0.7 * monotonicity + 2 * linearity, abs=1e-12)


def test_clifvqa_golden_values():
    score, target = torch.tensor(SCORE), torch.tensor(MOS)
    monotonicity, linearity = 0.2555556, 0.0181169
    assert monotonicity_loss(score, target).item() == pytest.approx(monotonicity, abs=1e-6)
    assert linearity_loss(score, target).item() == pytest.approx(linearity, abs=1e-6)
    both = 0.3 * monotonicity + linearity
    assert monotone_linear_loss(score, target).item() == pytest.approx(both, abs=1e-6)


@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_match_finite_differences(loss):
    score, target = draw(3)
    assert torch.autograd.gradcheck(loss, (score.requires_grad_(), target))


@pytest.mark.parametrize("loss", LOSSES)
def test_perfect_scores_have_zero_loss_and_a_shift_has_no_effect(loss):
    score, target = draw(5)
    assert loss(target + 3, target).item() == pytest.approx(0, abs=1e-12)
    assert loss(score + 7, target).item() == pytest.approx(loss(score, target).item(), abs=1e-12)


def test_monotonicity_and_linearity_penalise_different_scores():
    _, target = draw(6)
    assert monotonicity_loss(2 * target, target).item() == 0  # larger differences of the right sign
    assert linearity_loss(0.1 * target, target).item() == pytest.approx(0)
    assert monotonicity_loss(0.1 * target, target).item() > 0
    assert linearity_loss(-target, target).item() == pytest.approx(1)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_single_video_has_zero_gradient(loss):
    score, target = torch.tensor([0.3]), torch.tensor([0.9])
    expected = {monotonicity_loss: 0.0}.get(loss, 0.5)
    assert loss(score, target).item() == expected
    assert gradient(loss, score, target).tolist() == [0]


# 0.1 is not exact in float32: the mean of twelve copies differs in the last bit.
@pytest.mark.parametrize("constant", [0.0, 0.1, -1e4, 1e-30])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_constant_input_gives_linearity_one_half_without_gradient(constant, dtype):
    values = draw(7)[1].to(dtype)
    flat = torch.full((12,), constant, dtype=dtype)
    rounded = flat.clone()
    rounded[4] = torch.nextafter(rounded[4], rounded[4] + 1) if abs(constant) > 1e-9 else constant
    for score, target in ((flat, values), (values, flat), (flat, flat), (rounded, values)):
        assert linearity_loss(score, target).item() == 0.5
        assert gradient(linearity_loss, score, target).abs().max() == 0
    slopes = gradient(monotonicity_loss, flat, values)
    assert slopes.isfinite().all()
    assert slopes[values.argmax()] < 0 < slopes[values.argmin()]


def test_differences_slightly_above_rounding_are_measured():
    _, target = draw(8)
    score = (0.5 + 1e-4 * target).float()
    assert linearity_loss(score, target.float()).item() == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("loss", LOSSES)
def test_half_precision_scores_are_compared_in_the_precision_of_the_labels(loss):
    score, target = (x.float() for x in draw(9))
    half = score.bfloat16()
    found = loss(half, target)
    assert found.dtype == torch.float32
    assert found.item() == loss(half.float(), target).item()
    assert gradient(loss, half, target).isfinite().all()


def test_autocast_does_not_reduce_precision():
    score, target = (x.float() for x in draw(11))
    with torch.autocast("cpu", torch.bfloat16):
        found = monotone_linear_loss(score, target)
    assert found.item() == monotone_linear_loss(score, target).item()


def test_gradient_descent_brings_scores_into_the_order_and_line_of_the_labels():
    score, _ = draw(10)
    target = torch.linspace(0.1, 1, 12, dtype=torch.float64)
    score.requires_grad_()
    optimizer = torch.optim.Adam([score], lr=0.05)
    for _ in range(200):
        optimizer.zero_grad()
        monotone_linear_loss(score, target).backward()
        optimizer.step()
    found = score.detach()
    assert pearsonr(found, target)[0] > 0.999
    assert torch.equal(found.argsort(), torch.arange(12))
    # The range of the scores is about as large as that of the labels, or larger.
    assert (found.max() - found.min()).item() >= 0.9 - 0.05


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("shape", [(4, 1), (3,), (1, 4), ()])
def test_other_shapes_are_refused_instead_of_broadcast(loss, shape):
    with pytest.raises(ValueError, match=r"expected \(B,\) and \(B,\), found"):
        loss(torch.zeros(shape), torch.zeros(4))


def literal_fastvqa(score, target):
    """Compute the two terms of FAST-VQA's loss value by value."""
    n = len(score)
    s = (score - score.mean()) / (score.std(correction=0) + 1e-8)
    q = (target - target.mean()) / (target.std(correction=0) + 1e-8)
    r = sum(a * b for a, b in zip(s, q, strict=True)) / n
    first = sum((a - b) ** 2 for a, b in zip(s, q, strict=True)) / n / 4
    second = sum((r * a - b) ** 2 for a, b in zip(s, q, strict=True)) / n / 4
    hinges = [
        max(0.0, float(score[i] - score[j]))
        if target[i] < target[j]
        else max(0.0, float(score[j] - score[i]))
        if target[i] > target[j]
        else 0.0
        for i in range(n)
        for j in range(n)
    ]
    return float(first + second) / 2, sum(hinges) / (n * (n - 1)) / (1 + max(hinges))


@pytest.mark.parametrize("seed", range(10))
def test_fastvqa_loss_follows_the_formula_of_the_release(seed):
    score, target = draw(seed, count=3 + seed)
    distance, rank = literal_fastvqa(score, target)
    assert plcc_rank_loss(score, target, rank_weight=0).item() == pytest.approx(distance)
    both = plcc_rank_loss(score, target, rank_weight=0.7).item()
    assert both == pytest.approx(distance + 0.7 * rank)


def test_fastvqa_golden_values():
    score, target = torch.tensor(SCORE), torch.tensor(MOS)
    distance, rank = 0.01795275, 0.00606061
    assert plcc_rank_loss(score, target, rank_weight=0).item() == pytest.approx(distance, abs=1e-7)
    both = plcc_rank_loss(score, target).item()
    assert both == pytest.approx(distance + 0.3 * rank, abs=1e-7)


def test_fastvqa_loss_has_a_finite_gradient_for_degenerate_batches():
    for score, target in (
        (torch.tensor([0.3]), torch.tensor([0.9])),
        (torch.full((5,), 0.1), torch.rand(5)),
        (torch.rand(5), torch.full((5,), 0.1)),
    ):
        slopes = gradient(plcc_rank_loss, score, target)
        assert slopes.isfinite().all()
    assert torch.autograd.gradcheck(plcc_rank_loss, (draw(3)[0].requires_grad_(), draw(3)[1]))
    score, target = draw(5)
    shifted = plcc_rank_loss(3 * score + 7, target, rank_weight=0).item()
    assert shifted == pytest.approx(plcc_rank_loss(score, target, rank_weight=0).item())


@pytest.mark.parametrize("seed", range(5))
def test_mdtvsfa_losses_follow_the_formulas_of_the_release(seed):
    score, target = draw(seed, count=2 + seed)
    n = len(score)
    order = sum(
        max(0.0, float((score[i] - score[j]) * torch.sign(target[j] - target[i])))
        for i in range(n)
        for j in range(n)
    ) / (n * (n - 1))
    assert rank_loss(score, target).item() == pytest.approx(order, abs=1e-12)
    losses = score.abs().tolist()
    combined = sum(math.exp(x) * x for x in losses) / sum(math.exp(x) for x in losses)
    assert emphasised_mean(score.abs()).item() == pytest.approx(combined, abs=1e-12)
    assert torch.autograd.gradcheck(rank_loss, (score.clone().requires_grad_(), target))
    assert torch.autograd.gradcheck(emphasised_mean, (score.abs().requires_grad_(),))


def test_the_rank_loss_is_blind_to_the_scale_of_the_labels_and_ignores_a_single_video():
    score, target = draw(4)
    assert rank_loss(score, target).item() == rank_loss(score, 20 * target - 3).item()
    assert gradient(rank_loss, torch.tensor([0.3]), torch.tensor([0.9])).tolist() == [0]
    assert gradient(rank_loss, torch.full((5,), 0.1), torch.rand(5)).isfinite().all()
