"""A network with everything around it that a score needs; scoring with it imports no Lightning."""

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn


class Standardise(nn.Module):
    """Scale features (..., D) to zero mean and unit deviation; the identity until it is fitted.

    Features without a common scale, such as a bank of statistics, need it. Deep features are used
    as they are, as in the papers.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("scale", torch.ones(dim))

    def fit(self, sequences: Iterable[Tensor]) -> None:
        """Compute mean and deviation over all frames of the training videos, each (T, D)."""
        count, mean, squares = 0, torch.zeros(1).double(), torch.zeros(1).double()
        for sequence in sequences:  # joined one by one, so that memory need not hold them all
            rows = sequence.double()
            own = rows.mean(0)
            joined = count + len(rows)
            apart = own - mean
            squares = (
                squares
                + (rows - own).square().sum(0)
                + apart.square() * (count * len(rows) / joined)
            )
            mean = mean + apart * (len(rows) / joined)
            count = joined
        variance = squares / count
        self.mean.copy_(mean)
        self.scale.copy_(torch.where(variance > 1e-12, variance.sqrt(), 1.0))

    @property
    def is_fitted(self) -> bool:
        """Whether it changes anything."""
        return bool((self.mean != 0).any() or (self.scale != 1).any())

    def forward(self, features: Tensor) -> Tensor:
        """(..., D) -> (..., D)."""
        return (features - self.mean) / self.scale


class ScoringNetwork(nn.Module):
    """A network, the scaling of its features, and the scale of its labels.

    Args:
        network: Called with the inputs that the views give, by name -> score (B,).
        input_dim: D, features per frame; None for a network without features.
        mos_scale: Labels were divided by it in training.
        mos_offset: Subtracted from the labels before.
    """

    mos_scale: Tensor

    def __init__(
        self,
        network: nn.Module,
        *,
        input_dim: int | None,
        mos_scale: float,
        mos_offset: float = 0.0,
    ) -> None:
        super().__init__()
        self.network, self.input_dim, self.mos_offset = network, input_dim, mos_offset
        self.standardise = Standardise(input_dim or 0)
        self.register_buffer("mos_scale", torch.tensor(mos_scale))

    def check_inputs(self, names: Iterable[str]) -> None:
        """Check that the network takes the inputs that the views give.

        Raises:
            ValueError: It does not.
        """
        try:
            inspect.signature(self.network.forward).bind(**dict.fromkeys(names))
        except TypeError as error:
            given, name = ", ".join(names) or "nothing", type(self.network).__name__
            raise ValueError(
                f"the views give {given} to {name}: {error}; set the views as in conf/model"
            ) from error

    def scaled_inputs(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return inputs of the network: `features`, if any, are standardised."""
        if "features" not in inputs:
            return dict(inputs)
        # Features from elsewhere may have another precision than the network.
        features = self.standardise(inputs["features"]).to(self.mos_scale.dtype)
        return {**inputs, "features": features}

    def forward(self, **inputs: Tensor) -> Tensor:
        """Score a batch as the views give it, on the MOS scale. -> (B,)."""
        return self.score(self.scaled_inputs(inputs))

    def score(self, prepared: Mapping[str, Any]) -> Tensor:
        """Score a batch that the loaders have prepared, on the MOS scale. -> (B,).

        Raises:
            ValueError: The inputs are not what the network takes.
        """
        self.check_inputs(prepared)
        return self.to_mos_scale(self.network(**prepared))

    def timeline(self, **inputs: Tensor) -> Tensor:
        """Quality over time on the MOS scale, (B, T); the network decides whether T is frames.

        Raises:
            ValueError: The inputs are not what the network takes.
        """
        self.check_inputs(inputs)
        return self.to_mos_scale(self.network.timeline(**self.scaled_inputs(inputs)))

    def score_and_timeline(self, **inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return what `forward` and `timeline` return, from one pass if the network offers it.

        Raises:
            ValueError: The inputs are not what the network takes.
        """
        once = getattr(self.network, "score_and_timeline", None)
        if once is None:
            return self(**inputs), self.timeline(**inputs)
        self.check_inputs(inputs)
        score, timeline = once(**self.scaled_inputs(inputs))
        return self.to_mos_scale(score), self.to_mos_scale(timeline)

    def to_mos_scale(self, score: Tensor) -> Tensor:
        """Bring what the network gives, of any shape, to the MOS scale."""
        return score * self.mos_scale + self.mos_offset

    def mean_hidden(self, prepared: Mapping[str, Any]) -> Tensor:
        """Mean hidden states (B, h) of a network whose `assess` returns them, such as GSTVQA."""
        return self.network.assess(**prepared).mean_hidden

    def load_trained(self, state: Mapping[str, Tensor]) -> None:
        """Load a trained state; entries that only training needs (a critic) are ignored."""
        own = self.state_dict()
        self.load_state_dict({key: value for key, value in state.items() if key in own})
