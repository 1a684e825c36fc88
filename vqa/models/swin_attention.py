"""Window attention of a Video Swin transformer under a gated relative position bias.

The method and its sources are described in `vqa.models.swin3d`.

Shapes: B clips, T frames, H height, W width of the map, C channels, N tokens of a window,
d channels of a head.
"""

from typing import Any, Literal

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn.functional import pad, scaled_dot_product_attention
from torchvision.models.video.swin_transformer import ShiftedWindowAttention3d

from vqa.models.swin_windows import Geometry, Size, window_geometry

Gate = Literal["distance", "binary"]


class FragmentAttention(ShiftedWindowAttention3d):
    """Attention within shifted windows under a gated position bias. (B, T, H, W, C) -> the same.

    Args:
        *args: Arguments of torchvision's class.
        gate: `distance`, `binary` (the distance limited to 1), or None for a single bias table.
        **options: Keyword arguments of torchvision's class.
    """

    def __init__(self, *args: Any, gate: Gate | None, **options: Any) -> None:
        super().__init__(*args, **options)
        self.gate = gate
        fragment_table = nn.Parameter(torch.zeros_like(self.relative_position_bias_table))
        self.fragment_position_bias_table = fragment_table if gate else None
        self._last: tuple[tuple, Geometry] | None = None

    def define_relative_position_index(self) -> None:
        """Omit torchvision's buffer, because each geometry holds its own index."""

    def geometry(self, size: Size, window: Size, shift: Size, device: torch.device) -> Geometry:
        """Return the geometry of a map; the last one is kept for the next call."""
        key = (size, window, shift, tuple(self.window_size), device)
        # A kept geometry would make torch.compile trace the network again at the second call.
        if torch.compiler.is_compiling():
            return window_geometry(*key)
        if self._last is None or self._last[0] != key:
            # Tensors made in inference mode could not be used in a later training step.
            with torch.inference_mode(False):
                self._last = key, window_geometry(*key)
        return self._last[1]

    def bias(self, geometry: Geometry, window: Size, dtype: torch.dtype) -> Tensor:
        """Return the bias and mask added to the logits. -> (1, windows * heads, N, N)."""
        times, area = window[0], window[1] * window[2]
        tables = [self.relative_position_bias_table, self.fragment_position_bias_table]
        table = torch.cat([table for table in tables if table is not None], 1).to(dtype)
        pairs = table.T.index_select(1, geometry.index).view(-1, times, area, times, area)
        # Axes below: temporal windows, spatial windows, heads, t, h * w, t, h * w.
        bias = pairs[: self.num_heads][None]
        if self.gate:
            gate = geometry.gate.clamp(max=1) if self.gate == "binary" else geometry.gate
            fragment = pairs[self.num_heads :][None]
            bias = torch.addcmul(fragment, gate[:, None, None, :, None].to(dtype), bias - fragment)
        bias = bias + geometry.spatial_mask[:, None, None, :, None].to(dtype)
        bias = bias + geometry.temporal_mask[:, None, None, :, None, :, None].to(dtype)
        return bias.reshape(1, -1, times * area, times * area)

    def forward(self, x: Tensor) -> Tensor:
        """Attend within windows. A window larger than the map shrinks to it and does not shift."""
        size = tuple(x.shape[1:4])
        window = tuple(map(min, size, self.window_size))
        shift = tuple(
            s if n > w else 0
            for s, n, w in zip(self.shift_size, size, self.window_size, strict=True)
        )
        back, down, right = (-n % w for n, w in zip(size, window, strict=True))
        x = pad(x, (0, 0, 0, right, 0, down, 0, back)) if back or down or right else x
        padded = tuple(x.shape[1:4])
        geometry = self.geometry(padded, window, shift, x.device)
        x = x.roll([-s for s in shift], (1, 2, 3)) if any(shift) else x
        lengths = dict(zip("thw", window, strict=True))
        # Windows and heads share one axis, so one bias serves every clip of the batch.
        q, k, v = rearrange(
            self.qkv(x),
            "b (T t) (H h) (W w) (three heads d) -> three b (T H W heads) (t h w) d",
            three=3,
            heads=self.num_heads,
            **lengths,
        )
        x = rearrange(
            _attend(q, k, v, self.bias(geometry, window, q.dtype)),
            "b (T H W heads) (t h w) d -> b (T t) (H h) (W w) (heads d)",
            H=padded[1] // window[1],
            W=padded[2] // window[2],
            heads=self.num_heads,
            **lengths,
        )
        x = self.proj(x)
        x = x.roll(shift, (1, 2, 3)) if any(shift) else x
        return x[:, : size[0], : size[1], : size[2]]


def _attend(query: Tensor, key: Tensor, value: Tensor, bias: Tensor) -> Tensor:
    """Compute attention (B, heads, N, d) under a bias (1, heads, N, N)."""
    if query.is_cpu and torch.is_grad_enabled():
        # The CPU's fused kernel has no gradient for the bias. torch's fallback also checks for
        # rows that are masked throughout, which do not occur here.
        logits = (query * query.shape[-1] ** -0.5) @ key.mT
        return logits.add_(bias).softmax(-1).to(value.dtype) @ value
    return scaled_dot_product_attention(query, key, value, bias)
