"""Frame features without weights: a fixed bank of natural-scene and temporal channels, five scales.

Untrained convolutional features hardly respond to quality; the statistics of locally normalised
luminance do. The bank is fixed and follows their literature:

- mean-subtracted contrast-normalised (MSCN) luminance and the products of its neighbours: Mittal,
  Moorthy and Bovik, "No-reference image quality assessment in the spatial domain", IEEE TIP 2012.
- the second-difference high pass for noise: Immerkaer, "Fast noise variance estimation", CVIU 1996.
- frame differences, plain and divisively normalised: Saad, Bovik and Charrier, "Blind prediction of
  natural video quality", IEEE TIP 2014; Tu et al., RAPIQUE, 2021.
- the step across the 8 x 8 grid: Wang, Sheikh and Bovik, ICIP 2002.

As for the frozen networks, the features are the spatial mean of each channel and then, in the
second half of the vector, the spatial standard deviations.

Shapes: T frames, H W size in pixels, C channels. Grey levels are 0..255.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vqa.features.extractor import Extractor
from vqa.features.frames import checked

DEFINITION = 1  # part of the fingerprint; raise it with every change that changes a number
SCALES = 5
CHROMA_SCALES = 2
BLOCK = 8  # pixels between the edges of transform blocks
SMALLEST_SIDE = 16
STABILISER = 1.0  # grey levels; avoids division by zero in flat regions

LEVELS = ("luminance", "red_green", "yellow_blue")  # once, at scale 1
LUMINANCE = (  # at every scale
    "contrast",
    "flatness",
    "mscn",
    "mscn_abs",
    "mscn_horizontal",
    "mscn_vertical",
    "mscn_diagonal",
    "mscn_antidiagonal",
    "gradient",
    "grain",
    "smoothness",
    "change",
    "change_abs",
    "change_stillness",
    "change_relative",
    "change_mscn",
)
CHROMA = (  # at scales 1 to CHROMA_SCALES
    "red_green_gradient",
    "yellow_blue_gradient",
    "red_green_change",
    "yellow_blue_change",
)
BLOCKINESS = ("blockiness_horizontal", "blockiness_vertical")  # at full size


@dataclass(frozen=True, slots=True)
class _Luminance:
    """One scale of a frame's luminance, in grey levels relative to mid-grey.

    The local planes are smaller than `level` by the window's border, two pixels on each side.
    """

    level: Tensor
    contrast: Tensor  # local standard deviation
    flatness: Tensor  # 1 / (contrast + STABILISER), near 1 in uniform regions
    mscn: Tensor  # (level - local mean) * flatness


@dataclass(frozen=True, slots=True)
class _Frame:
    """The planes that a frame's channels, and those of the next frame, are computed from."""

    luminance: tuple[_Luminance, ...]  # scales 0 to SCALES - 1
    opponent: tuple[tuple[Tensor, Tensor], ...]  # (red-green, yellow-blue) of the chroma scales


class Multiscale(Extractor):
    """The fixed bank: frames (T, H, W, 3) uint8 -> features (T, 2 C).

    Attributes:
        names: The C channels; channel `c` has its mean at `c` and its deviation at `C + c`.

    Examples:
        >>> import numpy as np
        >>> from vqa.features.multiscale import Multiscale
        >>> extractor = Multiscale()
        >>> tuple(extractor(np.zeros((4, 64, 64, 3), dtype=np.uint8)).shape)
        (4, 186)
    """

    name = "multiscale"
    context = 1
    parallel = one_core = True
    weights = "none (fixed bank)"
    threads = 1  # the planes are small: more threads are no faster, and slower on a busy machine

    def __init__(self) -> None:
        self.names = (
            *(f"{name}/1" for name in LEVELS),
            *(f"{name}/{scale}" for scale in range(SCALES) for name in LUMINANCE),
            *(f"{name}/{scale}" for scale in range(1, CHROMA_SCALES + 1) for name in CHROMA),
            *(f"{name}/0" for name in BLOCKINESS),
        )
        self.dim = 2 * len(self.names)
        definition = f"{self.name}|{DEFINITION}|{','.join(self.names)}"
        self.fingerprint = hashlib.sha256(definition.encode()).hexdigest()[:16]
        kinds = [name.split("/")[0] for name in self.names]
        self._temporal = torch.tensor(["change" in kind for kind in kinds])
        bounded = ("flatness", "smoothness", "stillness")
        self._bounded = torch.tensor(["mscn" in kind or kind.endswith(bounded) for kind in kinds])

    @torch.inference_mode()
    def __call__(self, frames: np.ndarray, context: int = 0) -> Tensor:
        """Describe consecutive frames one by one.

        A frame's numbers depend only on the frame and its predecessor, never on the chunk it came
        in. A video's first frame has no predecessor: its temporal channels are those of the second
        frame (the first chunk should therefore hold at least two), or zero if there is only one.

        Args:
            frames: uint8 `(n, H, W, 3)`, RGB, both sides at least 16 pixels.
            context: Number of leading frames that only serve as the past; 0 at a video's start.

        Returns:
            float32 `(n - context, dim)` on the CPU, finite, roughly of unit scale.

        Raises:
            ValueError: Another type or shape, frames below 16 pixels, or no frame after the past.
        """
        described = checked(frames, context, self.name, least_side=SMALLEST_SIDE)
        past = _analyse(frames[context - 1]) if context else None
        rows = []
        for frame in described:
            now = _analyse(frame)
            rows.append(self._describe(now, past))
            past = now
        features = torch.stack(rows)
        if context == 0 and len(features) > 1:
            features[0] = torch.where(self._temporal.repeat(2), features[1], features[0])
        return features

    def _describe(self, now: _Frame, past: _Frame | None) -> Tensor:
        """Return one frame's vector `(2 C,)`: the planes' moments, with heavy tails compressed."""
        mean, deviation = _moments(_planes(now, past))
        return torch.cat(
            [
                torch.where(self._bounded, mean, _signed_log(mean)),
                torch.where(self._bounded, deviation, _signed_log(deviation)),
            ]
        )


def _analyse(frame: np.ndarray) -> _Frame:
    """Compute the pyramids of one frame, uint8 `(H, W, 3)`."""
    pixels = torch.from_numpy(np.require(frame, requirements=("C", "W")))
    red, green, blue = (colour.to(torch.float32) for colour in pixels.unbind(-1))
    # relative to mid-grey, because the variances below are differences of squares
    level = (red * 0.299).add_(green, alpha=0.587).add_(blue, alpha=0.114).sub_(128.0)
    red, green, blue = _halve(red), _halve(green), _halve(blue)
    opponent = (red - green, (red + green).mul_(0.5).sub_(blue))
    luminance, opponents = [_localise(level)], [opponent]
    for _ in range(1, SCALES):
        level = _halve(level)
        luminance.append(_localise(level))
    for _ in range(1, CHROMA_SCALES):
        opponents.append((_halve(opponents[-1][0]), _halve(opponents[-1][1])))
    return _Frame(tuple(luminance), tuple(opponents))


def _localise(level: Tensor) -> _Luminance:
    mean = _smooth(level)
    variance = _smooth(level * level).addcmul_(mean, mean, value=-1.0)
    contrast = variance.clamp_(min=0.0).sqrt_()
    flatness = (contrast + STABILISER).reciprocal_()
    return _Luminance(level, contrast, flatness, (level[2:-2, 2:-2] - mean).mul_(flatness))


def _planes(now: _Frame, past: _Frame | None) -> Iterator[Tensor]:
    """Yield all planes in the order of `Multiscale.names`."""
    yield now.luminance[1].level
    yield from now.opponent[0]
    for scale, luminance in enumerate(now.luminance):
        yield from _luminance_planes(luminance, past and past.luminance[scale])
    for scale, opponent in enumerate(now.opponent):
        yield from _chroma_planes(opponent, past and past.opponent[scale])
    yield _grid_step(now.luminance[0].level)
    yield _grid_step(now.luminance[0].level.T)


def _luminance_planes(now: _Luminance, past: _Luminance | None) -> Iterator[Tensor]:
    level, mscn = now.level, now.mscn
    yield now.contrast
    yield now.flatness
    yield mscn
    yield mscn.abs()
    yield mscn[:, 1:] * mscn[:, :-1]
    yield mscn[1:] * mscn[:-1]
    yield mscn[1:, 1:] * mscn[:-1, :-1]
    yield mscn[1:, :-1] * mscn[:-1, 1:]
    yield _gradient(level)
    grain = _second_differences(level).abs_()
    yield grain
    yield grain.add_(STABILISER).reciprocal_()
    if past is None:
        yield from [torch.zeros(1, 1)] * 5
        return
    change = level - past.level
    yield change
    change = change.abs_()
    yield change
    yield (change + STABILISER).reciprocal_()
    yield change[2:-2, 2:-2] * now.flatness
    yield (mscn - past.mscn).abs_()


def _chroma_planes(
    now: tuple[Tensor, Tensor], past: tuple[Tensor, Tensor] | None
) -> Iterator[Tensor]:
    for opponent in now:
        yield _gradient(opponent)
    if past is None:
        yield from [torch.zeros(1, 1)] * 2
        return
    for opponent, before in zip(now, past, strict=True):
        yield (opponent - before).abs_()


def _gradient(plane: Tensor) -> Tensor:
    """Return the sum of the absolute steps to the right and down."""
    right = (plane[:-1, 1:] - plane[:-1, :-1]).abs_()
    return right.add_((plane[1:, :-1] - plane[:-1, :-1]).abs_())


def _grid_step(level: Tensor) -> Tensor:
    """Return how much higher the step across each block edge is than the steps beside it."""
    ends, starts = level[:, BLOCK - 1 : -2 : BLOCK], level[:, BLOCK:-1:BLOCK]
    before = (ends - level[:, BLOCK - 2 : -3 : BLOCK]).abs_()
    after = (level[:, BLOCK + 1 :: BLOCK] - starts).abs_()
    return (starts - ends).abs_().sub_(before.add_(after), alpha=0.5)


def _halve(plane: Tensor) -> Tensor:
    """Average over 2 x 2 pixels; a plane too small for another scale is returned unchanged."""
    if min(plane.shape) < SMALLEST_SIDE:
        return plane
    height, width = plane.shape[0] // 2 * 2, plane.shape[1] // 2 * 2
    rows = plane[0:height:2] + plane[1:height:2]
    return (rows[:, 0:width:2] + rows[:, 1:width:2]).mul_(0.25)


def _smooth(plane: Tensor) -> Tensor:
    """Average under the window `[1 2 2 2 1] / 8` in both directions, without the borders."""
    pairs = plane[1:] + plane[:-1]
    fours = pairs[2:] + pairs[:-2]
    fives = fours[1:] + fours[:-1]
    pairs = fives[:, 1:] + fives[:, :-1]
    fours = pairs[:, 2:] + pairs[:, :-2]
    return (fours[:, 1:] + fours[:, :-1]).mul_(1 / 64)


def _second_differences(plane: Tensor) -> Tensor:
    """Apply `[1 -2 1]` in both directions, which ignores ramps and straight edges, not noise."""
    rows = (plane[2:] + plane[:-2]).sub_(plane[1:-1], alpha=2.0)
    return (rows[:, 2:] + rows[:, :-2]).sub_(rows[:, 1:-1], alpha=2.0)


def _moments(planes: Iterator[Tensor]) -> tuple[Tensor, Tensor]:
    """Return the mean and the standard deviation of each plane, `(C,)` each."""
    sums, squares, sizes = [], [], []
    for plane in planes:
        values = plane.reshape(-1)
        sums.append(values.sum())
        squares.append(values.dot(values))
        sizes.append(len(values))
    size = torch.tensor(sizes, dtype=torch.float64)
    mean = torch.stack(sums) / size
    variance = torch.stack(squares) / size - mean.square()
    return mean.float(), variance.clamp_(min=0.0).sqrt_().float()


def _signed_log(values: Tensor) -> Tensor:
    return values.sign() * values.abs().log1p_()
