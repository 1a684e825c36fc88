"""FAST-VQA: Video Swin transformer on fragments of a video, with a score per map position.

Wu, Chen, Hou, Liao, Wang, Sun, Yan and Lin, "FAST-VQA: efficient end-to-end video quality
assessment with fragment sampling", ECCV 2022. The fragments are cut in `vqa.video.fragments`, the
backbone with its gated position bias is `vqa.models.swin3d`.

Faithful: two 1 x 1 x 1 convolutions with GELU in between, dropout 0.5 before each, score every
position of the backbone's map independently. The score of a video is the mean over the positions
and clips.

Different from the release: the network normalises the colours itself, so fragments are stored and
transferred as uint8.

Shapes: B videos, K clips per video, T frames, H height, W width, C channels.
"""

from collections.abc import Callable, Mapping
from typing import Any, Self

import torch
from einops import rearrange
from torch import Tensor, nn

from vqa.models.pretrained.normalisation import IMAGENET_MEAN, IMAGENET_STD
from vqa.models.published import renamed
from vqa.models.swin3d import FragmentSwin

HEAD_KEYS = {
    "vqa_head.fc_hid.weight": "1.weight",
    "vqa_head.fc_hid.bias": "1.bias",
    "vqa_head.fc_last.weight": "4.weight",
    "vqa_head.fc_last.bias": "4.bias",
}


class FastVQA(nn.Module):
    """Score videos from fragments.

    Args:
        backbone: Builds the module that maps normalised clips (B, 3, T, H, W) to features
            (B, C, t, h, w). It is a factory because each network needs a backbone of its own.
        channels: C, channels of the backbone's map.
        hidden_dim: Channels between the two convolutions of the head.
        dropout: Dropout before each convolution of the head.
    """

    def __init__(
        self,
        backbone: Callable[[], nn.Module] = FragmentSwin,
        channels: int = 768,
        hidden_dim: int = 64,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        # A backbone with published weights is in evaluation mode, and Lightning would keep it so.
        self.backbone = backbone().train()
        self.head = nn.Sequential(
            nn.Dropout(dropout),
            nn.Conv3d(channels, hidden_dim, 1),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Conv3d(hidden_dim, 1, 1),
        )
        mean, std = (
            torch.tensor([255 * value for value in values])
            for values in (IMAGENET_MEAN, IMAGENET_STD)
        )
        self.register_buffer("rgb_mean", mean, persistent=False)
        self.register_buffer("rgb_std", std, persistent=False)

    def quality_map(self, fragments: Tensor) -> Tensor:
        """Return the quality map (B, K, t, h, w) of all clips.

        Args:
            fragments: Clips (B, K, T, H, W, 3), RGB 0 to 255.

        Raises:
            ValueError: The fragments have another layout.
        """
        if fragments.ndim != 6 or fragments.shape[-1] != 3:
            raise ValueError(
                "FastVQA expected fragments (B, clips, T, H, W, 3), found "
                f"{tuple(fragments.shape)}; stack the clips, with the colours in the last axis"
            )
        clips = rearrange((fragments - self.rgb_mean) / self.rgb_std, "b k ... c -> (b k) c ...")
        quality = self.head(self.backbone(clips))
        return rearrange(quality, "(b k) 1 t h w -> b k t h w", k=fragments.shape[1])

    timeline_is = "score of each clip; the score is its mean"

    def timeline(self, fragments: Tensor) -> Tensor:
        """Score each clip. fragments (B, K, T, H, W, 3) -> (B, K)."""
        return self.score_and_timeline(fragments)[1]

    def score_and_timeline(self, fragments: Tensor) -> tuple[Tensor, Tensor]:
        """Return what `forward` and `timeline` return, after one pass of the backbone."""
        quality = self.quality_map(fragments)
        return quality.mean((1, 2, 3, 4)), quality.mean((2, 3, 4))

    def forward(self, fragments: Tensor) -> Tensor:
        """Score videos by the mean of their maps. fragments (B, K, T, H, W, 3) -> (B,)."""
        return self.score_and_timeline(fragments)[0]

    @classmethod
    def from_published(cls, state: Mapping[str, Any], **options: Any) -> Self:
        """Build the network of a released checkpoint.

        Args:
            state: Content of the released file, or its `state_dict`.
            **options: Arguments of `FragmentSwin.from_published`.

        Raises:
            ValueError: The checkpoint belongs to another network or window size.
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
        """Return the head of a released checkpoint under our names.

        Raises:
            ValueError: The checkpoint has no such head.
        """
        head = {key: tensor for key, tensor in state.items() if key.startswith("vqa_head.")}
        return renamed(head, HEAD_KEYS, model="FAST-VQA")
