"""Losses of a batch's scores against its labels: their order and their linear relation.

CLiF-VQA's: Mi, Li, Shu, Hui, Zhou and Liu, "CLiF-VQA", ACM MM 2024, equations 14 to 16, as printed.
The paper gives no weights; the defaults are 0.3 for the order, FAST-VQA's weight of its rank term
and that of the same authors' later Q-CLIP, and 1 for the linear relation. The order's loss is in
units of the label, so the labels belong on a scale of about one (the learner divides MOS by the
largest of the training part).

FAST-VQA's (`plcc_rank_loss`): Wu et al., ECCV 2022, as released.

All of them ignore what is added to all scores: they train scores that agree with the labels up to a
constant.

Where a batch says nothing, it pulls at nothing: a single video has no pairs, and the correlation
with scores or labels that are constant, but for rounding, is undefined. It is then taken as 0, so
the linearity loss is 1/2, with a gradient of zero; constant scores still get the order's gradient.

Shapes: B videos. Scores of lower precision than the labels are raised to theirs.
"""

import torch
from torch import Tensor


def monotonicity_loss(score: Tensor, target: Tensor) -> Tensor:
    """By how much the scores' differences fall short of the labels', over all B**2 pairs (eq. 14).

    A pair counts max(0, |q_i - q_j| - f (s_i - s_j)) with f = 1 where q_i >= q_j, otherwise -1: a
    gap between scores that is too narrow or of the wrong sign costs, one that is too wide does not.
    Equal labels cost the distance of their scores.

    Args:
        score: Predictions (B,).
        target: Labels (B,).

    Returns:
        The mean over all pairs, those of a video with itself included; at least 0.

    Raises:
        ValueError: The two are not rows of one length.
    """
    score, target = _rows(score, target)
    gap = target[:, None] - target
    direction = torch.where(gap >= 0, 1, -1)
    return (gap.abs() - direction * (score[:, None] - score)).relu().mean()


def linearity_loss(score: Tensor, target: Tensor) -> Tensor:
    """Half of one minus Pearson's correlation, in [0, 1] (eq. 15); see the module on constants.

    Args:
        score: Predictions (B,).
        target: Labels (B,).

    Raises:
        ValueError: The two are not rows of one length.
    """
    score, target = _rows(score, target)
    varies = _varies(score) & _varies(target)
    score, target = score - score.mean(), target - target.mean()
    norms = torch.linalg.vector_norm(score) * torch.linalg.vector_norm(target)
    # Both branches of `where` get a gradient: the inner one keeps that of 0 / 0 out.
    # A sum of products and no dot product, which autocast would take in half precision.
    products = (score * target).sum()
    correlation = torch.where(varies, products / torch.where(varies, norms, 1), 0)
    return (1 - correlation) / 2


def monotone_linear_loss(
    score: Tensor,
    target: Tensor,
    *,
    monotonicity_weight: float = 0.3,
    linearity_weight: float = 1.0,
) -> Tensor:
    """Weighted sum of `monotonicity_loss` and `linearity_loss` (eq. 16).

    Args:
        score: Predictions (B,).
        target: Labels (B,).
        monotonicity_weight: The paper's alpha.
        linearity_weight: The paper's beta.

    Raises:
        ValueError: The two are not rows of one length.
    """
    order = monotonicity_loss(score, target)
    return monotonicity_weight * order + linearity_weight * linearity_loss(score, target)


def plcc_rank_loss(score: Tensor, target: Tensor, *, rank_weight: float = 0.3) -> Tensor:
    """FAST-VQA's loss: the squared distance of standardised values, and a rank hinge.

    The first term is half the sum of MSE(s, q) / 4 and MSE(r s, q) / 4, with s and q standardised
    scores and labels and r the mean of s q. The second sums max(0, s_i - s_j) over all pairs with
    q_i < q_j, per n (n - 1) pairs, and divides by one more than the largest of them.

    Args:
        score: Predictions (B,).
        target: Labels (B,).
        rank_weight: Of the second term; 0.3 as released for training, 0.1 in its older script.

    Raises:
        ValueError: The two are not rows of one length.
    """
    score, target = _rows(score, target)
    s, q = _standardised(score), _standardised(target)
    correlation = (s * q).mean()
    distance = ((s - q).square().mean() + (correlation * s - q).square().mean()) / 8
    hinge = ((score[:, None] - score) * (target - target[:, None]).sign()).relu()
    pairs = max(1, len(score) * (len(score) - 1))
    return distance + rank_weight * hinge.sum() / pairs / (1 + hinge.max())


def _standardised(x: Tensor) -> Tensor:
    """Zero mean and unit deviation; zeros, without a gradient, where all values are equal."""
    varies = _varies(x)
    centred = x - x.mean()
    deviation = torch.where(varies, centred, 1).square().mean().sqrt()
    return torch.where(varies, centred / (deviation + 1e-8), 0)


def _rows(score: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    if score.ndim != 1 or score.shape != target.shape:
        raise ValueError(
            "a loss compares one score with one label of each video: expected (B,) and (B,), found "
            f"{tuple(score.shape)} and {tuple(target.shape)}; squeeze the network's output"
        )
    dtype = torch.promote_types(score.dtype, target.dtype)
    return score.to(dtype), target.to(dtype)


def _varies(x: Tensor) -> Tensor:
    """Whether values differ by more than rounding, bool ()."""
    return x.max() - x.min() > 8 * torch.finfo(x.dtype).eps * x.abs().max()
