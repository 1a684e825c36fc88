"""CLiF-VQA: semantic features of frames by CLIP, combined with fragments through Video Swin.

Mi, Li, Shu, Hui, Zhou and Liu, "CLiF-VQA: enhancing video quality assessment by incorporating
high-level semantic information related to human feelings", ACM MM 2024. No code was released.

Faithful: an MLP FC-GELU-FC reduces each row of the semantic sequence to one number. Two 3D
convolutions with GELU in between turn the backbone's map into the spatial vector. A head FC-GELU-FC
scores the concatenation of both vectors.

The paper leaves these points open:

- The axis of the MLP. It acts on time, with shared weights for all rows: the only reading that
  turns a (2r, T) map into a vector of 2r numbers.
- The number of time steps, which a linear layer must know. It is 32; a sequence of another length
  is read at the middles of 32 equal parts, like frames sampled from a video.
- Widths and kernels of the convolutions. They are 768 to 64 to 1 channels and 1 x 1 x 1, as in
  FAST-VQA, so the branch can start from FAST-VQA's weights. FAST-VQA's dropout is off by default.
  The flattened map of a clip of 32 x 224 x 224 has 16 x 7 x 7 numbers.
- The width of the head, 64.
- Several clips. Each is scored with the one semantic vector of its video, and the scores are
  averaged.
- The ablation without regression head. The semantic score is the mean of the semantic vector, the
  spatial score the mean of the map (as in FAST-VQA); with both branches they are added.

Shapes: B videos, L padded steps of the semantic sequence, D = 2r features per step (r averages,
then r maxima over the windows of a frame), K clips, T frames, H height, W width, C channels of the
backbone's map, P positions of it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Literal

import torch
from torch import Tensor, nn

from vqa.models.fastvqa import FastVQA


@dataclass(frozen=True)
class MiddleSteps:
    """What the semantic branch reads of a video: the same few steps each time.

    Attributes:
        steps: Their number.
    """

    steps: int

    def __call__(self, features: Tensor) -> dict[str, Tensor]:
        """(L, D) -> `features` (steps, D)."""
        lengths = torch.tensor([len(features)])
        return {"features": middle_steps(features[None], lengths, self.steps)[0]}


class CLiFVQA(nn.Module):
    """Score videos from semantic sequences and fragments.

    Args:
        input_dim: D, features per step (106 for 53 descriptions).
        backbone: Builds the spatial backbone (`FragmentSwin`), which maps normalised clips
            (N, 3, T, H, W) to (N, C, T', H', W'). It is a factory because each network needs a
            backbone of its own. None only with `semantic`.
        branches: `both`, or the ablations `semantic` and `spatial`.
        regression: False omits the regression head (the paper's ablation).
        steps: Time steps of the semantic MLP.
        backbone_channels: C.
        map_size: (T', H', W'); (16, 7, 7) for Video Swin on clips of 32 x 224 x 224.
        conv_dim: Channels between the two convolutions.
        head_dim: Width of the regression head.
        dropout: Dropout before each convolution; 0.5 in FAST-VQA.
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
            raise ValueError(f"branches={branches!r}: expected both, semantic or spatial")
        if branches != "semantic" and backbone is None:
            raise ValueError(
                f"branches={branches!r} needs a backbone and got none; give one, or set "
                "branches=semantic"
            )
        self.steps, self.map_size = steps, tuple(map_size)
        self.condense = MiddleSteps(steps) if branches != "spatial" else None
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
        """Reduce each row of the semantic sequence to one number. (B, L, D), (B,) -> (B, D)."""
        rows = middle_steps(features, lengths, self.steps).transpose(1, 2)
        return self.semantic(rows).squeeze(-1)

    def spatial_vector(self, fragments: Tensor) -> Tensor:
        """Return the flattened map of each clip. (B, K, T, H, W, 3) -> (B, K, P).

        Raises:
            ValueError: The fragments have another layout, or their map another size than the head.
        """
        quality = self.spatial.quality_map(fragments)
        if quality.shape[2:] != self.map_size:
            raise ValueError(
                f"the backbone's map is {tuple(quality.shape[2:])}, expected "
                f"map_size={self.map_size}; use fragments of the size in training, or set map_size"
            )
        return quality.flatten(2)

    timeline_is = "score of each clip; the score is its mean"

    def timeline(
        self,
        features: Tensor | None = None,
        lengths: Tensor | None = None,
        fragments: Tensor | None = None,
    ) -> Tensor:
        """Score the clips in temporal order; their mean is the video's score.

        Args:
            features: Semantic sequence (B, L, D); ignored by `spatial`.
            lengths: Valid steps of the sequence (B,), at least 1; padding is never read.
            fragments: Clips (B, K, T, H, W, 3), RGB 0 to 255; ignored by `semantic`.

        Returns:
            Scores (B, K); (B, 1) for `semantic`, which has no clips.

        Raises:
            ValueError: The input of a branch is missing, or `fragments` have the wrong size.
        """
        vectors = []
        if self.semantic is not None:
            if features is None or lengths is None:
                raise ValueError("the semantic branch expected features and lengths, found none")
            vectors.append(self.semantic_vector(features, lengths)[:, None])
        if self.spatial is not None:
            if fragments is None:
                raise ValueError("the spatial branch expected fragments, found none")
            vectors.append(self.spatial_vector(fragments))
        return self._scored(vectors)

    def score_vectors(self, semantic: Tensor, spatial: Tensor | None = None) -> Tensor:
        """Score clips from the vectors of both branches, as `timeline` does from their inputs.

        Args:
            semantic: (B, D).
            spatial: (B or 1, K, P); None without that branch.

        Returns:
            (B, K); (B, 1) without the spatial branch.
        """
        vectors = [semantic[:, None]]
        if spatial is not None:
            vectors.append(spatial.expand(len(semantic), -1, -1))
        return self._scored(vectors)

    def _scored(self, vectors: list[Tensor]) -> Tensor:
        """Score clips from vectors (B, 1 or K, width) of the branches. -> (B, K)."""
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
        """Score videos from the inputs of `timeline`. -> (B,)."""
        return self.timeline(features, lengths, fragments).mean(1)

    def score_and_timeline(self, **inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return what `forward` and `timeline` return, after one pass of the backbone."""
        timeline = self.timeline(**inputs)
        return timeline.mean(1), timeline


def middle_steps(x: Tensor, lengths: Tensor, steps: int) -> Tensor:
    """Pick the step in the middle of each of `steps` equal parts: floor((k + 1/2) length / steps).

    A video of exactly `steps` steps is returned unchanged; steps repeat if it has fewer.
    (B, L, D), (B,) -> (B, steps, D).
    """
    middles = 2 * torch.arange(steps, device=x.device) + 1
    index = (middles * lengths[:, None]).div(2 * steps, rounding_mode="floor")
    return x.gather(1, index[..., None].expand(-1, -1, x.shape[2]))
