"""Relevance of features: a gain for each, learned by the evidence of a Gaussian process.

A Gaussian process of the labels with the covariance

    exp(a) (exp(-exp(b) |z - z'|^2) + exp(c) z z') + exp(d) [same video],    z = gain * x,

has a closed form for the probability of the training labels, the evidence. It is maximised over a,
b, c, d and the gains (automatic relevance determination: MacKay 1992; Rasmussen and Williams 2006,
chapter 5). The evidence punishes gains that only fit noise, so this needs no validation part.

A gain per feature would be too many. Banks of statistics measure the same P numbers on many maps,
so a feature's log gain is the sum of one term for its map and one for its statistic, both with a
normal prior: 54 + 34 terms for RAPIQUE's 1836 statistics.

Shapes: N videos, D features in D / P blocks of P.
"""

import torch
from torch import Tensor

MOST_VIDEOS = 900  # more change little and cost their cube
STEPS, STEP_SIZE = 15, 0.2
JITTER = 1e-4  # of the noise; keeps the covariance positive definite in float32


@torch.enable_grad()
def relevance(features: Tensor, target: Tensor, period: int, seed: int = 0) -> Tensor:
    """Learn a gain (D,) for each feature, with a mean square of 1.

    Args:
        features: On a common scale, centred, without undefined values (N, D).
        target: Labels (N,).
        period: P; the features of a block follow each other.
        seed: Draws 900 of the videos if there are more.

    Raises:
        ValueError: D is no multiple of P.
    """
    dim = features.shape[1]
    if dim % period:
        raise ValueError(
            f"period={period}: expected a divisor of the number of features, found {dim} features; "
            "use period=null, or features in equal blocks"
        )
    chosen = torch.randperm(len(features), generator=torch.Generator().manual_seed(seed))
    features, target = features[chosen[:MOST_VIDEOS]], target[chosen[:MOST_VIDEOS]]
    target = target - target.mean()
    target = target / target.std(correction=0).clamp(min=1e-6)
    block = torch.zeros(dim // period, 1, requires_grad=True)
    statistic = torch.zeros(1, period, requires_grad=True)
    covariance = torch.tensor([1.5, -1.5, -2.0, -1.3], requires_grad=True)  # a, b, c, d
    optimizer = torch.optim.Adam([block, statistic, covariance], lr=STEP_SIZE)
    for _ in range(STEPS):
        weighted = features * _gain(block, statistic)
        loss = -log_evidence(weighted @ weighted.T, target, covariance)
        loss = loss + (block.square().sum() + statistic.square().sum()) / 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return _gain(block, statistic).detach()


def log_evidence(products: Tensor, target: Tensor, covariance: Tensor) -> Tensor:
    """Return the log evidence of labels (N,), up to a constant.

    Args:
        products: Inner products of the weighted features (N, N); divided by the mean of their
            diagonal.
        target: Labels.
        covariance: a, b, c and d.
    """
    amplitude, width, linear, noise = covariance.exp()
    products = products / products.diagonal().mean()
    squares = products.diagonal()
    distances = (squares[:, None] + squares - 2 * products).clamp(min=0)
    kernel = amplitude * (torch.exp(-width * distances) + linear * products)
    root = torch.linalg.cholesky(kernel + (noise + JITTER) * torch.eye(len(target)).to(kernel))
    solved = torch.cholesky_solve(target[:, None], root)[:, 0]
    return -(target @ solved) / 2 - root.diagonal().log().sum()


def _gain(block: Tensor, statistic: Tensor) -> Tensor:
    gain = ((block + statistic) / 2).exp().flatten()
    return gain / gain.square().mean().sqrt()
