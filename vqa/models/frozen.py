"""A linear layer on features that nothing trains: no gradient of them, no padding, no copy.

Frame features come from frozen networks, so a training step needs the gradient of the layer only.
On a CPU a batch may be a list of videos, each with its own number of frames: every video is
multiplied where it lies, in the memory of the whole database or in a mapped file.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from vqa.models.products import fast_products

Rows = Tensor | Sequence[Tensor]


def linear_of_rows(
    rows: Rows, weight: Tensor, bias: Tensor, channel_weights: Tensor | None = None
) -> Tensor:
    """Apply a linear layer to the frames of each video.

    Args:
        rows: Padded features (B, T, D), or a list of B videos, each (T_i, D), that get no gradient.
            Those of a list may be stored in half precision.
        weight: (R, D).
        bias: (R,).
        channel_weights: (B, D), factors of the features of each video; None for none.

    Returns:
        (B, T, R). Steps after the end of a video are meaningless; of a list they are zero.
    """
    if not isinstance(rows, Tensor):
        return _LinearOfList.apply(list(rows), weight, bias, channel_weights)
    if channel_weights is None:
        return functional.linear(rows, weight, bias)
    # Scaling the weights of the layer instead of the features gives the same product, and its
    # gradient needs no product of the features' size.
    return torch.baddbmm(bias, rows, (weight * channel_weights[:, None]).mT)


class _LinearOfList(torch.autograd.Function):
    """`linear_of_rows` of a list; computes in autocast's type where that is on."""

    @staticmethod
    def forward(
        context: Any,
        rows: list[Tensor],
        weight: Tensor,
        bias: Tensor,
        channel_weights: Tensor | None,
    ) -> Tensor:
        kind = weight.device.type
        is_cast = torch.is_autocast_enabled(kind)
        context.dtype = torch.get_autocast_dtype(kind) if is_cast else weight.dtype
        context.rows = rows
        context.save_for_backward(weight, channel_weights)
        out = bias.new_zeros(len(rows), max(map(len, rows)), len(bias))
        with fast_products():
            for place, (row, factors) in enumerate(_each(rows, channel_weights)):
                factor = weight if factors is None else weight * factors
                product = row.to(context.dtype) @ factor.to(context.dtype).T
                torch.add(product, bias, out=out[place, : len(row)])
        return out

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[None, Tensor, Tensor, Tensor | None]:
        weight, channel_weights = context.saved_tensors
        of_weight, of_bias = torch.zeros_like(weight), weight.new_zeros(len(weight))
        of_factors = []
        with fast_products():
            for (row, factors), padded in zip(
                _each(context.rows, channel_weights), gradient, strict=True
            ):
                own = padded[: len(row)]
                of_bias += own.sum(0)
                product = own.to(context.dtype).T @ row.to(context.dtype)
                if factors is None:
                    of_weight += product
                else:
                    of_weight.addcmul_(product, factors)
                    of_factors.append((product * weight).sum(0))
        return None, of_weight, of_bias, torch.stack(of_factors) if of_factors else None


def _each(rows: list[Tensor], channel_weights: Tensor | None) -> Any:
    """Pair each video with its factors, or with None."""
    return zip(rows, channel_weights if channel_weights is not None else [None] * len(rows),
               strict=True)  # fmt: skip
