"""A network on one feature vector per video: an ensemble of small networks on weighted components.

The features are weighted by their relevance (`vqa.models.relevance`) and projected on their
principal components; both are fitted to the training part before the training (`fit_components`).
Each member is a hidden layer with GELU and dropout, and a linear score. Members differ in their
initial weights and dropout; the score is their mean.

`vqa.training.learners.ensemble.EnsembleModule` trains each member by itself. The features are
expected on a common scale, see `vqa.models.rank_gauss`.

Shapes: B videos in a batch, N in the training part, D features, C components, M members, H hidden
units.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from vqa.models.relevance import relevance


class Tabular(nn.Module):
    """Score videos from feature vectors.

    Until `fit_components` is called, the components are the first features.

    Args:
        input_dim: D.
        components: C, or D if there are fewer features.
        members: M.
        hidden_dim: H.
        dropout: Of hidden units.

    Examples:
        >>> import torch
        >>> from vqa.models.tabular import Tabular
        >>> model = Tabular(input_dim=6, members=3).eval()
        >>> tuple(model(torch.randn(2, 6)).shape)
        (2,)
        >>> tuple(model.members(torch.randn(2, 6)).shape)
        (2, 3)
    """

    def __init__(
        self,
        input_dim: int,
        components: int = 192,
        members: int = 8,
        hidden_dim: int = 32,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        components = min(components, input_dim)
        self.register_buffer("centre", torch.zeros(input_dim))
        self.register_buffer("projection", torch.eye(input_dim, components))
        self.hidden = nn.Parameter(torch.randn(members, components, hidden_dim) * components**-0.5)
        self.hidden_bias = nn.Parameter(torch.zeros(members, 1, hidden_dim))
        self.head = nn.Parameter(torch.randn(members, hidden_dim, 1) * hidden_dim**-0.5)
        self.head_bias = nn.Parameter(torch.zeros(members, 1, 1))
        self.dropout = nn.Dropout(dropout)

    timeline_is = "one value, the score"

    def members(self, features: Tensor) -> Tensor:
        """Score videos by each member. (B, D) -> (B, M)."""
        components = (features - self.centre) @ self.projection
        hidden = functional.gelu(components @ self.hidden + self.hidden_bias)
        # Videos first, because dropout draws a mask for each.
        hidden = self.dropout(hidden.transpose(0, 1)).transpose(0, 1)
        return (hidden @ self.head + self.head_bias).squeeze(-1).T

    def timeline(self, features: Tensor) -> Tensor:
        """Return the score as the only value over time. (B, D) -> (B, 1)."""
        return self(features)[:, None]

    def forward(self, features: Tensor) -> Tensor:
        """Score videos. features (B, D) -> (B,)."""
        return self.members(features).mean(1)


def fit_components(
    network: Tabular, features: Tensor, target: Tensor, period: int | None = None
) -> None:
    """Fit the components of a network to the training part, in place.

    Args:
        network: Its `centre` and `projection` are set; the components have a mean square of 1 on
            average.
        features: As the network gets them (N, D).
        target: Labels (N,).
        period: Weight the features by their relevance first, in blocks of this many; None: equal
            weights.

    Raises:
        ValueError: The features do not come in such blocks.
    """
    gain = torch.ones(features.shape[1]) if period is None else relevance(features, target, period)
    centred = (features - features.mean(0)) * gain.to(features)
    count = min(network.projection.shape[1], *centred.shape)
    with torch.random.fork_rng(devices=[]):  # the decomposition starts from random vectors
        torch.manual_seed(0)
        _, sizes, axes = torch.svd_lowrank(centred, count, niter=4)
    scale = (len(features) * count) ** 0.5 / sizes.norm().clamp(min=1e-6)
    network.centre.copy_(features.mean(0))
    network.projection.zero_()
    network.projection[:, :count] = gain.to(axes)[:, None] * axes * scale
