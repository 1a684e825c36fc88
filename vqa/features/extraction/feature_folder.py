"""Features over time that were computed elsewhere: a folder with one `.npy` file per video."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from vqa.databases.records import VideoRecord
from vqa.features.extraction.cache import Features
from vqa.features.extraction.feature_tables import FeatureTableError
from vqa.features.extraction.fill import Outcome
from vqa.files import folder_hash, user_path


class FeatureFolder:
    """Feature sequences (T, D), or single vectors (D,), in `<folder>/<video>.npy`.

    Frames are counted from 0 and have no times, so a timeline counts frames.

    Args:
        folder: The folder; a video's id may name a file in a folder below it, with or without the
            suffix of the video.
        name: Name of the features in the run.

    Attributes:
        weights: The folder and the hash of its files, for reports.

    Raises:
        ValueError: The folder holds no `.npy` file.
    """

    untrained = False
    fingerprint = ""
    families: tuple[str, ...] = ()

    def __init__(self, folder: str | Path, name: str = "external") -> None:
        self.name, self.folder = name, user_path(folder)
        self.weights = f"{self.folder.name}/*.npy sha256:{folder_hash(self.folder, '*.npy')[:12]}"

    def stream(self, videos: Iterable[VideoRecord]) -> Iterator[tuple[VideoRecord, str | None]]:
        """Yield each video; the cause of failure is None if its file can be used."""
        for video in videos:
            try:
                self.load(video)
            except FeatureTableError as error:
                yield video, str(error)
            else:
                yield video, None

    def fill(self, videos: Sequence[VideoRecord], progress: bool = True) -> Outcome:
        """Look the videos up in the folder; those without a usable file are failures."""
        outcome = Outcome()
        for video, cause in self.stream(videos):
            if cause is None:
                outcome.reused.append(video.id)
            else:
                outcome.failures[video.id] = cause
        return outcome

    def load(self, video: VideoRecord) -> Features:
        """Return the features of a video.

        Raises:
            FeatureTableError: It has no file, or something else than features is in it.
        """
        places = [self.folder / f"{name}.npy" for name in (video.id, Path(video.id).stem)]
        path = next((place for place in places if place.is_file()), None)
        if path is None:
            raise FeatureTableError(f"{places[0]} is absent: expected (T, D) features of the video")
        try:
            array = np.load(path, allow_pickle=False)
        except (ValueError, OSError, EOFError) as error:
            raise FeatureTableError(f"{path}: no features can be read ({error})") from error
        array = np.atleast_2d(array)
        if array.ndim != 2 or not array.size or array.dtype.kind != "f":
            raise FeatureTableError(
                f"{path}: expected floats (T, D), found {array.dtype} {array.shape}"
            )
        features = torch.from_numpy(array.astype(array.dtype.newbyteorder("=")))
        undefined = str(int((~torch.isfinite(features)).sum()))
        facts = {"reader": "", "frames": str(len(array)), "undefined": undefined}
        return Features(features, torch.arange(len(array), dtype=torch.float64), facts)

    def forget(self, video: VideoRecord) -> None:
        """Do nothing: files are read when they are asked for."""

    def seconds(self, videos: Sequence[VideoRecord]) -> list[float]:
        """Return no times, because the cost of the features is unknown."""
        return []

    def metadata(self, video: VideoRecord) -> dict[str, str]:
        """Return facts about a video's file, most of which are unknown."""
        return self.load(video).metadata
