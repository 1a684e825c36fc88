"""RAPIQUE's 1836 statistics as an extractor: planar frames in, one vector per second out.

Tu, Yu, Wang, Birkbeck, Adsumilli and Bovik, "RAPIQUE: rapid and accurate video quality prediction
of user generated content", IEEE OJSP 2021; the statistics without its CNN part.

Faithful: maps, fits, frames and sizes, as the authors' MATLAB output on real videos confirms,
including the second shrinking of the temporal bands and MATLAB's `imresize` with its rounding.
Different: MATLAB's LAB constants are not public (differences near 1e-4); very short videos also
have a vector.

Shapes: C vectors, D = 1836; H W size of the luma, P bytes of a planar frame.
"""

import hashlib
from collections.abc import Iterator
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from vqa.features.extractor import Extractor
from vqa.features.nss.chosen_frames import Window, windows
from vqa.features.nss.names import DIM, FAMILIES, NAMES
from vqa.features.nss.window_vector import Definition, window_vector
from vqa.features.nss.worker_processes import in_order, processes
from vqa.models.pretrained.devices import chosen_device
from vqa.video import VideoInfo

DEFINITION = 1  # part of the fingerprint; raise it with every change that changes a number
SMALLEST_SIDE = 16


class NSS(Extractor):
    """Natural scene statistics of a whole video: planar frames -> features (C, 1836) float64.

    Args:
        yuv_matrix: `bt601`, as in the saliency study's code, or `original`, as in RAPIQUE's
            release.
        double_resize: Shrink the temporal bands of large frames twice, as the release does.
        device: `auto` is the GPU if there is one.
        precision: Type of everything except 8-bit colours and local moments, which are float64.
        workers: Processes that describe the seconds of a video on a CPU; None uses one per
            processor, at most 8, and one in a child process of multiprocessing. They have no
            effect on the numbers.

    Attributes:
        names: Name of each dimension.
        workers: As given; it may be changed.

    Examples:
        >>> from vqa.features.nss import NSS
        >>> NSS.dim
        1836
        >>> NSS.names.index("mean.gm.half.aggd_h.alpha")
        106
    """

    name = "nss"
    undefined = True  # statistics of a flat picture are 0 / 0
    names = NAMES
    families = FAMILIES
    dim = DIM
    weights = "none"
    threads = 1  # the work is in blocks too small for several threads
    pixels = "yuv420p"
    chooses_frames = parallel = True

    def __init__(
        self,
        yuv_matrix: Literal["bt601", "original"] = "bt601",
        double_resize: bool = True,
        device: str = "auto",
        precision: Literal["float32", "float64"] = "float32",
        workers: int | None = None,
    ) -> None:
        if yuv_matrix not in ("bt601", "original"):
            raise ValueError(f"yuv_matrix={yuv_matrix!r}: expected bt601 or original")
        if precision not in ("float32", "float64"):
            raise ValueError(f"precision={precision!r}: expected float32 or float64")
        if workers is not None and workers < 1:
            raise ValueError(f"workers={workers} must be at least 1, or null")
        self.device = chosen_device(device)
        dtype = {"float32": torch.float32, "float64": torch.float64}[precision]
        self.definition = Definition(yuv_matrix, double_resize, dtype, self.device)
        self.workers = workers if self.device.type == "cpu" else 1
        definition = f"nss|{DEFINITION}|{yuv_matrix}|{double_resize}|{precision}|{','.join(NAMES)}"
        self.fingerprint = hashlib.sha256(definition.encode()).hexdigest()[:16]

    def indices(self, info: VideoInfo) -> np.ndarray:
        """Choose the frames that `describe` needs: ascending distinct indices, int64 (n,).

        Raises:
            ValueError: The video has no frames, or a side below 16 pixels.
        """
        if min(info.height, info.width) < SMALLEST_SIDE:
            raise ValueError(
                f"nss: frames of {info.width}x{info.height} are too small; both sides must be at "
                f"least {SMALLEST_SIDE} pixels"
            )
        needed = {index for window in _windows(info) for index in window.frames}
        return np.array(sorted(needed), dtype=np.int64)

    def describe(self, chunks: Iterator[np.ndarray], info: VideoInfo) -> tuple[Tensor, Tensor]:
        """Describe a video by one vector per second; only the frames of a few windows are held.

        Args:
            chunks: uint8 (n, P), planar 4:2:0 frames of `indices(info)` in order, in portions of
                any size: luma (H, W), then both chroma planes (ceil(H / 2), ceil(W / 2)).
            info: The video.

        Returns:
            Features (C, 1836) float64, NaN or infinite where the release leaves a statistic
            undefined, and the times of the centres in seconds, (C,) float64.

        Raises:
            ValueError: Frames of another type or size, or too few.
        """
        found = _windows(info)
        size = (info.height, info.width)
        jobs = (
            (frames, window, size, self.definition)
            for window, frames in zip(found, self._window_frames(found, chunks, info), strict=True)
        )
        workers = processes(self.workers) if len(found) > 1 else 1
        rows = list(in_order(window_vector, jobs, workers))
        centres = [window.centre for window in found]
        times_s = torch.from_numpy(info.times_s[centres].astype(np.float64))
        return torch.from_numpy(np.stack(rows)), times_s

    def _window_frames(
        self, found: list[Window], chunks: Iterator[np.ndarray], info: VideoInfo
    ) -> Iterator[np.ndarray]:
        """Yield the frames (n, P) of each window, in ascending order."""
        arriving = zip(self.indices(info).tolist(), _frames(chunks, info), strict=False)
        held: dict[int, np.ndarray] = {}
        for window in found:
            needed = sorted(window.frames)
            held = {index: frame for index, frame in held.items() if index >= needed[0]}
            while needed[-1] not in held:
                index, frame = next(arriving, (None, None))
                if index is None:
                    raise ValueError(
                        f"nss: the frames ended before frame {needed[-1]} of {info.path}; give all "
                        "frames of indices(info)"
                    )
                held[index] = frame
            yield np.stack([held[index] for index in needed])


def _windows(info: VideoInfo) -> list[Window]:
    return windows(info.frames, info.frame_rate_hz)


def _frames(chunks: Iterator[np.ndarray], info: VideoInfo) -> Iterator[np.ndarray]:
    """Yield the single frames (P,) of chunks, after a check."""
    pixels = info.height * info.width
    pixels += 2 * (-(-info.height // 2)) * (-(-info.width // 2))
    for chunk in chunks:
        if chunk.dtype != np.uint8 or chunk.ndim != 2 or chunk.shape[1] != pixels:
            raise ValueError(
                f"nss: expected uint8 frames (n, {pixels}), planar 4:2:0 of "
                f"{info.width}x{info.height}, got {chunk.dtype} {chunk.shape}; decode to yuv420p"
            )
        yield from chunk
