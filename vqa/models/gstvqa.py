"""GSTVQA: attention over multi-scale statistics, GRU, Gaussian quality head, pyramid pooling.

Chen, Zhu, Li, Lu, Fan and Wang, "Learning generalized spatial-temporal deep feature representation
for no-reference video quality assessment", IEEE TCSVT 2022.

Faithful to the released forward pass, which the published weights need: the attention weights come
from the temporal standard deviation (ddof 0) of the spatial means and act on the spatial standard
deviations; the temporal attention's two convolutions are unpadded and so drop 14 frames at each
end; pyramid levels from the second on are divided by the mean attention of their bin, of which the
paper says nothing, and that quotient is unbounded where the attention changes sign inside a bin.

Different from the release: a video shorter than 29 frames, on which the release fails, is extended
by reflection of its hidden states; the temporal attention begins training near 0.76 instead of near
zero, where some seeds put the quotient's denominator and never learn.
In training (`vqa.training.learners.adversarial`) the release's slips are mended as the paper states the
method: the critic's gradients are cleared before its own step (the release leaves the generator's
in, which cancels half of its loss); every video of a batch enters the adversarial terms (the
release: the last one); the prior's standard deviation is 1/|precision| (the release passes the
variance); mean and deviation of the prior are frozen between refreshes (the release's mean follows
the live parameter).

Shapes: B videos, T padded frames, D features a frame (means, then standard deviations), C = D / 2.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Self

import torch
from torch import Tensor, nn

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
    """What one forward pass yields.

    Attributes:
        video: Score by pyramid aggregation, Q_vid (B,).
        frame: Score by the Gaussian head on the mean hidden state, Q_reg (B,).
        mean_hidden: Mean hidden state, on which the Gaussian regulariser acts (B, hidden).
        hidden: Hidden states (B, T, hidden).
    """

    video: Tensor
    frame: Tensor
    mean_hidden: Tensor
    hidden: Tensor


class GSTVQA(nn.Module):
    """Score a video from its sequence of multi-scale frame statistics.

    Args:
        input_dim: D, an even number: C spatial means, then C spatial standard deviations.
        attention: `std` is the paper's; `concat` feeds all D features without attention (the
            paper's ablation).
        pyramid: False replaces the temporal attention and pyramid by the mean hidden state.
        score: `video` (Q_vid), `frame` (Q_reg), or `fused` = (Q_vid + weight Q_reg)/(1 + weight).
        fusion_weight: The paper's lambda of the fused score.
        attention_dim: Bottleneck of the channel attention.
        reduced_dim: Width after the linear reduction.
        hidden_dim: Width of the GRU.
        kernel_size: Length of both temporal convolutions, odd.
        levels: Levels of the pyramid; the last has 2**(levels - 1) bins.
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
        if attention not in ("std", "concat") or score not in ("video", "frame", "fused"):
            raise ValueError(
                "GSTVQA knows attention=std|concat and score=video|frame|fused, "
                f"not {attention}, {score}"
            )
        if input_dim % 2 or not kernel_size % 2:
            raise ValueError(
                "GSTVQA needs an even input_dim (means, then deviations) and an odd kernel_size, "
                f"got {input_dim} and {kernel_size}"
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
            # Far from zero, where the normalised levels have no bound: see the module's docstring.
            nn.init.ones_(self.temporal_attention[2].bias)
        self.bin_head = nn.Linear(hidden_dim, 1)
        self.video_head = nn.Linear(2**levels - 1, 1) if pyramid else None
        self.precision = nn.Parameter(torch.ones(hidden_dim))
        self.gaussian_mean = nn.Parameter(torch.zeros(hidden_dim))

    @property
    def gaussian_std(self) -> Tensor:
        """Standard deviation of the learned quality distribution, 1 / |precision|. (hidden,)."""
        return 1 / self.precision.abs().clamp_min(1e-9)

    def encode(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Hidden states of every frame. (B, T, D) -> (B, T, hidden)."""
        if self.channel_attention is None:
            reduced = self.reduce(features)
        else:
            means, deviations = features[..., : self.channels], features[..., self.channels :]
            weights = self.channel_attention(masked_std(means, lengths))
            # The attention scales each video's reduction instead of its features: the same product,
            # but its gradient needs no product of the features' size.
            reduce = self.reduce.weight * weights[:, None]
            reduced = torch.baddbmm(self.reduce.bias, deviations, reduce.mT)
        hidden, _ = self.rnn(reduced)
        return hidden

    def gaussian_quality(self, hidden: Tensor) -> Tensor:
        """Quality in (0, 1] under the learned Gaussians (the paper's eq. 9). (..., h) -> (...)."""
        return (-(self.precision**2) * (hidden - self.gaussian_mean) ** 2).exp().mean(-1)

    def aggregate(self, hidden: Tensor, lengths: Tensor, mean_hidden: Tensor) -> Tensor:
        """Video score from hidden states by attention and pyramid. (B, T, h) -> (B,)."""
        if self.temporal_attention is None:
            return self.bin_head(mean_hidden).squeeze(-1)
        least = 2 * self.margin + 1
        hidden, lengths = reflect_to(hidden, lengths, least)
        attention = self.temporal_attention(hidden.transpose(1, 2)).transpose(1, 2)
        kept = hidden[:, self.margin : hidden.shape[1] - self.margin]
        both = torch.cat([attention * kept, attention], -1)
        pooled = pyramid_pooling(both, lengths - 2 * self.margin, self.levels)
        weighted, weight = pooled[..., :-1], pooled[..., -1:]
        # The first level is a plain mean in the release; the others are normalised.
        rows = torch.cat([weighted[:, :1], weighted[:, 1:] / weight[:, 1:]], 1)
        return self.video_head(self.bin_head(rows).squeeze(-1)).squeeze(-1)

    def assess(self, features: Tensor, lengths: Tensor) -> GSTVQAOutput:
        """Both scores and the hidden states. features (B, T, D), lengths (B,)."""
        hidden = self.encode(features, lengths)
        mean_hidden = masked_mean(hidden, lengths)
        return GSTVQAOutput(
            video=self.aggregate(hidden, lengths, mean_hidden),
            frame=self.gaussian_quality(mean_hidden),
            mean_hidden=mean_hidden,
            hidden=hidden,
        )

    def select(self, output: GSTVQAOutput) -> Tensor:
        """The score that this network reports. -> (B,)."""
        if self.score == "video":
            return output.video
        if self.score == "frame":
            return output.frame
        return (output.video + self.fusion_weight * output.frame) / (1 + self.fusion_weight)

    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Score of every video. features (B, T, D), lengths (B,) -> (B,)."""
        return self.select(self.assess(features, lengths))

    def timeline(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Quality of every frame by the Gaussian head. (B, T, D) -> (B, T)."""
        return self.gaussian_quality(self.encode(features, lengths))

    @classmethod
    def from_published(cls, state: Mapping[str, Tensor]) -> Self:
        """Build the network that a checkpoint of the authors' release holds.

        Raises:
            ValueError: The checkpoint's keys are not those of the release.
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
    """Tells hidden states (B, D) from draws of the prior: probability of being a draw (B,)."""

    def __init__(self, dim: int = 32) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, 1), nn.Sigmoid(), nn.Flatten(0)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Probability that each row was drawn from the prior. (B, D) -> (B,)."""
        return self.layers(x)
