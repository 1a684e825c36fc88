"""MDTVSFA: VSFA trained on several databases at once, whose MOS keep their own scales.

Li, Jiang and Jiang, "Unified quality assessment of in-the-wild videos with mixed datasets
training", International Journal of Computer Vision, 2021. VSFA's pooled quality becomes, step by
step,

- the relative score, its sigmoid: in (0, 1), and only its order has a meaning;
- the mapped score, `mapping(relative)`, a logistic curve that is one for all databases: in (0, 1),
  and linear in quality;
- the aligned scores, `slope * mapped + intercept` with a line of its own for each database: on that
  database's MOS scale.

The score of a video is the mapped one, because it alone is comparable over databases.

Faithful: the layers, their start, and the last layer of the mapping, which is fixed to the
identity. Different from the release: batches are masked, so a video may have any length.

Shapes: B videos, T padded frames, D features per frame, N databases.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn

from vqa.models.frozen import Rows
from vqa.models.pooling import masked_mean
from vqa.models.published import renamed
from vqa.models.vsfa import VSFA

PUBLISHED_KEYS = {
    "dimemsion_reduction.weight": "vsfa.reduce.weight",  # misspelt in the release
    "dimemsion_reduction.bias": "vsfa.reduce.bias",
    "feature_aggregation.weight_ih_l0": "vsfa.rnn.weight_ih_l0",
    "feature_aggregation.weight_hh_l0": "vsfa.rnn.weight_hh_l0",
    "feature_aggregation.bias_ih_l0": "vsfa.rnn.bias_ih_l0",
    "feature_aggregation.bias_hh_l0": "vsfa.rnn.bias_hh_l0",
    "regression.weight": "vsfa.head.weight",
    "regression.bias": "vsfa.head.bias",
    "nlm.0.weight": "mapping.0.weight",
    "nlm.0.bias": "mapping.0.bias",
    "nlm.2.weight": "mapping.2.weight",
    "nlm.2.bias": "mapping.2.bias",
}
PUBLISHED_DATABASES = {"K": "konvid", "C": "cvd2014", "L": "livequalcomm", "N": "livevqc"}


@dataclass(frozen=True, slots=True)
class MDTVSFAOutput:
    """Output of one forward pass.

    Attributes:
        relative: Score in (0, 1) that tells the order (B,).
        mapped: Score in (0, 1) that is linear in quality (B,).
        aligned: Scores on the MOS scales of the databases (B, N).
    """

    relative: Tensor
    mapped: Tensor
    aligned: Tensor


class MDTVSFA(nn.Module):
    """Score videos from sequences of frame features, in (0, 1), comparably over databases.

    Args:
        input_dim: D, features per frame (4096 for mean and standard deviation of ResNet-50).
        reduced_dim: Width after the linear reduction.
        hidden_dim: Width of the recurrent state.
        tau: Length of the hysteresis windows, in frames.
        beta: Weight of the current term; the memory term has 1 - beta.
        databases: Names of the N databases; each has a line to its MOS scale.

    Examples:
        >>> import torch
        >>> from vqa.models.mdtvsfa import MDTVSFA
        >>> model = MDTVSFA(input_dim=64, databases=["konvid", "livevqc"]).eval()
        >>> features, lengths = torch.randn(2, 50, 64), torch.tensor([50, 40])
        >>> mapped = model(features, lengths)
        >>> tuple(mapped.shape), tuple(model.aligned(mapped, "livevqc").shape)
        ((2,), (2,))
    """

    def __init__(
        self,
        input_dim: int = 4096,
        reduced_dim: int = 128,
        hidden_dim: int = 32,
        tau: int = 12,
        beta: float = 0.5,
        databases: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.databases = tuple(databases)
        if len(set(self.databases)) < len(self.databases):
            raise ValueError(f"databases={list(databases)}: expected different names")
        self.vsfa = VSFA(input_dim, reduced_dim, hidden_dim, tau=tau, beta=beta)
        self.mapping = nn.Sequential(nn.Linear(1, 1), nn.Sigmoid(), nn.Linear(1, 1))
        for layer, weight, bias in ((0, 2 * 3**0.5, -(3**0.5)), (2, 1.0, 0.0)):
            nn.init.constant_(self.mapping[layer].weight, weight)
            nn.init.constant_(self.mapping[layer].bias, bias)
        self.mapping[2].requires_grad_(False)
        self.slope = nn.Parameter(torch.ones(len(self.databases)))
        self.intercept = nn.Parameter(torch.zeros(len(self.databases)))

    def aligned(self, mapped: Tensor, database: str) -> Tensor:
        """Return mapped scores, of any shape, on the MOS scale of one of the databases.

        Raises:
            ValueError: The network has no line for that database.
        """
        if database not in self.databases:
            raise ValueError(
                f"database={database!r}: expected one of {', '.join(self.databases) or 'none'}, "
                "whose scales the network has learned"
            )
        place = self.databases.index(database)
        return self.slope[place] * mapped + self.intercept[place]

    takes_rows = True

    def assess(self, features: Rows, lengths: Tensor) -> MDTVSFAOutput:
        """Return the three scores; inputs as for `VSFA.timeline`."""
        relative = masked_mean(self.vsfa.timeline(features, lengths), lengths).sigmoid()
        mapped = self._mapped(relative)
        return MDTVSFAOutput(relative, mapped, mapped[:, None] * self.slope + self.intercept)

    def forward(self, features: Rows, lengths: Tensor) -> Tensor:
        """Return the mapped scores (B,); inputs as for `VSFA.timeline`."""
        return self.assess(features, lengths).mapped

    timeline_is = "quality of each frame; the score is its mean before the mapping to [0, 1]"

    def timeline(self, features: Rows, lengths: Tensor) -> Tensor:
        """Return perceived frame quality, mapped like the score. -> (B, T)."""
        return self._mapped(self.vsfa.timeline(features, lengths).sigmoid())

    def _mapped(self, relative: Tensor) -> Tensor:
        return self.mapping(relative[..., None]).squeeze(-1)

    @classmethod
    def from_published(cls, state: Mapping[str, Tensor]) -> Self:
        """Build the network of a released checkpoint (`MDTVSFA.pt`).

        The databases K, C, L and N of the release are called konvid, cvd2014, livequalcomm and
        livevqc.

        Raises:
            ValueError: The keys are not those of the release.
        """
        found = [key.split(".")[1] for key in state if key.startswith("lm.")]
        letters = list(dict.fromkeys(found)) or ["K"]
        lines = {
            f"lm.{letter}.{part}": f"{part} {letter}"
            for letter in letters
            for part in ("weight", "bias")
        }
        ours = renamed(state, PUBLISHED_KEYS | lines, model="MDTVSFA")
        reduced_dim, input_dim = state["dimemsion_reduction.weight"].shape
        model = cls(
            input_dim,
            reduced_dim,
            state["regression.weight"].shape[1],
            databases=[PUBLISHED_DATABASES.get(letter, letter) for letter in letters],
        )
        for name, part in (("slope", "weight"), ("intercept", "bias")):
            ours[name] = torch.cat([ours.pop(f"{part} {letter}").flatten() for letter in letters])
        model.load_state_dict(ours)
        return model.eval()
