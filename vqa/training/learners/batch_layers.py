"""Layers whose training does not depend on which process, or which place in a batch, a video has.

Dropout and stochastic depth draw each video's mask from a generator of its own, and batch
normalisation takes its moments over the videos of all processes. Both replace torch's layers in a
network before it is trained (`separate_videos`); names and values of parameters and buffers stay,
so a trained state fits the original network. Randomness that a network gets in another way, such
as `torch.nn.functional.dropout` or the dropout inside `torch.nn.LSTM`, still trains, but depends on
the number of processes.

Shapes: n rows, one or several per video; C channels.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torchvision.ops import StochasticDepth

from vqa.training.processes import summed, world


class Step:
    """The videos of this process at a training step.

    Attributes:
        numbers: A number for each video; the rows of every layer's input are those of these videos.
        counts: False if the only video fills a place and has no influence.
    """

    def __init__(self) -> None:
        self.numbers: Sequence[int] = ()
        self.counts = True

    @torch.compiler.disable
    def mask(self, x: Tensor, shape: Sequence[int], keep: float) -> Tensor:
        """Draw a mask (n, *shape) of zeros and ones for x (n, ...), video by video.

        All processes draw as many numbers from torch's own generator, so a call has the same place
        in its sequence everywhere, and again when a block is recomputed in the backward pass.
        """
        place = int(torch.randint(2**62, ()))
        generator = torch.Generator(x.device)
        mask = x.new_empty(len(x), *shape)
        for number, rows in zip(self.numbers, mask.chunk(len(self.numbers)), strict=True):
            rows.bernoulli_(keep, generator=generator.manual_seed((place ^ number) % 2**63))
        return mask


class VideoDropout(nn.Module):
    """Dropout with a mask for each video.

    Args:
        probability: Of a zero.
        step: The videos of the rows.
        kept_axes: Leading axes of a row that the mask has; all further axes share it, as in
            stochastic depth (0) and dropout of channels (1). None draws every value.
    """

    def __init__(self, probability: float, step: Step, kept_axes: int | None = None) -> None:
        super().__init__()
        self.probability, self.step, self.kept_axes = probability, step, kept_axes

    def forward(self, x: Tensor) -> Tensor:
        """(n, ...) -> (n, ...)."""
        if not self.training or not self.probability:
            return x
        keep = 1 - self.probability
        axes = x.ndim if self.kept_axes is None else self.kept_axes + 1
        shape = [size if axis < axes else 1 for axis, size in enumerate(x.shape)][1:]
        mask = self.step.mask(x, shape, keep)
        return x * (mask / keep if keep else mask)


class SharedBatchNorm(_BatchNorm):
    """Batch normalisation over the videos of all processes, of inputs (n, C, ...).

    torch's own `SyncBatchNorm` runs on GPUs only, and counts videos that only fill a place.
    """

    @classmethod
    def of(cls, layer: _BatchNorm, step: Step) -> "SharedBatchNorm":
        """Return the layer that takes the place of another, with its parameters and buffers."""
        shared = cls(
            layer.num_features,
            layer.eps,
            layer.momentum,
            affine=False,
            track_running_stats=layer.track_running_stats,
        )
        shared._parameters, shared._buffers = layer._parameters, layer._buffers
        shared.affine, shared.training, shared.step = layer.affine, layer.training, step
        return shared

    def forward(self, x: Tensor) -> Tensor:
        """(n, C, ...) -> (n, C, ...)."""
        if not self.training or world()[0] == 1:
            return super().forward(x)
        exact = x.to(torch.promote_types(x.dtype, torch.float32))
        counted = exact if self.step.counts else exact[:0]
        over = [axis for axis in range(x.ndim) if axis != 1]
        shape = [-1 if axis == 1 else 1 for axis in range(x.ndim)]
        count = summed(x.new_tensor(counted.numel() / self.num_features, dtype=torch.float64))
        mean = summed(counted.sum(over, dtype=torch.float64)) / count
        centred = exact - mean.to(exact.dtype).view(shape)
        counted = centred if self.step.counts else centred[:0]
        variance = summed(counted.square().sum(over, dtype=torch.float64)) / count
        self._track(mean.detach(), variance.detach(), count)
        out = centred * (variance + self.eps).rsqrt().to(exact.dtype).view(shape)
        if self.affine:
            out = out * self.weight.view(shape) + self.bias.view(shape)
        return out.to(x.dtype)

    def _track(self, mean: Tensor, variance: Tensor, count: Tensor) -> None:
        """Update the running moments (C,), the variance without bias, as torch does."""
        if not self.track_running_stats:
            return
        self.num_batches_tracked.add_(1)
        share = 1 / int(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), share)
        unbiased = variance * count / (count - 1)
        self.running_var.lerp_(unbiased.to(self.running_var.dtype), share)

    def _check_input_dim(self, x: Tensor) -> None:
        """Accept any number of axes; the layer that was replaced may be of any kind."""


def separate_videos(network: nn.Module, step: Step) -> None:
    """Replace dropout, stochastic depth and batch normalisation within a network, in place.

    Args:
        network: Is trained on batches whose first axis is videos, or the rows of videos in order.
        step: Kept up to date by the training.
    """
    for name, layer in network.named_children():
        replaced: nn.Module | None = None
        if isinstance(layer, StochasticDepth) and layer.mode == "row":
            replaced = VideoDropout(layer.p, step, kept_axes=0)
        elif type(layer) is nn.Dropout:
            replaced = VideoDropout(layer.p, step)
        elif isinstance(layer, nn.Dropout1d | nn.Dropout2d | nn.Dropout3d):
            replaced = VideoDropout(layer.p, step, kept_axes=1)
        elif isinstance(layer, _BatchNorm) and not isinstance(layer, nn.SyncBatchNorm):
            replaced = SharedBatchNorm.of(layer, step)
        if replaced is None:
            separate_videos(layer, step)
        else:
            setattr(network, name, replaced.train(layer.training))
