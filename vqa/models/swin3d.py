"""Video Swin transformer with gated relative position bias, the backbone of FAST-VQA.

Liu, Ning, Cao, Wei, Zhang, Lin and Hu, "Video Swin transformer", CVPR 2022; Wu, Chen, Hou, Liao,
Wang, Sun, Yan and Lin, "FAST-VQA: efficient end-to-end video quality assessment with fragment
sampling", ECCV 2022.

Fragments place patches side by side that are far apart in the video. The blocks of the first three
stages therefore have two tables of relative position bias, R and F, and mix them for each pair of
tokens by a gate g: bias = g R + (1 - g) F. All parts but the attention are torchvision's.

Faithful to the released code, which the published weights need:

- The gate is the distance |rows| + |columns| between the fragments of two tokens. Tokens of the
  same fragment use F, tokens of neighbouring fragments use R, and larger distances extrapolate
  beyond R. The paper describes a gate of 0 or 1, which is `gate="binary"` here.
- A map is assumed to have as many fragments along each side as a window has tokens: 7, in the paper
  both the size of the grid and of the window.
- F starts at zero if a checkpoint does not contain it.

Different from the release:

- The window does not shrink in proportion to the input. The release shrinks it for clips that are
  not 32 x 224 x 224, which concerns its FAST-VQA-M.
- Bias and mask are summed from small parts for each axis, to save the memory of storing them for
  all pairs of tokens.

Shapes: B clips, T frames, H height, W width, C channels.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from math import prod
from typing import Any, Self

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from torchvision.models.swin_transformer import SwinTransformerBlock
from torchvision.models.video.swin_transformer import SwinTransformer3d

from vqa.models.products import fast_products
from vqa.models.published import renamed
from vqa.models.swin_attention import FragmentAttention, Gate

PATCH_SIZE = (2, 4, 4)
EMBEDDING = "patch_embed.proj.weight"
RELATIVE, FRAGMENT = "relative_position_bias_table", "fragment_position_bias_table"
UNUSED = re.compile(r"(cls_head|vqa_head|head)\.|.*\.relative_position_index$")


class FragmentSwin(SwinTransformer3d):
    """Video Swin transformer for fragments, without a classifier; the defaults are Swin-T.

    Args:
        embed_dim: Channels of the first stage; each further stage doubles them.
        depths: Blocks of each stage.
        num_heads: Attention heads of each stage.
        window_size: Tokens of a window (T, H, W).
        gated_stages: Number of stages, counted from the first, that have the gated bias.
        gate: `distance` as released, or `binary` (at most 1) as published.
        stochastic_depth: Probability of skipping the last block in training; it grows linearly
            from 0 over the blocks.
        checkpointing: Recompute each block in the backward pass instead of storing its activations.
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
        if gate not in ("distance", "binary"):
            raise ValueError(f"gate={gate!r}: expected distance or binary")
        if not len(depths) == len(num_heads) >= gated_stages:
            raise ValueError(
                f"depths={depths}, num_heads={num_heads}, gated_stages={gated_stages}: expected as "
                "many depths as num_heads, and no more gated_stages"
            )

        def block(dim: int, heads: int, *, attn_layer: type, **options: Any) -> nn.Module:
            """Build a block with our attention; torchvision always passes its own."""
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
        """Return the feature map (B, C, T / 2, H / 32, W / 32) of four stages.

        Args:
            video: Normalised clips (B, 3, T, H, W).

        Raises:
            ValueError: The clips have another layout, or sides that are no multiple of the stride.
        """
        shape = tuple(video.shape)
        if video.ndim != 5 or any(n % s for n, s in zip(shape[2:], self.stride, strict=True)):
            raise ValueError(
                f"FragmentSwin expected (B, 3, T, H, W) with T, H, W multiples of {self.stride}, "
                f"found {shape}; sample or crop the clips to such sides"
            )
        if torch.compiler.is_compiling() or video.device.type != "cpu":
            x = self._stages(video)
        else:
            with fast_products():
                x = self._stages(video)
        return rearrange(self.norm(x), "b t h w c -> b c t h w")

    def _stages(self, video: Tensor) -> Tensor:
        x = self.patch_embed(video)
        for stage in self.features:
            for block in stage if isinstance(stage, nn.Sequential) else (stage,):
                if self.checkpointing and torch.is_grad_enabled():
                    x = checkpoint(block, x, use_reentrant=False)
                else:
                    x = block(x)
        return x

    @classmethod
    def from_published(
        cls, state: Mapping[str, Any], *, tie_tables: bool = False, **options: Any
    ) -> Self:
        """Build the network of a checkpoint.

        Args:
            state: Weights in the layout of torchvision (`swin3d_t`), Video Swin or FAST-VQA, or a
                released file with these under `state_dict`. Classifiers and heads are ignored.
            tie_tables: If the checkpoint has no F, start F with the values of R instead of zeros.
            **options: Other arguments of the constructor. Sizes come from the checkpoint, except
                `window_size`, and except `gated_stages` for plain Video Swin weights.

        Raises:
            ValueError: The checkpoint belongs to another network or window size.
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
                f"tables of {sorted({len(t) for t in relative.values()})} rows; set window_size"
            )
        if gated or any(key.startswith("vqa_head.") for key in state):
            options["gated_stages"] = len(gated)  # none in FAST-VQA-M
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
    """Translate a key of any of the three layouts to torchvision's."""
    key = re.sub(r"^(fragments_)?backbone\.", "", key)
    key = key.replace(".mlp.fc1.", ".mlp.0.").replace(".mlp.fc2.", ".mlp.3.")
    parts = key.split(".")
    if parts[0] == "layers":
        between = parts[2] == "downsample"
        return ".".join(["features", str(2 * int(parts[1]) + between), *parts[3:]])
    return key


def _stage(key: str) -> int:
    """Return the stage of a torchvision key; every second layer merges patches."""
    return int(key.split(".")[1]) // 2
