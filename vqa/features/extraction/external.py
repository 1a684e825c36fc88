"""Features that were computed elsewhere: a matrix file in place of an extractor and its cache."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import torch

from vqa.databases.records import VideoRecord
from vqa.features.extraction.cache import Features
from vqa.features.extraction.feature_tables import read_features
from vqa.features.extraction.fill import Outcome


class ExternalFeatures:
    """One vector per video, from a `.csv` or `.mat` (`vqa.features.extraction.feature_tables`); found by id.

    Args:
        path: The file.
        ids: Names of its rows in order, for a `.mat` that has none.
        name: What it is called in the run.

    Attributes:
        weights: The file and its hash, for reports.

    Raises:
        ValueError: No path, or a file that cannot be used.
    """

    untrained = False

    def __init__(
        self, path: str | Path | None, ids: Sequence[str] | None = None, name: str = "external"
    ) -> None:
        if path is None:
            raise ValueError(
                "no feature matrix given; set features.external.path=<file.csv or .mat>"
            )
        self.path, self.name = Path(path).expanduser(), name
        self.table = read_features(self.path, ids)
        self.hash = hashlib.sha256(self.path.read_bytes()).hexdigest()
        self.weights = f"{self.path.name} sha256:{self.hash[:12]}"
        self._row = {video: row for row, video in enumerate(self.table.ids)}

    def fill(self, videos: Sequence[VideoRecord], progress: bool = True) -> Outcome:
        """Which of these videos the file knows; the others are failures."""
        outcome = Outcome()
        for video in videos:
            if video.id in self._row:
                outcome.reused.append(video.id)
            else:
                outcome.failures[video.id] = (
                    f"{self.path} has no row of this name; its names are like {self.table.ids[0]}"
                )
        return outcome

    def load(self, video_id: str) -> Features:
        """The features of a video, one row at time 0."""
        row = torch.from_numpy(self.table.features[self._row[video_id]])[None]
        return Features(row, torch.zeros(1, dtype=torch.float64), self.metadata(video_id))

    def seconds(self) -> dict[str, float]:
        """Nothing is known of what they cost."""
        return {}

    def metadata(self, video_id: str) -> dict[str, str]:
        """Facts of a video's file: none are known."""
        return {"reader": "", "frames": "0"}
