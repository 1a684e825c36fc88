"""FAST-VQA: fragments of a video, one Swin transformer, a score for every place of its map.

Wu, Chen, Hou, Liao, Wang, Sun, Yan and Lin, "FAST-VQA: efficient end-to-end video quality
assessment with fragment sampling", ECCV 2022.

Faithful: the head scores each place of the map by itself, through two 1 x 1 x 1 convolutions; the
score is the mean over places and clips.
Different from the release: colours are normalised here, so that fragments stay small as uint8.

Shapes: B videos, K clips a video, T H W frames, height and width, C channels.
"""

from collections.abc import Callable, Mapping
from typing import Any, Self

import torch
from einops import rearrange
from torch import Tensor, nn

from vqa.models.published import renamed
from vqa.models.swin3d import FragmentSwin

# Of RGB values 0 to 255 (ImageNet).
RGB_MEAN = (123.675, 116.28, 103.53)
RGB_STD = (58.395, 57.12, 57.375)
HEAD_KEYS = {
    "vqa_head.fc_hid.weight": "1.weight",
    "vqa_head.fc_hid.bias": "1.bias",
    "vqa_head.fc_last.weight": "4.weight",
    "vqa_head.fc_last.bias": "4.bias",
}


class FastVQA(nn.Module):
    """Score videos from fragments.

    Args:
        backbone: Makes the map of features (B, C, t, h, w) of normalised clips (B, 3, T, H, W). A
            maker and not a module, so that no two networks share one.
        channels: C.
        hidden_dim: Width of the head.
        dropout: Of the head, before each of its layers.
    """

    def __init__(
        self,
        backbone: Callable[[], nn.Module] = FragmentSwin,
        channels: int = 768,
        hidden_dim: int = 64,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        # Published weights come in evaluation mode, which Lightning would leave them in.
        self.backbone = backbone().train()
        self.head = nn.Sequential(
            nn.Dropout(dropout),
            nn.Conv3d(channels, hidden_dim, 1),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Conv3d(hidden_dim, 1, 1),
        )
        self.register_buffer("rgb_mean", torch.tensor(RGB_MEAN), persistent=False)
        self.register_buffer("rgb_std", torch.tensor(RGB_STD), persistent=False)

    def quality_map(self, fragments: Tensor) -> Tensor:
        """Quality of every place. fragments (B, K, T, H, W, 3), RGB 0 to 255 -> (B, K, t, h, w).

        Raises:
            ValueError: The fragments have another layout.
        """
        if fragments.ndim != 6 or fragments.shape[-1] != 3:
            raise ValueError(
                "FastVQA expects fragments (B, clips, T, H, W, 3), "
                f"found {tuple(fragments.shape)}: stack the clips, colours last"
            )
        clips = rearrange((fragments - self.rgb_mean) / self.rgb_std, "b k ... c -> (b k) c ...")
        quality = self.head(self.backbone(clips))
        return rearrange(quality, "(b k) 1 t h w -> b k t h w", k=fragments.shape[1])

    def timeline(self, fragments: Tensor) -> Tensor:
        """Score of every clip. fragments (B, K, T, H, W, 3) -> (B, K)."""
        return self.quality_map(fragments).mean((2, 3, 4))

    def forward(self, fragments: Tensor) -> Tensor:
        """Score of every video, the mean of its map. fragments (B, K, T, H, W, 3) -> (B,)."""
        return self.quality_map(fragments).mean((1, 2, 3, 4))

    @classmethod
    def from_published(cls, state: Mapping[str, Any], **options: Any) -> Self:
        """Build the network that a checkpoint of the authors' release holds.

        Args:
            state: The released file, or its `state_dict`.
            **options: Arguments of `FragmentSwin.from_published`.

        Raises:
            ValueError: The checkpoint is of another network, or of another window.
        """
        state = state.get("state_dict", state)
        backbone = FragmentSwin.from_published(state, **options)
        head = cls.published_head(state)
        hidden_dim, channels = head["1.weight"].shape[:2]
        model = cls(lambda: backbone, channels, hidden_dim)
        model.head.load_state_dict(head)
        return model.eval()

    @staticmethod
    def published_head(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The head of a released checkpoint under our names.

        Raises:
            ValueError: It holds none, or another.
        """
        head = {key: tensor for key, tensor in state.items() if key.startswith("vqa_head.")}
        return renamed(head, HEAD_KEYS, model="FAST-VQA")
