"""A network on one feature vector per video: small networks on two scalings of the features.

The features may have any units, heavy tails and undefined values. Each scaling shows them in its
own way: `rank_gauss` by their ranks (`vqa.models.scalings`), `minmax` by their values between the
extremes of the training part. Within a scaling, features are weighted by their relevance
(`vqa.models.relevance`) and projected on their principal components. All of that is fitted to the
training part before the training, by `prepare`.

Each member is a hidden layer with GELU and dropout on the components of one scaling, and a linear
score. Members differ in their initial weights and dropout; the score is the mean of all members of
all scalings. `vqa.training.learners.ensemble.EnsembleModule` trains each member by itself.

Shapes: B videos in a batch, N in the training part, D features, S scalings, C components, M members
per scaling, H hidden units.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from vqa.models.relevance import relevance
from vqa.models.scalings import MinMax, RankGauss

SCALINGS = {"rank_gauss": RankGauss, "minmax": MinMax}


class Tabular(nn.Module):
    """Score videos from feature vectors.

    Args:
        input_dim: D.
        scalings: One or both of `rank_gauss` and `minmax`.
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
        >>> tuple(model.members(model.components(torch.randn(2, 6))).shape)
        (2, 6)
    """

    def __init__(
        self,
        input_dim: int,
        scalings: Sequence[str] = ("rank_gauss", "minmax"),
        components: int = 192,
        members: int = 8,
        hidden_dim: int = 16,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        unknown = [name for name in scalings if name not in SCALINGS]
        if unknown or not scalings or len(set(scalings)) < len(scalings):
            raise ValueError(
                f"scalings={list(scalings)}: expected one or more of {', '.join(SCALINGS)}, "
                "each once"
            )
        count, components = len(scalings), min(components, input_dim)
        self.scalings = nn.ModuleList(SCALINGS[name](input_dim) for name in scalings)
        self.register_buffer("centre", torch.zeros(count, input_dim))
        # Half precision halves a stored model. Training and scoring see the same rounded numbers.
        projection = torch.eye(input_dim, components, dtype=torch.float16)
        self.register_buffer("projection", projection.repeat(count, 1, 1))
        shape = count * members, components, hidden_dim
        self.hidden = nn.Parameter(torch.randn(shape) * components**-0.5)
        self.hidden_bias = nn.Parameter(torch.zeros(count * members, 1, hidden_dim))
        self.head = nn.Parameter(torch.randn(count * members, hidden_dim, 1) * hidden_dim**-0.5)
        self.head_bias = nn.Parameter(torch.zeros(count * members, 1, 1))
        self.dropout = nn.Dropout(dropout)

    timeline_is = "one value, the score"

    def components(self, features: Tensor) -> Tensor:
        """Return the components of each scaling. (B, D) -> (B, S, C)."""
        scaled = torch.stack([scaling(features) for scaling in self.scalings])
        projection = self.projection.to(scaled.dtype)
        return ((scaled - self.centre[:, None]) @ projection).transpose(0, 1)

    def members(self, components: Tensor) -> Tensor:
        """Score videos by each member, scaling after scaling. (B, S, C) -> (B, S M)."""
        each = len(self.hidden) // components.shape[1]
        inputs = components.transpose(0, 1).repeat_interleave(each, 0)
        hidden = functional.gelu(torch.baddbmm(self.hidden_bias, inputs, self.hidden))
        # Videos first, because dropout draws a mask for each.
        hidden = self.dropout(hidden.transpose(0, 1)).transpose(0, 1)
        return torch.baddbmm(self.head_bias, hidden, self.head).squeeze(-1).T

    def timeline(self, features: Tensor) -> Tensor:
        """Return the score as the only value over time. (B, D) -> (B, 1)."""
        return self(features)[:, None]

    def forward(self, features: Tensor) -> Tensor:
        """Score videos. features (B, D) -> (B,)."""
        return self.members(self.components(features)).mean(1)


@torch.no_grad()
def prepare(network: Tabular, features: Tensor, target: Tensor, period: int | None = None) -> None:
    """Fit scalings and components of a network to the training part, in place.

    Args:
        network: Until this is called, its components are the first features.
        features: As they are (N, D); undefined values may be NaN or infinite.
        target: Labels (N,).
        period: Weight the features by their relevance, in blocks of this many; None: equally.

    Raises:
        ValueError: The features do not come in such blocks.
    """
    for place, scaling in enumerate(network.scalings):
        scaling.fit(features)
        scaled = scaling(features)
        centred = scaled - scaled.mean(0)
        gain = torch.ones(features.shape[1])
        if period is not None:
            gain = relevance(centred, target, period)
        network.centre[place] = scaled.mean(0)
        network.projection[place] = _principal(centred, gain, network.projection.shape[2])


def _principal(centred: Tensor, gain: Tensor, count: int) -> Tensor:
    """Return the projection (D, C) of weighted features on their principal components.

    The components have a mean square of 1 on average; those beyond the rank are 0.
    """
    weighted = (centred * gain.to(centred)).double()
    videos, dim = weighted.shape
    found = min(count, videos, dim)
    by_video = videos < dim  # the smaller one of both products has the same eigenvalues
    squares, vectors = torch.linalg.eigh(
        weighted @ weighted.T if by_video else weighted.T @ weighted
    )
    squares, axes = squares[-found:].flip(0).clamp(min=0), vectors[:, -found:].flip(1)
    if by_video:
        axes = functional.normalize(weighted.T @ axes, dim=0)
    axes = axes * (squares > squares[0] * 1e-9) * (videos * found / squares.sum()).sqrt()
    projection = gain.new_zeros(dim, count)
    projection[:, :found] = (gain[:, None].to(axes) * axes).nan_to_num()
    return projection
