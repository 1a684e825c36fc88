"""CLiF-VQA: what frames mean to people, by CLIP, beside fragments of how they look, by Video Swin.

Mi, Li, Shu, Hui, Zhou and Liu, "CLiF-VQA: enhancing video quality assessment by incorporating
high-level semantic information related to human feelings", ACM MM 2024.

Faithful: an MLP FC-GELU-FC turns the semantic sequence into one number for each of its rows; two 3D
convolutions with GELU between turn the backbone's map into the spatial vector; both concatenated go
through a head FC-GELU-FC. No code was released, and the paper leaves open, with what is done here:

- which axis the MLP acts on: time, one MLP for all rows, the only reading by which a (2r, T) map
  becomes a vector of 2r numbers;
- how many steps that is, which a linear layer must know: 32. A sequence of any other length is read
  at the middles of 32 equal parts, as frames of a video are sampled;
- widths and kernels of the convolutions: 768 to 64 to 1, 1 x 1 x 1, so that the branch is FAST-VQA
  up to its last mean and can begin with its weights; without its dropout unless asked for. With
  clips of 32 x 224 x 224 the flattened map has 16 x 7 x 7 numbers;
- the head's width: 64;
- clips: each is scored with the one semantic vector of its video, and the scores are averaged;
- the ablation without regression head: the semantic score is the mean of its vector, the spatial
  score that of its map (which is FAST-VQA), and the two are added.

Shapes: B videos, L padded steps of the semantic sequence, D = 2r features a step (r averages, then
r maxima over the windows of a frame), K clips, T H W their frames, height and width, C channels of
the backbone, P positions of its map.
"""

from collections.abc import Callable
from math import prod
from typing import Literal

import torch
from torch import Tensor, nn

from vqa.models.fastvqa import FastVQA


class CLiFVQA(nn.Module):
    """Score a video from its semantic sequence and its fragments.

    Args:
        input_dim: D, features a step (106 for 53 descriptions).
        backbone: Makes the spatial backbone (`FragmentSwin`), of normalised clips (N, 3, T, H, W)
            -> map (N, C, T', H', W'). A maker and not a module, so that no two networks share one.
            None for `semantic` only.
        branches: `both`, or the ablations `semantic` and `spatial`.
        regression: False leaves out the regression head (the paper's ablation).
        steps: Steps that the semantic MLP sees.
        backbone_channels: C.
        map_size: T', H', W'; (16, 7, 7) for Video Swin on clips of 32 x 224 x 224.
        conv_dim: Channels between the two convolutions.
        head_dim: Width of the regression head.
        dropout: Before each convolution; FAST-VQA has 0.5.
    """

    def __init__(
        self,
        input_dim: int = 106,
        backbone: Callable[[], nn.Module] | None = None,
        branches: Literal["both", "semantic", "spatial"] = "both",
        regression: bool = True,
        steps: int = 32,
        backbone_channels: int = 768,
        map_size: tuple[int, int, int] = (16, 7, 7),
        conv_dim: int = 64,
        head_dim: int = 64,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if branches not in ("both", "semantic", "spatial"):
            raise ValueError(f"CLiFVQA knows branches=both|semantic|spatial, not {branches}")
        if branches != "semantic" and backbone is None:
            raise ValueError(
                f"CLiFVQA with branches={branches} needs a backbone and got none; give one or set "
                "branches=semantic"
            )
        self.steps, self.map_size = steps, tuple(map_size)
        self.semantic = self.spatial = None
        width = 0
        if branches != "spatial":
            self.semantic = nn.Sequential(nn.Linear(steps, steps), nn.GELU(), nn.Linear(steps, 1))
            width += input_dim
        if branches != "semantic":
            self.spatial = FastVQA(backbone, backbone_channels, conv_dim, dropout)
            width += prod(self.map_size)
        self.head = (
            nn.Sequential(nn.Linear(width, head_dim), nn.GELU(), nn.Linear(head_dim, 1))
            if regression
            else None
        )

    def semantic_vector(self, features: Tensor, lengths: Tensor) -> Tensor:
        """One number for each row of the semantic sequence. (B, L, D), (B,) -> (B, D)."""
        rows = middle_steps(features, lengths, self.steps).transpose(1, 2)
        return self.semantic(rows).squeeze(-1)

    def spatial_vector(self, fragments: Tensor) -> Tensor:
        """The flattened map of every clip. (B, K, T, H, W, 3) -> (B, K, P).

        Raises:
            ValueError: Another layout, or clips whose map is not of the size that the head knows.
        """
        quality = self.spatial.quality_map(fragments)
        if quality.shape[2:] != self.map_size:
            raise ValueError(
                f"the backbone's map is {tuple(quality.shape[2:])} where map_size={self.map_size} "
                "was expected; cut the fragments to the size of training or set map_size"
            )
        return quality.flatten(2)

    def timeline(
        self,
        features: Tensor | None = None,
        lengths: Tensor | None = None,
        fragments: Tensor | None = None,
    ) -> Tensor:
        """Score of every clip in the order of time, whose mean is the video's score.

        Args:
            features: Semantic sequence (B, L, D); not read by `spatial`.
            lengths: Its true steps (B,), at least 1; what lies behind them is never read.
            fragments: Clips (B, K, T, H, W, 3), RGB 0 to 255; not read by `semantic`.

        Returns:
            (B, K); (B, 1) by `semantic`, which knows no clips.

        Raises:
            ValueError: An input of a branch is missing, or `fragments` do not fit.
        """
        vectors = []
        if self.semantic is not None:
            if features is None or lengths is None:
                raise ValueError("the semantic branch needs features and lengths, got none")
            vectors.append(self.semantic_vector(features, lengths)[:, None])
        if self.spatial is not None:
            if fragments is None:
                raise ValueError("the spatial branch needs fragments, got none")
            vectors.append(self.spatial_vector(fragments))
        if self.head is None:
            return sum(vector.mean(-1) for vector in vectors)
        clips = vectors[-1].shape[1]
        joined = torch.cat([vector.expand(-1, clips, -1) for vector in vectors], -1)
        return self.head(joined).squeeze(-1)

    def forward(
        self,
        features: Tensor | None = None,
        lengths: Tensor | None = None,
        fragments: Tensor | None = None,
    ) -> Tensor:
        """Score of every video, (B,); the inputs are those of `timeline`."""
        return self.timeline(features, lengths, fragments).mean(1)


def middle_steps(x: Tensor, lengths: Tensor, steps: int) -> Tensor:
    """The steps at the middles of `steps` equal parts: floor((k + 1/2) length / steps).

    All steps in order where a video has just as many; they repeat where it has fewer.
    (B, L, D), (B,) -> (B, steps, D).
    """
    middles = 2 * torch.arange(steps, device=x.device) + 1
    index = (middles * lengths[:, None]).div(2 * steps, rounding_mode="floor")
    return x.gather(1, index[..., None].expand(-1, -1, x.shape[2]))
