"""Video Swin transformer with gated relative position bias, the backbone of FAST-VQA.

Liu, Ning, Cao, Wei, Zhang, Lin and Hu, "Video Swin transformer", CVPR 2022; Wu, Chen, Hou, Liao,
Wang, Sun, Yan and Lin, "FAST-VQA: efficient end-to-end video quality assessment with fragment
sampling", ECCV 2022.

Fragments place patches side by side that are far apart in the video. The first three stages
therefore have two tables of relative position bias, R and F, and mix them for each pair of tokens
by a gate g: bias = g R + (1 - g) F.

Faithful to the released code, which the published weights need: g is the distance |rows| +
|columns| between the tokens' fragments, not the paper's 0 or 1, so tokens of one fragment use F,
tokens of neighbours R, and others extrapolate beyond R; a map is taken to hold as many fragments
along each side as a window has tokens, 7 for both the paper's grid and its window; an absent F
begins at zero.
Different from the release: the window never shrinks in proportion to the input, as the release's
does for clips other than 32 x 224 x 224 (its FAST-VQA-M); bias and mask are summed from small parts
for each axis, never stored for all pairs of tokens.

Shapes: B clips, T H W frames, height and width, C channels, N tokens of a window.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from math import prod
from typing import Any, Literal, Self

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn.functional import pad, scaled_dot_product_attention
from torch.utils.checkpoint import checkpoint
from torchvision.models.swin_transformer import SwinTransformerBlock
from torchvision.models.video.swin_transformer import ShiftedWindowAttention3d, SwinTransformer3d

from vqa.models.published import renamed
from vqa.models.swin_windows import Geometry, Size, window_geometry

Gate = Literal["distance", "binary"]
PATCH_SIZE = (2, 4, 4)
EMBEDDING = "patch_embed.proj.weight"
RELATIVE, FRAGMENT = "relative_position_bias_table", "fragment_position_bias_table"
UNUSED = re.compile(r"(cls_head|vqa_head|head)\.|.*\.relative_position_index$")


def _attend(query: Tensor, key: Tensor, value: Tensor, bias: Tensor) -> Tensor:
    """Attention (B, heads, N, d) under a bias (1, heads, N, N)."""
    if query.is_cpu and torch.is_grad_enabled():
        # The CPU's fused kernel has no gradient for the bias; what torch takes instead also looks
        # for rows that are masked throughout, which do not occur here.
        logits = (query * query.shape[-1] ** -0.5) @ key.mT
        return logits.add_(bias).softmax(-1).to(value.dtype) @ value
    return scaled_dot_product_attention(query, key, value, bias)


class FragmentAttention(ShiftedWindowAttention3d):
    """Attention within shifted windows under a gated position bias. (B, T, H, W, C) -> the same.

    Args:
        *args: As torchvision's class.
        gate: `distance`, `binary` (the distance limited to 1), or None for a single table.
        **options: As torchvision's class.
    """

    def __init__(self, *args: Any, gate: Gate | None, **options: Any) -> None:
        super().__init__(*args, **options)
        self.gate = gate
        fragment_table = nn.Parameter(torch.zeros_like(self.relative_position_bias_table))
        self.fragment_position_bias_table = fragment_table if gate else None
        self._last: tuple[tuple, Geometry] | None = None

    def define_relative_position_index(self) -> None:
        """Leave out torchvision's buffer: the geometry of a shape has its own index."""

    def geometry(self, size: Size, window: Size, shift: Size, device: torch.device) -> Geometry:
        """The geometry of a shape, remembered until another comes."""
        key = (size, window, shift, tuple(self.window_size), device)
        # Remembering would make the compiler begin anew, once the memory is filled.
        if torch.compiler.is_compiling():
            return window_geometry(*key)
        if self._last is None or self._last[0] != key:
            # Tensors of inference mode could not serve a later training step.
            with torch.inference_mode(False):
                self._last = key, window_geometry(*key)
        return self._last[1]

    def bias(self, geometry: Geometry, window: Size, dtype: torch.dtype) -> Tensor:
        """What is added to the logits. -> (1, windows * heads, N, N)."""
        times, area = window[0], window[1] * window[2]
        tables = [self.relative_position_bias_table, self.fragment_position_bias_table]
        table = torch.cat([table for table in tables if table is not None], 1).to(dtype)
        pairs = table.T.index_select(1, geometry.index).view(-1, times, area, times, area)
        # Below: temporal windows, spatial windows, heads, t, h * w, t, h * w.
        bias = pairs[: self.num_heads][None]
        if self.gate:
            gate = geometry.gate.clamp(max=1) if self.gate == "binary" else geometry.gate
            fragment = pairs[self.num_heads :][None]
            bias = torch.addcmul(fragment, gate[:, None, None, :, None].to(dtype), bias - fragment)
        bias = bias + geometry.spatial_mask[:, None, None, :, None].to(dtype)
        bias = bias + geometry.temporal_mask[:, None, None, :, None, :, None].to(dtype)
        return bias.reshape(1, -1, times * area, times * area)

    def forward(self, x: Tensor) -> Tensor:
        """Attend. A window no smaller than the map shrinks to it and does not shift."""
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
        # Windows join the heads, so that one bias serves every clip of the batch.
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


class FragmentSwin(SwinTransformer3d):
    """Video Swin transformer for fragments, without a classifier; the defaults are Swin-T.

    Args:
        embed_dim: Channels of the first stage; each further stage doubles them.
        depths: Blocks of each stage.
        num_heads: Attention heads of each stage.
        window_size: Tokens of a window (T, H, W).
        gated_stages: How many stages, from the first, have the gated bias.
        gate: `distance` as released, `binary` as published (no greater than 1).
        stochastic_depth: Chance to skip the last block in training; it grows linearly from 0.
        checkpointing: Compute each block again in the backward pass rather than store it.
    """

    def __init__(
        self,
        embed_dim: int = 96,
        depths: Sequence[int] = (2, 2, 6, 2),
        num_heads: Sequence[int] = (3, 6, 12, 24),
        window_size: Sequence[int] = (8, 7, 7),
        gated_stages: int = 3,
        gate: Gate = "distance",
        stochastic_depth: float = 0.1,
        checkpointing: bool = False,
    ) -> None:
        if gate not in ("distance", "binary") or not len(depths) == len(num_heads) >= gated_stages:
            raise ValueError(
                "FragmentSwin knows gate=distance|binary and needs as many depths as num_heads and "
                f"no more gated_stages, got {gate}, {depths}, {num_heads}, {gated_stages}"
            )

        def block(dim: int, heads: int, *, attn_layer: type, **options: Any) -> nn.Module:
            """Torchvision always hands over its own attention: ours takes that place."""
            gated = dim < embed_dim * 2**gated_stages
            attention = partial(FragmentAttention, gate=gate if gated else None)
            return SwinTransformerBlock(dim, heads, attn_layer=attention, **options)

        sizes = [PATCH_SIZE, embed_dim, *map(list, (depths, num_heads, window_size))]
        super().__init__(*sizes, stochastic_depth_prob=stochastic_depth, block=block)
        del self.avgpool, self.head
        self.checkpointing, self.gated_stages = checkpointing, gated_stages
        self.window_size = tuple(window_size)
        side = PATCH_SIZE[1] * 2 ** (len(depths) - 1)
        self.stride = (PATCH_SIZE[0], side, side)

    def forward(self, video: Tensor) -> Tensor:
        """Map of features. video (B, 3, T, H, W), normalised -> (B, C, T / 2, H / 32, W / 32).

        Raises:
            ValueError: The video has another layout, or sides that the strides do not divide.
        """
        shape = tuple(video.shape)
        if video.ndim != 5 or any(n % s for n, s in zip(shape[2:], self.stride, strict=True)):
            raise ValueError(
                f"FragmentSwin expects (B, 3, T, H, W) with T, H, W in multiples of {self.stride}, "
                f"found {shape}: sample or crop the clip to such sides"
            )
        x = self.patch_embed(video)
        for stage in self.features:
            for block in stage if isinstance(stage, nn.Sequential) else (stage,):
                if self.checkpointing and torch.is_grad_enabled():
                    x = checkpoint(block, x, use_reentrant=False)
                else:
                    x = block(x)
        return rearrange(self.norm(x), "b t h w c -> b c t h w")

    @classmethod
    def from_published(
        cls, state: Mapping[str, Any], *, tie_tables: bool = False, **options: Any
    ) -> Self:
        """Build the network that a checkpoint holds.

        Args:
            state: Weights in the layout of torchvision (`swin3d_t`), Video Swin or FAST-VQA, or a
                released file with those under `state_dict`. Classifiers and heads are ignored.
            tie_tables: Where F is absent, begin with R's values and not, as released, with zeros.
            **options: Further arguments of the constructor; sizes other than `window_size` and,
                where F is present, `gated_stages` come from the checkpoint.

        Raises:
            ValueError: The checkpoint is of another network, or of another window.
        """
        state = state.get("state_dict", state)
        weights = {_our_key(key): tensor for key, tensor in state.items() if not UNUSED.match(key)}
        relative = {_stage(key): t for key, t in weights.items() if key.endswith(RELATIVE)}
        gated = {_stage(key) for key in weights if key.endswith(FRAGMENT)}
        window_size = options.get("window_size", (8, 7, 7))
        rows = prod(2 * w - 1 for w in window_size)
        if any(len(table) != rows for table in relative.values()) or EMBEDDING not in weights:
            raise ValueError(
                f"not a Video Swin checkpoint with windows of {window_size} tokens: expected "
                f"{EMBEDDING} and bias tables of {rows} rows, found keys {sorted(state)[:2]} and "
                f"tables of {sorted({len(t) for t in relative.values()})} rows; give window_size"
            )
        if gated or any(key.startswith("vqa_head.") for key in state):
            options["gated_stages"] = len(gated)  # FAST-VQA-M has none
        blocks = Counter(_stage(key) for key in weights if key.endswith(RELATIVE))
        depths = [blocks[stage] for stage in sorted(blocks)]
        heads = [relative[stage].shape[1] for stage in sorted(relative)]
        model = cls(len(weights[EMBEDDING]), depths, heads, **options)
        names = {key: key for key in model.state_dict()}
        for key in names:
            if key.endswith(FRAGMENT) and not gated:
                table = weights[key.removesuffix(FRAGMENT) + RELATIVE]
                weights[key] = table if tie_tables else torch.zeros_like(table)
        model.load_state_dict(renamed(weights, names, model="Video Swin"))
        return model.eval()


def _our_key(key: str) -> str:
    """A key of any of the three layouts as torchvision writes it."""
    key = re.sub(r"^(fragments_)?backbone\.", "", key)
    key = key.replace(".mlp.fc1.", ".mlp.0.").replace(".mlp.fc2.", ".mlp.3.")
    parts = key.split(".")
    if parts[0] == "layers":
        between = parts[2] == "downsample"
        return ".".join(["features", str(2 * int(parts[1]) + between), *parts[3:]])
    return key


def _stage(key: str) -> int:
    """Stage of a parameter's key as torchvision writes it, where every second layer merges."""
    return int(key.split(".")[1]) // 2
