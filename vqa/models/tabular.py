"""A network on one feature vector per video: an ensemble of small networks with learned gains.

Each member is a gain per feature, a hidden layer with GELU and dropout, and a linear score. The
gains multiply the features and are learned as logarithms, so features that help grow together and
the others fade: with a few thousand videos and as many statistics this matters more than the shape
of the network. Members differ in their initial weights and dropout; the score is their mean.

`vqa.training.learners.ensemble.EnsembleModule` trains each member by itself. The features are
expected on a common scale, see `vqa.models.rank_gauss`.

Shapes: B videos, D features, M members, H hidden units.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional


class Tabular(nn.Module):
    """Score videos from feature vectors.

    Args:
        input_dim: D.
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
        self, input_dim: int, members: int = 4, hidden_dim: int = 16, dropout: float = 0.5
    ) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.zeros(members, input_dim, 1))  # logarithms
        self.hidden = nn.Parameter(torch.randn(members, input_dim, hidden_dim) * input_dim**-0.5)
        self.hidden_bias = nn.Parameter(torch.zeros(members, 1, hidden_dim))
        self.head = nn.Parameter(torch.randn(members, hidden_dim, 1) * hidden_dim**-0.5)
        self.head_bias = nn.Parameter(torch.zeros(members, 1, 1))
        self.dropout = nn.Dropout(dropout)

    timeline_is = "one value, the score"

    def members(self, features: Tensor) -> Tensor:
        """Score videos by each member. (B, D) -> (B, M)."""
        hidden = functional.gelu(features @ (self.gain.exp() * self.hidden) + self.hidden_bias)
        # Videos first, because dropout draws a mask for each.
        hidden = self.dropout(hidden.transpose(0, 1)).transpose(0, 1)
        return (hidden @ self.head + self.head_bias).squeeze(-1).T

    def timeline(self, features: Tensor) -> Tensor:
        """Return the score as the only value over time. (B, D) -> (B, 1)."""
        return self(features)[:, None]

    def forward(self, features: Tensor) -> Tensor:
        """Score videos. features (B, D) -> (B,)."""
        return self.members(features).mean(1)
