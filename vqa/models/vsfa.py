"""VSFA: frame statistics of a convolutional network, a recurrent network, subjective pooling.

Li, Jiang and Jiang, "Quality assessment of in-the-wild videos", ACM MM 2019. The options also cover
the later ablation study on production content (LIVE-APV), which compares recurrent cells, poolings
and backbones.

Faithful: one linear reduction without activation, a single recurrent layer with a zero initial
state, one linear score per frame, hysteresis pooling with tau 12 and beta 0.5.

Different from the release:

- Batches are masked instead of cut or padded to a fixed length, so a video may have any length.
- The release's second linear layer (`ann.fc`) does not exist here. Released checkpoints contain it,
  but the released code never executes it; it is dropped on loading.

Shapes: B videos, T padded frames, D features per frame.
"""

from collections.abc import Mapping
from typing import Literal, Self

from torch import Tensor, nn

from vqa.models.frozen import Rows, linear_of_rows
from vqa.models.pooling import masked_mean, subjective_quality
from vqa.models.published import renamed

PUBLISHED_KEYS = {
    "ann.fc0.weight": "reduce.weight",
    "ann.fc0.bias": "reduce.bias",
    "rnn.weight_ih_l0": "rnn.weight_ih_l0",
    "rnn.weight_hh_l0": "rnn.weight_hh_l0",
    "rnn.bias_ih_l0": "rnn.bias_ih_l0",
    "rnn.bias_hh_l0": "rnn.bias_hh_l0",
    "q.weight": "head.weight",
    "q.bias": "head.bias",
}
UNUSED_KEYS = frozenset({"ann.fc.weight", "ann.fc.bias"})


class VSFA(nn.Module):
    """Score videos from sequences of frame features.

    Args:
        input_dim: D, features per frame (4096 for mean and standard deviation of ResNet-50).
        reduced_dim: Width after the linear reduction.
        hidden_dim: Width of the recurrent state.
        rnn: `gru`, `lstm`, or `none` to score each frame by itself.
        pooling: `subjective` (hysteresis) or `mean` over frames.
        tau: Length of the hysteresis windows, in frames.
        beta: Weight of the current term; the memory term has 1 - beta.

    Examples:
        >>> import torch
        >>> from vqa.models.vsfa import VSFA
        >>> model = VSFA(input_dim=64, rnn="lstm").eval()
        >>> features, lengths = torch.randn(2, 50, 64), torch.tensor([50, 40])
        >>> tuple(model(features, lengths).shape)
        (2,)
        >>> tuple(model.timeline(features, lengths).shape)
        (2, 50)
    """

    def __init__(
        self,
        input_dim: int = 4096,
        reduced_dim: int = 128,
        hidden_dim: int = 32,
        rnn: Literal["gru", "lstm", "none"] = "gru",
        pooling: Literal["subjective", "mean"] = "subjective",
        tau: int = 12,
        beta: float = 0.5,
    ) -> None:
        super().__init__()
        cells = {"gru": nn.GRU, "lstm": nn.LSTM, "none": None}
        if rnn not in cells:
            raise ValueError(f"rnn={rnn!r}: expected gru, lstm or none")
        if pooling not in ("subjective", "mean"):
            raise ValueError(f"pooling={pooling!r}: expected subjective or mean")
        self.pooling, self.tau, self.beta = pooling, tau, beta
        self.reduce = nn.Linear(input_dim, reduced_dim)
        cell = cells[rnn]
        self.rnn = cell(reduced_dim, hidden_dim, batch_first=True) if cell else None
        self.head = nn.Linear(hidden_dim if cell else reduced_dim, 1)

    takes_rows = True
    timeline_is = "quality of each frame; the score is its mean"

    def timeline(self, features: Rows, lengths: Tensor) -> Tensor:
        """Return perceived frame quality, whose mean is the score.

        Args:
            features: (B, T, D), or a list of videos, see `vqa.models.frozen`.
            lengths: (B,).

        Returns:
            (B, T).
        """
        hidden = linear_of_rows(features, self.reduce.weight, self.reduce.bias)
        if self.rnn is not None:
            hidden, _ = self.rnn(hidden)
        frame_quality = self.head(hidden).squeeze(-1)
        if self.pooling == "mean":
            return frame_quality
        return subjective_quality(frame_quality, lengths, self.tau, self.beta)

    def forward(self, features: Rows, lengths: Tensor) -> Tensor:
        """Score videos; inputs as for `timeline`. -> (B,)."""
        return masked_mean(self.timeline(features, lengths), lengths)

    @classmethod
    def from_published(cls, state: Mapping[str, Tensor]) -> Self:
        """Build the network of a released checkpoint (`VSFA.pt`).

        Raises:
            ValueError: The keys are not those of the release.
        """
        ours = renamed(state, PUBLISHED_KEYS, unused=UNUSED_KEYS, model="VSFA")
        reduced_dim, input_dim = state["ann.fc0.weight"].shape
        model = cls(input_dim, reduced_dim, state["q.weight"].shape[1])
        model.load_state_dict(ours)
        return model.eval()
