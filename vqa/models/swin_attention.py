"""Window attention of a Video Swin transformer under a gated relative position bias.

The method and its sources are described in `vqa.models.swin3d`.

In evaluation each block keeps its bias for the next forward pass, because it depends on weights and
on the size of the map only. It is computed again if a table was changed, replaced or moved, and
after each `train()` or `eval()`: only a write through `Tensor.data` in between would not be seen.

Shapes: B clips, T frames, H height, W width of the map, C channels, N tokens of a window,
d channels of a head.
"""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, Self

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn.functional import pad, scaled_dot_product_attention
from torchvision.models.video.swin_transformer import ShiftedWindowAttention3d

from vqa.models.swin_windows import Geometry, Size, kept_geometry, window_geometry

Gate = Literal["distance", "binary"]


class KeptBias(NamedTuple):
    """A bias with all that it was computed from.

    Attributes:
        key: Size of the map, windows, shift, device and type of numbers.
        tables: The bias tables; they share memory with the weights.
        versions: Number of writes to each table.
        bias: (1, windows * heads, N, N).
    """

    key: tuple
    tables: list[Tensor]
    versions: list[int]
    bias: Tensor

    def holds(self, key: tuple, tables: list[Tensor]) -> bool:
        """Return whether the bias is that of these tables, as they are now."""
        return (
            self.key == key
            and self.versions == [table._version for table in tables]
            and all(a.data_ptr() == b.data_ptr() for a, b in zip(self.tables, tables, strict=True))
        )


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
        self._kept: KeptBias | None = None

    def define_relative_position_index(self) -> None:
        """Omit torchvision's buffer, because each geometry holds its own index."""

    def train(self, mode: bool = True) -> Self:
        """Set the mode; forget the bias."""
        self._kept = None
        return super().train(mode)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Move or convert the weights; forget the bias."""
        self._kept = None
        return super()._apply(fn, recurse)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the bias out of copies."""
        return {**self.__dict__, "_kept": None}

    @property
    def tables(self) -> list[Tensor]:
        """The bias tables R and, with a gate, F: (relative positions, heads)."""
        both = (self.relative_position_bias_table, self.fragment_position_bias_table)
        return [table for table in both if table is not None]

    def bias(self, size: Size, window: Size, shift: Size, like: Tensor) -> Tensor:
        """Return the bias and mask added to the logits, in evaluation as it was kept.

        Args:
            size: Size of the map (T, H, W), a multiple of `window`.
            window: Tokens of a window (t, h, w).
            shift: Cyclic shift of the windows along (T, H, W).
            like: A tensor with the device and the type of the result.

        Returns:
            (1, windows * heads, N, N), of those windows whose bias differs: see `axes`.
        """
        key = (size, window, shift, tuple(self.window_size), like.device)
        # What is kept would make torch.compile trace the network again at the second call.
        if torch.compiler.is_compiling():
            return self._bias(window_geometry(*key), window, like.dtype)
        geometry, tables = kept_geometry(*key), self.tables
        learning = self.training or torch.is_grad_enabled()
        if learning or any(table.is_inference() for table in tables):
            self._kept = None
            return self._bias(geometry, window, like.dtype)
        key = (*key, like.dtype)
        if self._kept is None or not self._kept.holds(key, tables):
            bias = self._bias(geometry, window, like.dtype)
            held = [table.detach() for table in tables]
            self._kept = KeptBias(key, held, [table._version for table in tables], bias)
        return self._kept.bias

    def _bias(self, geometry: Geometry, window: Size, dtype: torch.dtype) -> Tensor:
        times, area = window[0], window[1] * window[2]
        table = torch.cat(self.tables, 1).to(dtype)
        pairs = table.T.index_select(1, geometry.index).view(-1, times, area, times, area)
        # Axes below: temporal windows, spatial windows, heads, t, h * w, t, h * w.
        bias = pairs[: self.num_heads][None]
        if self.gate:
            gate = geometry.gate.clamp(max=1) if self.gate == "binary" else geometry.gate
            fragment = pairs[self.num_heads :][None]
            bias = torch.addcmul(fragment, gate[:, None, None, :, None].to(dtype), bias - fragment)
        if geometry.spatial_mask is not None:
            bias = bias + geometry.spatial_mask[:, None, None, :, None].to(dtype)
        if geometry.temporal_mask is not None:
            bias = bias + geometry.temporal_mask[:, None, None, :, None, :, None].to(dtype)
        return bias.reshape(1, -1, times * area, times * area)

    def axes(self, shift: Size) -> tuple[str, str]:
        """Return the axes of windows that have one bias, and those along which it differs.

        Only the gate and the mask of a shift make a bias depend on the place of its window.
        """
        time = ("", "T") if shift[0] else ("T", "")
        space = ("", "H W") if self.gate or any(shift[1:]) else ("H W", "")
        return f"{time[0]} {space[0]}", f"{time[1]} {space[1]}"

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
        x = x.roll([-s for s in shift], (1, 2, 3)) if any(shift) else x
        lengths = dict(zip("thw", window, strict=True))
        # Windows and heads share one axis, so one bias serves every clip of the batch; windows that
        # have the same bias share the axis of the clips.
        same, different = self.axes(shift)
        windows = f"(b {same}) ({different} heads) (t h w) d"
        q, k, v = rearrange(
            self.qkv(x),
            f"b (T t) (H h) (W w) (three heads d) -> three {windows}",
            three=3,
            heads=self.num_heads,
            **lengths,
        )
        x = rearrange(
            _attend(q, k, v, self.bias(padded, window, shift, q)),
            f"{windows} -> b (T t) (H h) (W w) (heads d)",
            T=padded[0] // window[0],
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
