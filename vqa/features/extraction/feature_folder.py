"""Features over time that were computed elsewhere: a folder with one `.npy` file per video."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch

from vqa.databases.records import VideoRecord
from vqa.features.extraction.cache import Features
from vqa.features.extraction.external import GivenFeatures
from vqa.features.extraction.feature_tables import FeatureTableError
from vqa.files import folder_hash, user_path


class FeatureFolder(GivenFeatures):
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
