"""VSFA: frame statistics of a deep network, a recurrent memory, subjective temporal pooling.

Li, Jiang and Jiang, "Quality assessment of in-the-wild videos", ACM MM 2019; and the study of its
parts on production content (LIVE-APV), which compares recurrent cells, poolings and backbones.

Faithful: one linear reduction without activation, a single recurrent layer from a zero state, a
linear score per frame, hysteresis pooling with tau 12 and beta 0.5.
Different from the release: batches are masked, not cut or padded to a fixed length, so a video of
any length works; the release's second linear layer (`ann.fc`), which is stored in its checkpoints
and never executed, does not exist here and is dropped on loading.

Shapes: B videos, T padded frames, D features a frame.
"""

from collections.abc import Mapping
from typing import Literal, Self

from torch import Tensor, nn

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
    """Score a video from its sequence of frame features.

    Args:
        input_dim: D, features a frame (4096 for ResNet-50 mean and std).
        reduced_dim: Width after the linear reduction.
        hidden_dim: Width of the recurrent state.
        rnn: `gru`, `lstm`, or `none` for a score per frame without memory.
        pooling: `subjective` (hysteresis) or `mean` over frames.
        tau: Frames that the hysteresis looks back and ahead.
        beta: Weight of its current term against its memory term.
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
        if rnn not in cells or pooling not in ("subjective", "mean"):
            raise ValueError(
                f"VSFA knows rnn=gru|lstm|none and pooling=subjective|mean, not {rnn}, {pooling}"
            )
        self.pooling, self.tau, self.beta = pooling, tau, beta
        self.reduce = nn.Linear(input_dim, reduced_dim)
        cell = cells[rnn]
        self.rnn = cell(reduced_dim, hidden_dim, batch_first=True) if cell else None
        self.head = nn.Linear(hidden_dim if cell else reduced_dim, 1)

    def timeline(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Perceived quality of every frame, whose mean is the score. (B, T, D) -> (B, T)."""
        hidden = self.reduce(features)
        if self.rnn is not None:
            hidden, _ = self.rnn(hidden)
        frame_quality = self.head(hidden).squeeze(-1)
        if self.pooling == "mean":
            return frame_quality
        return subjective_quality(frame_quality, lengths, self.tau, self.beta)

    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Score of every video. features (B, T, D), lengths (B,) -> (B,)."""
        return masked_mean(self.timeline(features, lengths), lengths)

    @classmethod
    def from_published(cls, state: Mapping[str, Tensor]) -> Self:
        """Build the network that a checkpoint of the authors' release (`VSFA.pt`) holds.

        Raises:
            ValueError: The checkpoint's keys are not those of the release.
        """
        ours = renamed(state, PUBLISHED_KEYS, unused=UNUSED_KEYS, model="VSFA")
        reduced_dim, input_dim = state["ann.fc0.weight"].shape
        model = cls(input_dim, reduced_dim, state["q.weight"].shape[1])
        model.load_state_dict(ours)
        return model.eval()
