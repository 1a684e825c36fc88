"""Views that are read from video files, and how scoring reads them ahead."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from vqa.databases.records import VideoRecord
from vqa.features.extraction.feature_source import FeatureSource
from vqa.features.extraction.latest import LatestFeatures
from vqa.features.extractor import Extractor
from vqa.identity import Identities
from vqa.models.pretrained.devices import chosen_device
from vqa.video import VideoError, VideoInfo, probe, stream_frames
from vqa.video.beginning import beginning

REMEDY = "data.check=decode fresh=true finds such files before a training and leaves them out"


class FileView:
    """A view of some frames of a video, read from its file each time.

    Only the frames that it chooses, and the frames that these depend on, are decoded, once each. A
    subclass chooses the frames with `indices` and makes its tensor of them with `of_frames`.

    Args:
        reader: See `vqa.video.choose_reader`.
        damaged: See `vqa.video.probe`.
        max_seconds: See only the beginning of each video; None sees all of it.
    """

    def __init__(
        self, reader: str = "auto", damaged: str = "refuse", max_seconds: float | None = None
    ) -> None:
        self.reader, self.damaged, self.max_seconds = reader, damaged, max_seconds

    def indices(self, info: VideoInfo, rng: np.random.Generator | None = None) -> np.ndarray:
        """Choose frames: int64 (K, T), a row for each value of a network's timeline."""
        raise NotImplementedError

    def of_frames(
        self,
        chunks: Iterator[np.ndarray],
        info: VideoInfo,
        indices: np.ndarray,
        rng: np.random.Generator | None = None,
    ) -> Tensor:
        """Make the view of a video.

        Args:
            chunks: uint8 (n, H, W, 3) each: the frames `np.unique(indices)`, in order.
            info: Properties of the video.
            indices: From `indices`.
            rng: As for `indices`; None for evaluation, which is deterministic.
        """
        raise NotImplementedError

    def collate(self, name: str, samples: Sequence[Tensor]) -> dict[str, Tensor]:
        """`<name>`: the views of several videos along a new first axis."""
        return {name: torch.stack(list(samples))}

    def __call__(self, video: VideoRecord, rng: np.random.Generator | None = None) -> Tensor:
        """Return the view of a video.

        Raises:
            VideoError: The file cannot be read.
        """
        info = self._probe(video)
        indices = self.indices(beginning(info, self.max_seconds), rng)
        return self.of_frames(self._frames(video, info, indices), info, indices, rng)

    def times_s(self, video: VideoRecord) -> Tensor:
        """Return the mean presentation time of each row of `indices` in evaluation, (K,)."""
        return self.mean_times_s(beginning(self._probe(video), self.max_seconds))

    def mean_times_s(self, info: VideoInfo) -> Tensor:
        """Return what `times_s` does, from the properties of a video."""
        return torch.from_numpy(info.times_s[self.indices(info)].mean(1))

    def _frames(
        self, video: VideoRecord, info: VideoInfo, indices: np.ndarray
    ) -> Iterator[np.ndarray]:
        with _told():
            yield from stream_frames(
                video.path,
                np.unique(indices),
                reader=self.reader,
                raw=video.raw_format,
                info=info,
                leaping=True,
            )

    def _probe(self, video: VideoRecord) -> VideoInfo:
        with _told():
            return probe(video.path, raw=video.raw_format, damaged=self.damaged)


@contextmanager
def _told() -> Iterator[None]:
    """Add the remedy to the error of a video, which stops a training."""
    try:
        yield
    except VideoError as error:
        raise VideoError(error.path, f"{error.cause}; {REMEDY}", error.frames) from error


class ReadAhead:
    """A view of files in evaluation that its source reads: the view of the last video only.

    The source decodes in a process of its own, ahead of the network and protected from it: see
    `vqa.video.decoder`.

    Args:
        name: Name of the view.
        view: What to read.
        device: Where the network runs that the frames are for; see `chosen_device`.
        identities: Of the files; see `vqa.identity`.

    Attributes:
        source: Reads the files; a video can be viewed once its `stream` has yielded it.
    """

    def __init__(
        self,
        name: str,
        view: FileView,
        device: str = "cpu",
        identities: Identities | None = None,
    ) -> None:
        self.view = view
        self.source = FeatureSource(
            _SampledFrames(name, view, chosen_device(device)),
            LatestFeatures(),
            view.reader,
            dtype=None,
            damaged=view.damaged,
            max_seconds=view.max_seconds,
            decoders="auto",
            identities=identities,
        )

    def __call__(self, video: VideoRecord, rng: np.random.Generator | None = None) -> Tensor:
        """Return the view of a video.

        Raises:
            FileNotFoundError: The source read another video last.
        """
        return self.source.load(video).features

    def collate(self, name: str, samples: Sequence[Tensor]) -> dict[str, Tensor]:
        """Collate as the view does."""
        return self.view.collate(name, samples)

    def times_s(self, video: VideoRecord) -> Tensor:
        """Return the times of the view."""
        return self.source.load(video).times_s


class _SampledFrames(Extractor):
    """A view of files as an extractor, so that the pipeline of features reads it."""

    dim, fingerprint, weights = 0, "", ""
    chooses_frames = leaps = parallel = True

    def __init__(self, name: str, view: FileView, device: torch.device) -> None:
        self.name, self._view, self.device = name, view, device

    def indices(self, info: VideoInfo) -> np.ndarray:
        return np.unique(self._view.indices(info))

    def describe(self, chunks: Iterator[np.ndarray], info: VideoInfo) -> tuple[Tensor, Tensor]:
        view = self._view.of_frames(chunks, info, self._view.indices(info))
        return view, self._view.mean_times_s(info)

    def notes(self, info: VideoInfo) -> tuple[str, ...]:
        read = len(self.indices(info))
        return (f"{self.name}: read {read:,} of {info.frames:,} frames",) * (read < info.frames)
