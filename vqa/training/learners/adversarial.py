"""GSTVQA's training: score losses and a Gaussian regulariser trained against a critic.

For each batch the network minimises

    L1(Q_vid, y) + frame_weight L1(Q_reg, y) + adversarial_weight mean((1 - D(F))^2)

and then, from the same forward pass, the critic D minimises

    -adversarial_weight (mean(D(z)^2) + mean((1 - D(F))^2)),    z ~ N(prior mean, prior std).

F is each video's mean hidden state. The squared terms, and updating the network before the critic,
follow the released code; the paper writes a logarithmic GAN that updates the critic first. The
prior starts as a standard normal and is replaced by the learned Gaussian every `refresh_every`
epochs. `vqa.models.gstvqa` lists the mistakes of the release that are fixed here.
"""

from typing import Any

import torch
from torch import Tensor

from vqa.models.gstvqa import GSTVQA, Critic
from vqa.training.learners.module import Batch, ScoreModule


class AdversarialModule(ScoreModule):
    """A `ScoreModule` for GSTVQA with its frame loss, regulariser and critic.

    Args:
        frame_weight: The paper's lambda 1.
        adversarial_weight: The paper's lambda 2; 0 trains without the regulariser.
        refresh_every: Epochs between refreshes of the prior, the paper's N.
        **options: As for `ScoreModule`.
    """

    network: GSTVQA

    def __init__(
        self,
        *args: Any,
        frame_weight: float = 0.5,
        adversarial_weight: float = 0.05,
        refresh_every: int = 20,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self.automatic_optimization = False
        self.frame_weight, self.adversarial_weight = frame_weight, adversarial_weight
        self.refresh_every = refresh_every
        hidden_dim = len(self.network.gaussian_mean)
        self.critic = Critic(hidden_dim).requires_grad_(adversarial_weight > 0)
        self.register_buffer("prior_mean", torch.zeros(hidden_dim))
        self.register_buffer("prior_std", torch.ones(hidden_dim))

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """Build one optimiser for the network and one of the same kind for the critic."""
        modules = (self.network, self.critic)
        return [self.optimizer_of(module.parameters()) for module in modules]

    def on_train_epoch_start(self) -> None:
        """Every N epochs, take a copy of the learned Gaussian as the prior."""
        super().on_train_epoch_start()
        if self.current_epoch and self.current_epoch % self.refresh_every == 0:
            self.prior_mean.copy_(self.network.gaussian_mean.detach())
            self.prior_std.copy_(self.network.gaussian_std.detach())

    def training_step(self, batch: Batch, batch_index: int) -> None:
        """Update the network and the critic, by one backward pass for both."""
        output = self.network.assess(**batch["inputs"])
        video, frame, mean_hidden, target = self.of_all(
            batch, output.video, output.frame, output.mean_hidden
        )
        video_loss, frame_loss = self.loss(video, target), self.loss(frame, target)
        loss = video_loss + self.frame_weight * frame_loss
        losses = {"train_loss": loss, "video_loss": video_loss, "frame_loss": frame_loss}
        optimizers = self.optimizers()
        if self.adversarial_weight:
            # The network's loss does not reach the critic, nor the critic's the network.
            self.critic.requires_grad_(False)
            loss = loss + self.adversarial_weight * self.realism_loss(mean_hidden)
            self.critic.requires_grad_(True)
            critic_loss = self.adversarial_weight * self.critic_loss(mean_hidden.detach())
            losses |= {"train_loss": loss, "critic_loss": critic_loss}
            loss = loss + critic_loss
        else:
            optimizers = optimizers[:1]
        for optimizer in optimizers:
            optimizer.zero_grad()
        self.manual_backward(loss)
        for optimizer in optimizers:
            optimizer.step()
        self.record(len(target), **losses)

    def realism_loss(self, mean_hidden: Tensor) -> Tensor:
        """Measure how well the critic tells hidden states (B, h) from samples of the prior."""
        return (1 - self.critic(mean_hidden)).square().mean()

    def critic_loss(self, mean_hidden: Tensor) -> Tensor:
        """Return the critic's loss: it should give 1 for samples and 0 for hidden states (B, h)."""
        draws = self.prior_mean + self.prior_std * torch.randn_like(mean_hidden)
        told_apart = self.critic(draws).square().mean() + self.realism_loss(mean_hidden)
        return -told_apart
