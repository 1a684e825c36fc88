"""Losses that compare the order and the linear relation of a batch's scores and labels.

CLiF-VQA's losses follow Mi, Li, Shu, Hui, Zhou and Liu, "CLiF-VQA", ACM MM 2024, equations 14 to
16, as printed. The paper gives no weights. The defaults are 0.3 for monotonicity, the weight of the
rank term in FAST-VQA and in Q-CLIP, a later paper by the same authors, and 1 for linearity. The
monotonicity loss is in units of the label, so labels should be on a scale of about 1 (the learner
divides MOS by the largest MOS of the training part).

FAST-VQA's loss (`plcc_rank_loss`) follows the release of Wu et al., ECCV 2022. MDTVSFA's
(`rank_loss`, `linearity_loss`, `emphasised_mean`) follow the release of Li, Jiang and Jiang, IJCV
2021.

All losses are invariant to a constant added to all scores, so a trained network agrees with the
labels up to a constant.

Degenerate batches contribute zero gradient: a single video has no pairs, and the correlation is
undefined if scores or labels are constant up to rounding. The correlation is then taken as 0, so
the linearity loss is 1/2. Constant scores still get the gradient of the monotonicity loss.

Shapes: B videos. Scores of lower precision are converted to the precision of the labels.
"""

import torch
from torch import Tensor


def monotonicity_loss(score: Tensor, target: Tensor) -> Tensor:
    """Return the mean shortfall of score differences against label differences (eq. 14).

    The mean is over all B**2 pairs. A pair contributes max(0, |q_i - q_j| - f (s_i - s_j)) with
    f = 1 if q_i >= q_j, otherwise -1: a difference between scores is penalised if it is too small
    or has the wrong sign, but not if it is too large. A pair of equal labels contributes the
    distance of its scores.

    Args:
        score: Predictions (B,).
        target: Labels (B,).

    Returns:
        The mean over all pairs, including each video with itself; at least 0.

    Raises:
        ValueError: Scores and labels are not vectors of equal length.

    Examples:
        >>> import torch
        >>> from vqa.models.losses import monotonicity_loss
        >>> target = torch.tensor([0.25, 0.5, 1.0])
        >>> monotonicity_loss(target + 1, target).item()
        0.0
        >>> round(monotonicity_loss(-target, target).item(), 2)
        0.67
    """
    score, target = _vectors(score, target)
    gap = target[:, None] - target
    direction = torch.where(gap >= 0, 1, -1)
    return (gap.abs() - direction * (score[:, None] - score)).relu().mean()


def linearity_loss(score: Tensor, target: Tensor) -> Tensor:
    """Return (1 - Pearson's correlation) / 2, in [0, 1] (eq. 15); 1/2 for constant input.

    Args:
        score: Predictions (B,).
        target: Labels (B,).

    Raises:
        ValueError: Scores and labels are not vectors of equal length.
    """
    score, target = _vectors(score, target)
    varies = _varies(score) & _varies(target)
    score, target = score - score.mean(), target - target.mean()
    norms = torch.linalg.vector_norm(score) * torch.linalg.vector_norm(target)
    # Both branches of `where` get a gradient; the inner `where` keeps 0 / 0 out of it.
    # A sum of products, because autocast would compute a dot product in half precision.
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
    """Return the weighted sum of `monotonicity_loss` and `linearity_loss` (eq. 16).

    Args:
        score: Predictions (B,).
        target: Labels (B,).
        monotonicity_weight: The paper's alpha.
        linearity_weight: The paper's beta.

    Raises:
        ValueError: Scores and labels are not vectors of equal length.
    """
    order = monotonicity_loss(score, target)
    return monotonicity_weight * order + linearity_weight * linearity_loss(score, target)


def plcc_rank_loss(score: Tensor, target: Tensor, *, rank_weight: float = 0.3) -> Tensor:
    """Return FAST-VQA's loss: squared distance of standardised values plus a rank hinge.

    The first term is half the sum of MSE(s, q) / 4 and MSE(r s, q) / 4, where s and q are the
    standardised scores and labels and r is the mean of s q. The second term sums
    max(0, s_i - s_j) of the raw scores over all pairs with q_i < q_j, and divides by n (n - 1) and
    by 1 + the largest of these values.

    Args:
        score: Predictions (B,).
        target: Labels (B,).
        rank_weight: Weight of the second term; 0.3 as in the release, whose older script has 0.1.

    Raises:
        ValueError: Scores and labels are not vectors of equal length.
    """
    score, target = _vectors(score, target)
    s, q = _standardised(score), _standardised(target)
    correlation = (s * q).mean()
    distance = ((s - q).square().mean() + (correlation * s - q).square().mean()) / 8
    hinges = _rank_hinges(score, target)
    return distance + rank_weight * _over_pairs(hinges) / (1 + hinges.max())


def rank_loss(score: Tensor, target: Tensor) -> Tensor:
    """Return the mean of max(0, (s_i - s_j) sign(q_j - q_i)) over the n (n - 1) ordered pairs.

    Args:
        score: Predictions (B,).
        target: Labels (B,), of which only the order matters.

    Raises:
        ValueError: Scores and labels are not vectors of equal length.

    Examples:
        >>> import torch
        >>> from vqa.models.losses import rank_loss
        >>> rank_loss(torch.tensor([0.5, 0.25]), torch.tensor([3.0, 80.0])).item()
        0.25
    """
    return _over_pairs(_rank_hinges(*_vectors(score, target)))


def emphasised_mean(losses: Tensor) -> Tensor:
    """Combine the losses (N,) of several databases: sum of e^L L over the sum of e^L.

    The database with the largest loss counts most; the weights have gradients as well.

    Examples:
        >>> import torch
        >>> from vqa.models.losses import emphasised_mean
        >>> round(emphasised_mean(torch.tensor([0.0, 1.0])).item(), 4)
        0.7311
    """
    return (losses.softmax(0) * losses).sum()


def _rank_hinges(score: Tensor, target: Tensor) -> Tensor:
    """Return max(0, (s_i - s_j) sign(q_j - q_i)) of all pairs, (B, B)."""
    return ((score[:, None] - score) * (target - target[:, None]).sign()).relu()


def _over_pairs(hinges: Tensor) -> Tensor:
    """Sum values (B, B) of pairs and divide by the number of ordered pairs; 0 if there are none."""
    return hinges.sum() / max(1, len(hinges) * (len(hinges) - 1))


def _standardised(x: Tensor) -> Tensor:
    """Scale to zero mean and unit deviation; zeros without gradient if all values are equal."""
    varies = _varies(x)
    centred = x - x.mean()
    deviation = torch.where(varies, centred, 1).square().mean().sqrt()
    return torch.where(varies, centred / (deviation + 1e-8), 0)


def _vectors(score: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    if score.ndim != 1 or score.shape != target.shape:
        raise ValueError(
            "a loss compares one score and one label per video: expected (B,) and (B,), found "
            f"{tuple(score.shape)} and {tuple(target.shape)}; squeeze the network's output"
        )
    dtype = torch.promote_types(score.dtype, target.dtype)
    return score.to(dtype), target.to(dtype)


def _varies(x: Tensor) -> Tensor:
    """Return whether values differ by more than rounding, bool (); true if one is NaN."""
    return ~(x.max() - x.min() <= 8 * torch.finfo(x.dtype).eps * x.abs().max())
