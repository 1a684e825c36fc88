"""RAPIQUE's 1836 statistics as a whole-video extractor: planar frames in, one vector a second out.

Tu, Yu, Wang, Birkbeck, Adsumilli and Bovik, "RAPIQUE: rapid and accurate video quality prediction
of user generated content", IEEE OJSP 2021; the statistics without its CNN part.

Faithful: maps, fits, frames and sizes, as the authors' MATLAB output on real videos confirms,
including the second shrinking of the temporal bands and MATLAB's `imresize` with its rounding.
Different: MATLAB's LAB constants are not public (differences near 1e-4); very short videos give a
vector too.

Legend: C vectors, D = 1836; H W size of the luma, P bytes of a planar frame.
"""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from vqa.features.nss.colour import yuv_to_rgb
from vqa.features.nss.imresize import imresize
from vqa.features.nss.maps import shrink_ratio, spatial_maps, temporal_maps
from vqa.features.nss.names import DIM, NAMES
from vqa.features.nss.statistics import nss_statistics
from vqa.features.nss.windows import Window, windows
from vqa.video import VideoInfo

DEFINITION = 1  # raise with any change that changes a number: it is part of the fingerprint
SMALLEST_SIDE = 16
HUGE = 1e6  # beyond this a ratio of nearly constant deviations is an accident of rounding


class NSS:
    """Natural scene statistics of a whole video.

    Args:
        yuv_matrix: `bt601`, as the saliency study's code, or `original`, as RAPIQUE's release.
        double_resize: Shrink the temporal bands of large frames twice, as the release does.
        device: `auto` is the GPU where there is one.
        precision: Type of all but 8-bit colours and local moments, which are computed in float64.
        workers: Maps described at the same time on a CPU.

    Attributes:
        name: Identifier of the extractor.
        names: What each dimension is.
        dim: 1836.
        fingerprint: Hash of definition and options.
        weights: That there are none, in words.
        untrained: False; nothing here could be trained.
        threads: Intra-op threads that suit it: its work is in blocks too small to be shared out.
        pixels: The frames it reads.
    """

    name = "nss"
    names = NAMES
    dim = DIM
    weights = "none"
    untrained = False
    threads = 1
    pixels = "yuv420p"

    def __init__(
        self,
        yuv_matrix: Literal["bt601", "original"] = "bt601",
        double_resize: bool = True,
        device: str = "auto",
        precision: Literal["float32", "float64"] = "float32",
        workers: int = 2,
    ) -> None:
        if yuv_matrix not in ("bt601", "original"):
            raise ValueError(f"yuv_matrix={yuv_matrix!r} is not known; use bt601 or original")
        if precision not in ("float32", "float64"):
            raise ValueError(f"precision={precision!r} is not known; use float32 or float64")
        if workers < 1:
            raise ValueError(f"workers={workers} must be at least 1")
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        self.device = torch.device(device)
        self.dtype = {"float32": torch.float32, "float64": torch.float64}[precision]
        self.yuv_matrix, self.double_resize = yuv_matrix, double_resize
        self.workers = workers if self.device.type == "cpu" else 1
        definition = f"nss|{DEFINITION}|{yuv_matrix}|{double_resize}|{precision}|{','.join(NAMES)}"
        self.fingerprint = hashlib.sha256(definition.encode()).hexdigest()[:16]

    def indices(self, info: VideoInfo) -> np.ndarray:
        """Ascending distinct indices of the frames that `describe` needs, int64 (n,).

        Raises:
            ValueError: The video has no frame, or is smaller than 16 pixels.
        """
        if min(info.height, info.width) < SMALLEST_SIDE:
            raise ValueError(
                f"nss: frames of {info.width}x{info.height} are too small; both sides must be at "
                f"least {SMALLEST_SIDE} pixels"
            )
        needed = {index for window in _windows(info) for index in window.frames}
        return np.array(sorted(needed), dtype=np.int64)

    def describe(self, chunks: Iterator[np.ndarray], info: VideoInfo) -> tuple[Tensor, Tensor]:
        """The vectors of a video, one a second; only the frames of one window are held.

        Args:
            chunks: uint8 (n, P), planar 4:2:0 frames of `indices(info)` in order, in portions of
                any size: luma (H, W), then both chroma planes (ceil(H / 2), ceil(W / 2)).
            info: The video.

        Returns:
            Features (C, 1836) float64, NaN or infinite where the release leaves a statistic
            undefined (see `pool`), and the centres' times in seconds, (C,) float64.

        Raises:
            ValueError: Frames of another type or size, or too few.
        """
        found = _windows(info)
        arriving = zip(self.indices(info).tolist(), _frames(chunks, info), strict=False)
        held: dict[int, Tensor] = {}
        rows = []
        with ThreadPoolExecutor(self.workers) as team:
            for window in found:
                first, last = min(window.frames), max(window.frames)
                held = {index: frame for index, frame in held.items() if index >= first}
                while last not in held:
                    index, frame = next(arriving, (None, None))
                    if index is None:
                        raise ValueError(
                            f"nss: the frames ended before frame {last} of {info.path}; give all "
                            "frames of indices(info)"
                        )
                    held[index] = frame
                rows.append(self._vector(window, held, info, team))
        centres = [window.centre for window in found]
        return torch.stack(rows), torch.from_numpy(info.times_s[centres].astype(np.float64))

    def _vector(
        self, window: Window, held: dict[int, Tensor], info: VideoInfo, team: ThreadPoolExecutor
    ) -> Tensor:
        """One window's vector (D,), on the CPU."""
        pair = [held[window.before], held[window.after]]
        run = torch.stack([held[index] for index in window.run])
        bands = team.submit(self._temporal, run, info)
        frames = list(team.map(lambda frame: self._spatial(frame, info), pair))
        stacks = [maps for frame in (*frames, bands.result()) for maps in frame]
        described = self._statistics(stacks, team)
        before, after = (_spatial_vector(*described[k : k + 2]) for k in (0, 2))
        temporal = torch.stack(described[4:], 1).flatten()
        return torch.cat([(before + after) / 2, (before - after).abs(), temporal]).cpu()

    @torch.inference_mode()
    def _spatial(self, frame: Tensor, info: VideoInfo) -> tuple[Tensor, Tensor]:
        """The colour maps of one planar frame (P,): (4, H', W') and (16, h', w')."""
        rgb = yuv_to_rgb(*_planes(frame.to(self.device).float(), info), self.yuv_matrix)
        ratio = shrink_ratio(info.height, info.width)
        if ratio < 1:
            rgb = torch.stack([imresize(channel, ratio, rounded=True) for channel in rgb])
        return spatial_maps(rgb, self.dtype)

    @torch.inference_mode()
    def _temporal(self, run: Tensor, info: VideoInfo) -> tuple[Tensor, Tensor]:
        """The temporal bands of planar frames (n, P): (7, H', W') and (7, h', w')."""
        luma = _planes(run, info)[0].to(self.device, self.dtype)
        return temporal_maps(luma, self.double_resize)

    def _statistics(self, stacks: list[Tensor], team: ThreadPoolExecutor) -> list[Tensor]:
        """The statistics (n, 34) of each stack of maps (n, H, W), single maps shared out."""
        size = 1 if self.device.type == "cpu" else max(len(stack) for stack in stacks)
        pieces = [piece for stack in stacks for piece in stack.split(size)]
        described = torch.cat(list(team.map(self._describe, pieces)))
        return list(described.split([len(stack) for stack in stacks]))

    @torch.inference_mode()
    def _describe(self, maps: Tensor) -> Tensor:
        return nss_statistics(maps, self.dtype)


def pool(features: Tensor, strict: bool = False) -> Tensor:
    """A video's vector: the mean over its seconds, ignoring NaN.

    Args:
        features: (C, D), as `NSS.describe` gives them.
        strict: Leave what is undefined in all seconds, infinite or beyond 1e6 as it is. Otherwise
            such numbers become 0, as the published protocol does with NaN and infinities; whether a
            ratio of nearly constant deviations is infinite or huge is an accident of rounding.

    Returns:
        (D,) float64, finite unless `strict`.
    """
    mean = features.to(torch.float64).nanmean(0)
    return mean if strict else torch.where(mean.abs() <= HUGE, mean, 0.0)


def _windows(info: VideoInfo) -> list[Window]:
    return windows(info.frames, info.frame_rate_hz)


def _spatial_vector(full: Tensor, half: Tensor) -> Tensor:
    """The statistics (4, 34) and (16, 34) of a frame in the order of the names, (680,)."""
    both = torch.stack([full, half[: len(full)]], 1).flatten()
    return torch.cat([both, half[len(full) :].flatten()])


def _frames(chunks: Iterator[np.ndarray], info: VideoInfo) -> Iterator[Tensor]:
    """The single frames (P,) of chunks, checked."""
    pixels = info.height * info.width
    pixels += 2 * (-(-info.height // 2)) * (-(-info.width // 2))
    for chunk in chunks:
        if chunk.dtype != np.uint8 or chunk.ndim != 2 or chunk.shape[1] != pixels:
            raise ValueError(
                f"nss: expected uint8 frames (n, {pixels}), planar 4:2:0 of "
                f"{info.width}x{info.height}, got {chunk.dtype} {chunk.shape}; decode to yuv420p"
            )
        yield from torch.from_numpy(np.require(chunk, requirements=("C", "W")))


def _planes(frames: Tensor, info: VideoInfo) -> tuple[Tensor, Tensor, Tensor]:
    """Luma (..., H, W) and both chroma planes of planar frames (..., P)."""
    height, width = info.height, info.width
    small = (-(-height // 2), -(-width // 2))
    sizes = [height * width, small[0] * small[1], small[0] * small[1]]
    y, u, v = frames.split(sizes, -1)
    return y.unflatten(-1, (height, width)), u.unflatten(-1, small), v.unflatten(-1, small)
