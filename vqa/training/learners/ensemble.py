"""Training of an ensemble: each member fits the labels by itself, on mixtures of videos.

A mixture (mixup, Zhang et al. 2018) is a convex combination of two videos of a batch, of what the
members get and of the labels, with a share drawn from Beta(alpha, alpha) for each video.
"""

from typing import Any

import torch
from torch import Tensor

from vqa.models.tabular import Tabular
from vqa.training.learners.module import Batch, ScoreModule
from vqa.training.processes import gathered, world


class EnsembleModule(ScoreModule):
    """A `ScoreModule` whose loss is the mean of its members' losses.

    Args:
        mixing: Alpha of the mixtures' shares; 0 trains on the videos as they are.
        **options: As for `ScoreModule`.
    """

    network: Tabular

    def __init__(self, *args: Any, mixing: float = 0.4, **options: Any) -> None:
        super().__init__(*args, **options)
        self.mixing = mixing

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """Compute the members' losses of the whole batch on the normalised label scale."""
        own = self.network.components(**batch["inputs"])
        count = len(batch["ids"])
        components, target = self.of_all(batch, own)
        if self.mixing:
            # All processes draw the same mixtures of the whole batch; each scores its share.
            components, target = mixtures(components, target, self.mixing)
            processes, rank = world()
            start = rank * len(target) // processes
            own = components[start : start + count] if count else own
        scores = gathered(self.network.members(own)[:count])
        loss = torch.vmap(self.loss, (1, None))(scores, target).mean()
        self.record(len(target), train_loss=loss)
        return loss


def mixtures(inputs: Tensor, target: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    """Mix each video with a random one of the batch.

    Args:
        inputs: (B, ...).
        target: (B,).
        alpha: Of the Beta distribution; near 0 leaves most videos as they are.
    """
    share = torch.distributions.Beta(alpha, alpha).sample(target.shape).to(target)
    partner = torch.randperm(len(target), device=target.device)
    shares = share.view(-1, *[1] * (inputs.ndim - 1)).to(inputs)
    return (
        torch.lerp(inputs[partner], inputs, shares),
        torch.lerp(target[partner], target, share),
    )
