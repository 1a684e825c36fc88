"""Networks of frame features as modules that can be exported."""

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor, nn

from vqa.models.pretrained.normalisation import colour_scaling


class FrameStatistics(nn.Module):
    """Frames, uint8 (T, H, W, 3) -> means, then deviations of the maps (T, D), in float32.

    The arithmetic is that of the extractors; the sizes of frames are not checked.

    Args:
        network: In float32 on the CPU.
        maps: Returns the maps (T, C, h, w) that the network makes of normalised images.
        mean: Mean of each colour in 0..1.
        std: Standard deviation of each colour in 0..1.
    """

    def __init__(
        self,
        network: nn.Module,
        maps: Callable[[nn.Module, Tensor], Iterable[Tensor]],
        mean: Sequence[float],
        std: Sequence[float],
    ) -> None:
        super().__init__()
        self.network, self.maps = network.to(memory_format=torch.contiguous_format).eval(), maps
        offset, factor = colour_scaling(tuple(mean), tuple(std), torch.device("cpu"))
        self.register_buffer("offset", offset)
        self.register_buffer("factor", factor)

    def forward(self, frames: Tensor) -> Tensor:
        """Describe frames of one size."""
        x = torch.addcmul(self.offset, frames.permute(0, 3, 1, 2).float(), self.factor)
        pairs = [torch.std_mean(one, dim=(2, 3)) for one in self.maps(self.network, x)]
        deviations, means = zip(*pairs, strict=True)
        return torch.cat(means + deviations, 1)
