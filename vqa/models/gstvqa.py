"""GSTVQA: attention over multi-scale statistics, GRU, Gaussian quality head, pyramid pooling.

Chen, Zhu, Li, Lu, Fan and Wang, "Learning generalized spatial-temporal deep feature representation
for no-reference video quality assessment", IEEE TCSVT 2022.

Faithful to the released forward pass, which the published weights need:

- The channel attention is computed from the temporal standard deviation (ddof 0) of the spatial
  means, and scales the spatial standard deviations.
- The two convolutions of the temporal attention have no padding and drop 14 frames at each end.
- All pyramid levels but the first are divided by the mean attention of their bin. The paper does
  not mention this. The quotient is unbounded if the attention changes sign inside a bin.

Different from the release, in the network:

- Videos shorter than 29 frames, on which the release fails, are extended by reflecting their hidden
  states.
- The temporal attention starts training near 0.76 instead of near zero. With some seeds the
  released start puts the quotient's denominator near zero, and the network never learns.

Different from the release, in training (`vqa.training.learners.adversarial`), following the paper:

- The critic's gradients are cleared before its own step. The release keeps those of the generator's
  step, which cancel half of the critic's loss.
- Every video of a batch enters the adversarial terms. In the release only the last one does.
- The standard deviation of the prior is 1 / |precision|. The release passes the variance.
- The prior's mean and standard deviation are frozen between refreshes. The release's mean follows
  the live parameter.

Shapes: B videos, T padded frames, D features per frame (C = D / 2 means, then C standard
deviations).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Self

import torch
from torch import Tensor, nn

from vqa.models.frozen import Rows, linear_of_rows
from vqa.models.pooling import masked_mean, masked_std, pyramid_pooling, reflect_to
from vqa.models.published import renamed

PUBLISHED_KEYS = {
    "CA.bottleneck.0.weight": "channel_attention.0.weight",
    "CA.bottleneck.0.bias": "channel_attention.0.bias",
    "CA.bottleneck.2.weight": "channel_attention.2.weight",
    "CA.bottleneck.2.bias": "channel_attention.2.bias",
    "ann.fc0.weight": "reduce.weight",
    "ann.fc0.bias": "reduce.bias",
    "rnn.weight_ih_l0": "rnn.weight_ih_l0",
    "rnn.weight_hh_l0": "rnn.weight_hh_l0",
    "rnn.bias_ih_l0": "rnn.bias_ih_l0",
    "rnn.bias_hh_l0": "rnn.bias_hh_l0",
    "q_att.0.weight": "temporal_attention.0.weight",
    "q_att.0.bias": "temporal_attention.0.bias",
    "q_att.2.weight": "temporal_attention.2.weight",
    "q_att.2.bias": "temporal_attention.2.bias",
    "q.weight": "bin_head.weight",
    "q.bias": "bin_head.bias",
    "q_reg2.weight": "video_head.weight",
    "q_reg2.bias": "video_head.bias",
    "q_reg": "precision",
    "q_mean": "gaussian_mean",
}
UNUSED_KEYS = frozenset({"ann.fc.weight", "ann.fc.bias"})


@dataclass(frozen=True, slots=True)
class GSTVQAOutput:
    """Output of one forward pass.

    Attributes:
        video: Score of the pyramid aggregation, Q_vid (B,).
        frame: Score of the Gaussian head on the mean hidden state, Q_reg (B,).
        mean_hidden: Mean hidden state, the input of the Gaussian regulariser (B, hidden).
    """

    video: Tensor
    frame: Tensor
    mean_hidden: Tensor


@dataclass(frozen=True)
class SpreadOfMeans:
    """What the channel attention leaves of a video.

    The spatial means enter only through their temporal deviation, which no training changes: half
    the features suffice, with one vector beside them.

    Attributes:
        channels: C, the number of means.
    """

    channels: int

    def __call__(self, features: Tensor) -> dict[str, Tensor]:
        """(T, 2 C) -> `features` (T, C), the deviations in space, and `spread` (C,)."""
        means, deviations = features[:, : self.channels], features[:, self.channels :]
        return {"features": deviations, "spread": means.std(0, correction=0)}


class GSTVQA(nn.Module):
    """Score videos from sequences of multi-scale frame statistics.

    Args:
        input_dim: D, an even number: C spatial means, then C spatial standard deviations.
        attention: `std` as in the paper; `concat` uses all D features without channel attention
            (the paper's ablation).
        pyramid: False replaces temporal attention and pyramid by the mean hidden state.
        score: `video` (Q_vid), `frame` (Q_reg), or `fused` = (Q_vid + weight Q_reg)/(1 + weight).
        fusion_weight: The weight of the fused score, the paper's lambda.
        attention_dim: Bottleneck width of the channel attention.
        reduced_dim: Width after the linear reduction.
        hidden_dim: Width of the GRU.
        kernel_size: Length of both temporal convolutions, odd.
        levels: Levels of the pyramid; the last has 2**(levels - 1) bins.

    Examples:
        >>> import torch
        >>> from vqa.models.gstvqa import GSTVQA
        >>> model = GSTVQA(input_dim=64).eval()
        >>> features, lengths = torch.randn(2, 50, 64), torch.tensor([50, 40])
        >>> tuple(model(features, lengths).shape)
        (2,)
        >>> tuple(model.timeline(features, lengths).shape)
        (2, 50)
    """

    def __init__(
        self,
        input_dim: int = 2944,
        attention: Literal["std", "concat"] = "std",
        pyramid: bool = True,
        score: Literal["video", "frame", "fused"] = "video",
        fusion_weight: float = 0.4,
        attention_dim: int = 320,
        reduced_dim: int = 256,
        hidden_dim: int = 32,
        kernel_size: int = 15,
        levels: int = 7,
    ) -> None:
        super().__init__()
        if attention not in ("std", "concat"):
            raise ValueError(f"attention={attention!r}: expected std or concat")
        if score not in ("video", "frame", "fused"):
            raise ValueError(f"score={score!r}: expected video, frame or fused")
        if input_dim % 2 or not kernel_size % 2:
            raise ValueError(
                f"input_dim={input_dim}, kernel_size={kernel_size}: GSTVQA expected an even "
                "input_dim (means, then standard deviations) and an odd kernel_size"
            )
        self.score, self.fusion_weight, self.levels = score, fusion_weight, levels
        self.channels = input_dim // 2
        self.margin = kernel_size - 1
        self.channel_attention = (
            nn.Sequential(
                nn.Linear(self.channels, attention_dim),
                nn.ReLU(),
                nn.Linear(attention_dim, self.channels),
                nn.Sigmoid(),
            )
            if attention == "std"
            else None
        )
        self.condense = SpreadOfMeans(self.channels) if attention == "std" else None
        self.reduce = nn.Linear(self.channels if attention == "std" else input_dim, reduced_dim)
        self.rnn = nn.GRU(reduced_dim, hidden_dim, batch_first=True)
        self.temporal_attention = (
            nn.Sequential(
                nn.Conv1d(hidden_dim, 1, kernel_size),
                nn.ReLU(),
                nn.Conv1d(1, 1, kernel_size),
                nn.Tanh(),
            )
            if pyramid
            else None
        )
        if self.temporal_attention is not None:
            # Away from zero, where the normalised levels are unbounded (see the module docstring).
            nn.init.ones_(self.temporal_attention[2].bias)
        self.bin_head = nn.Linear(hidden_dim, 1)
        self.video_head = nn.Linear(2**levels - 1, 1) if pyramid else None
        self.precision = nn.Parameter(torch.ones(hidden_dim))
        self.gaussian_mean = nn.Parameter(torch.zeros(hidden_dim))

    @property
    def gaussian_std(self) -> Tensor:
        """Standard deviation (hidden,) of the learned quality distribution, 1 / |precision|."""
        return 1 / self.precision.abs().clamp_min(1e-9)

    takes_rows = True

    def encode(self, features: Rows, lengths: Tensor, spread: Tensor | None = None) -> Tensor:
        """Compute the hidden states of all frames. -> (B, T, hidden).

        Args:
            features: (B, T, D), or the deviations (B, T, C) if there is a `spread`; or a list of
                videos, see `vqa.models.frozen`.
            lengths: (B,).
            spread: Temporal deviation of the spatial means (B, C), see `SpreadOfMeans`; None
                computes it.
        """
        weights = None
        if self.channel_attention is not None:
            if spread is None:
                means, features = features[..., : self.channels], features[..., self.channels :]
                spread = masked_std(means, lengths)
            weights = self.channel_attention(spread)
        reduced = linear_of_rows(features, self.reduce.weight, self.reduce.bias, weights)
        hidden, _ = self.rnn(reduced)
        return hidden

    def gaussian_quality(self, hidden: Tensor) -> Tensor:
        """Return quality in (0, 1] under the learned Gaussians (eq. 9). (..., h) -> (...)."""
        return (-(self.precision**2) * (hidden - self.gaussian_mean) ** 2).exp().mean(-1)

    def aggregate(self, hidden: Tensor, lengths: Tensor, mean_hidden: Tensor) -> Tensor:
        """Score videos from hidden states by attention and pyramid. (B, T, h) -> (B,)."""
        if self.temporal_attention is None:
            return self.bin_head(mean_hidden).squeeze(-1)
        least = 2 * self.margin + 1
        hidden, lengths = reflect_to(hidden, lengths, least)
        attention = self.temporal_attention(hidden.transpose(1, 2)).transpose(1, 2)
        kept = hidden[:, self.margin : hidden.shape[1] - self.margin]
        both = torch.cat([attention * kept, attention], -1)
        pooled = pyramid_pooling(both, lengths - 2 * self.margin, self.levels)
        weighted, weight = pooled[..., :-1], pooled[..., -1:]
        # In the release the first level is a plain mean and the others are normalised.
        rows = torch.cat([weighted[:, :1], weighted[:, 1:] / weight[:, 1:]], 1)
        return self.video_head(self.bin_head(rows).squeeze(-1)).squeeze(-1)

    def assess(self, features: Rows, lengths: Tensor, spread: Tensor | None = None) -> GSTVQAOutput:
        """Return both scores and the mean hidden state; inputs as for `encode`."""
        hidden = self.encode(features, lengths, spread)
        mean_hidden = masked_mean(hidden, lengths)
        return GSTVQAOutput(
            video=self.aggregate(hidden, lengths, mean_hidden),
            frame=self.gaussian_quality(mean_hidden),
            mean_hidden=mean_hidden,
        )

    def select(self, output: GSTVQAOutput) -> Tensor:
        """Return the score (B,) that the network is configured to report."""
        if self.score == "video":
            return output.video
        if self.score == "frame":
            return output.frame
        return (output.video + self.fusion_weight * output.frame) / (1 + self.fusion_weight)

    def forward(self, features: Rows, lengths: Tensor, spread: Tensor | None = None) -> Tensor:
        """Score videos; inputs as for `encode`. -> (B,)."""
        return self.select(self.assess(features, lengths, spread))

    timeline_is = (
        "quality of each frame by the frame head; the score comes from the whole video by another "
        "head and is not its mean"
    )

    def timeline(self, features: Rows, lengths: Tensor, spread: Tensor | None = None) -> Tensor:
        """Return frame quality by the Gaussian head; inputs as for `encode`. -> (B, T)."""
        return self.gaussian_quality(self.encode(features, lengths, spread))

    @classmethod
    def from_published(cls, state: Mapping[str, Tensor]) -> Self:
        """Build the network of a released checkpoint.

        Raises:
            ValueError: The keys are not those of the release.
        """
        ours = renamed(state, PUBLISHED_KEYS, unused=UNUSED_KEYS, model="GSTVQA")
        attention_dim, channels = state["CA.bottleneck.0.weight"].shape
        model = cls(
            2 * channels,
            attention_dim=attention_dim,
            reduced_dim=state["ann.fc0.weight"].shape[0],
            hidden_dim=state["q.weight"].shape[1],
            kernel_size=state["q_att.0.weight"].shape[2],
            levels=(state["q_reg2.weight"].shape[1] + 1).bit_length() - 1,
        )
        model.load_state_dict(ours)
        return model.eval()


class Critic(nn.Module):
    """Critic of the adversarial regulariser: tells hidden states from draws of the prior."""

    def __init__(self, dim: int = 32) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, 1), nn.Sigmoid(), nn.Flatten(0)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the probability that each row was drawn from the prior. (B, D) -> (B,)."""
        return self.layers(x)
