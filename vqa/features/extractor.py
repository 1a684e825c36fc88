"""Base class of the frozen feature extractors."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from vqa.video import VideoInfo

GPU_BATCH_PIXELS = 16 * 960 * 540  # that pass through a convolutional network together
DEVICE_BYTES = 2**26  # of features that may stay on a GPU until a video ends


class Extractor:
    """A frozen map from the frames of a video to features.

    A subclass sets the first four attributes and implements either `__call__`, which describes
    frames, or `describe`, which describes a whole video. All other members have defaults.

    An extractor is `parallel` if nothing that it holds changes while it describes a video: no hook
    on its network, no running state. Torch's modules themselves may be called by several threads.

    Shapes: T frames, H W size in pixels, D features per row, P bytes of a planar frame.

    Attributes:
        name: Short name: part of the cache folder's name and the section `features.<name>`.
        dim: D.
        fingerprint: Hash of everything that shapes the features: definition, options, weights.
        weights: The weights in words, for reports.
        untrained: Whether the weights are random.
        families: What each of the D features describes, in a word; empty if that is unknown.
        undefined: Whether features may be undefined (NaN) for some videos, by their definition.
        context: Number of earlier frames that the features of a frame depend on.
        threads: Intra-op threads of torch that suit the extractor; None keeps the current number.
        pixels: Format of the frames: `rgb24` (T, H, W, 3), or `yuv420p` (T, P), planes that
            `vqa.video.planes` takes apart.
        chooses_frames: Whether `indices` selects the frames, unless the settings `frame_rate_hz` or
            `frames` do. An extractor that implements `describe` refuses these settings.
        leaps: Whether frames that no chosen frame depends on are left undecoded; damage of such
            frames then goes unnoticed.
        draws: Whether `draw` is implemented.
        device: Where it computes.
        on_device: Whether RGB frames may also be a tensor, on `device`. Only with `context` 0.
        parallel: Whether several threads may describe videos at the same time.
        one_core: Whether it keeps at most one core busy, so that on a CPU each core can describe
            another video. Only for an extractor that is `parallel`.
    """

    name: str
    dim: int
    fingerprint: str
    weights: str
    untrained: bool = False
    families: tuple[str, ...] = ()
    undefined: bool = False
    context: int = 0
    threads: int | None = None
    pixels: str = "rgb24"
    chooses_frames: bool = False
    leaps: bool = False
    draws: bool = False
    device: torch.device = torch.device("cpu")
    on_device: bool = False
    parallel: bool = False
    one_core: bool = False

    def __call__(self, frames: np.ndarray, context: int = 0) -> Tensor:
        """Describe consecutive frames.

        Args:
            frames: uint8, T frames in the format of `pixels`.
            context: Number of leading frames that only serve as the past of the others.

        Returns:
            (T - context, D) on `device`, float32 unless the extractor says otherwise.
        """
        raise NotImplementedError(f"{self.name} describes whole videos, not single frames")

    def indices(self, info: VideoInfo) -> np.ndarray | None:
        """Choose the frames to decode: ascending indices, int64 (n,); None for all frames."""
        return None

    def notes(self, info: VideoInfo) -> tuple[str, ...]:
        """Say what every reader of a score must know about how this video is described."""
        return ()

    def describe(
        self, chunks: Iterator[np.ndarray], info: VideoInfo
    ) -> tuple[Tensor, Tensor | None]:
        """Describe a whole video; by default frame by frame, with `__call__`.

        Args:
            chunks: The chosen frames in order, uint8, in portions of any size.
            info: Size, frame rate and times of the video.

        Returns:
            Features (n, D) on the CPU, and the time of each row in seconds (n,), float64. None in
            place of the times means that each row describes one of the frames.

        Raises:
            ValueError: The frames cannot be described.
        """
        rows = _Rows(self.dim)
        past: np.ndarray | None = None
        for chunk in chunks:
            frames = chunk if past is None else np.concatenate([past, chunk])
            rows.add(self(frames, 0 if past is None else len(past)))
            past = frames[-self.context :] if self.context else None
        return rows.all(), None

    def network(self) -> nn.Module | None:
        """Return what describes frames as a module that can be exported.

        Returns:
            On the CPU, uint8 (T, H, W, 3) -> float32 (T, D); None if there is no such module.
        """
        return None

    def draw(self, frame: np.ndarray) -> list[tuple[str, np.ndarray]]:
        """Draw how the extractor describes one frame, uint8 (H, W, 3).

        Returns:
            Pairs of a title and a map, float32 (H, W), with NaN where nothing is known.
        """
        raise NotImplementedError(f"{self.name} has no maps to draw")


class _Rows:
    """The features of a video, brought to the CPU rarely: each time, it waits for the GPU."""

    def __init__(self, dim: int) -> None:
        self._dim = dim
        self._parts: list[Tensor] = []
        self._on_device: list[Tensor] = []
        self._bytes = 0

    def add(self, rows: Tensor) -> None:
        """Add rows (n, D) on any device."""
        self._on_device.append(rows)
        self._bytes += rows.nbytes
        if self._bytes > DEVICE_BYTES:
            self._collect()

    def all(self) -> Tensor:
        """Return all rows (T, D), on the CPU."""
        self._collect()
        return torch.cat(self._parts) if self._parts else torch.empty(0, self._dim)

    def _collect(self) -> None:
        if self._on_device:
            self._parts.append(torch.cat(self._on_device).cpu())
        self._on_device, self._bytes = [], 0
