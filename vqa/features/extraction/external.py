"""Features that were computed elsewhere: matrix files in place of an extractor and its cache."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import torch

from vqa.databases.records import Database, VideoRecord
from vqa.features.extraction.cache import Features
from vqa.features.extraction.feature_tables import read_features
from vqa.features.extraction.fill import Outcome
from vqa.files import content_hash, user_path


class GivenFeatures:
    """A source of features that were computed elsewhere; a subclass says what it can load.

    Attributes:
        name: Name of the features in the run.
        weights: The files and their hashes, for reports.
    """

    name: str
    weights: str
    untrained = False
    fingerprint = ""
    families: tuple[str, ...] = ()
    cache_root = None

    def identity(self, video: VideoRecord) -> str:
        """Say which features of which video these are."""
        return f"{self.weights}/{video.id}"

    def stream(self, videos: Iterable[VideoRecord]) -> Iterator[tuple[VideoRecord, str | None]]:
        """Yield each video; the cause of failure is None if its features can be loaded."""
        raise NotImplementedError

    def load(self, video: VideoRecord) -> Features:
        """Return the features of a video."""
        raise NotImplementedError

    def fill(self, videos: Sequence[VideoRecord], progress: bool = True) -> Outcome:
        """Look the videos up; those without features are failures."""
        outcome = Outcome()
        for video, cause in self.stream(videos):
            if cause is None:
                outcome.reused.append(video.id)
            else:
                outcome.failures[video.id] = cause
        return outcome

    def forget(self, video: VideoRecord) -> None:
        """Do nothing: nothing is remembered of a single video."""

    def seconds(self, videos: Sequence[VideoRecord]) -> list[float]:
        """Return no times, because the cost of the features is unknown."""
        return []

    def metadata(self, video: VideoRecord) -> dict[str, str]:
        """Return facts about a video's file, most of which are unknown."""
        return self.load(video).metadata


class ExternalFeatures(GivenFeatures):
    """One feature vector per video from `.csv`, `.npy` or `.mat` files, found by id.

    See `vqa.features.extraction.feature_tables` for the layout of the files.

    Args:
        path: The file, or several, whose rows follow each other.
        ids: Names of the rows in order, for files without names.
        name: Name of the features in the run.

    Attributes:
        weights: The files and their hashes, for reports.

    Raises:
        ValueError: No path, or a file that cannot be used.
    """

    def __init__(
        self,
        path: str | Path | Sequence[str | Path] | None,
        ids: Sequence[str] | None = None,
        name: str = "external",
    ) -> None:
        if path is None:
            raise ValueError(
                "no feature matrix given; set features.external.path=<file.csv, .npy or .mat>"
            )
        self.name = name
        self.paths = [user_path(one) for one in ([path] if isinstance(path, str | Path) else path)]
        self.table = read_features(self.paths, ids)
        self.weights = ", ".join(
            f"{one.name} sha256:{content_hash(one)[:12]}" for one in self.paths
        )

    @classmethod
    def of_database(
        cls,
        path: str | Path | Sequence[str | Path] | None,
        rows: str,
        database: Database | None,
    ) -> "ExternalFeatures":
        """Read files whose rows have names, or are those of a database's label table.

        Args:
            path: The file, or several, whose rows follow each other.
            rows: `named`, or `database`: one row per label, in the order of the label table.
            database: Required for `database`.

        Raises:
            ValueError: An unknown `rows`, or a database without all its videos.
        """
        if rows not in ("named", "database"):
            raise ValueError(f"features.external.rows={rows!r}: expected named or database")
        if rows == "named":
            return cls(path)
        if database is None or database.skipped:
            raise ValueError(
                "features.external.rows=database needs a database with all its videos; set "
                "data.missing=keep"
            )
        return cls(path, [video.id for video in database.videos])

    def stream(self, videos: Iterable[VideoRecord]) -> Iterator[tuple[VideoRecord, str | None]]:
        """Yield each video; the cause of failure is None if the file has a row for it."""
        for video in videos:
            files = ", ".join(map(str, self.paths))
            cause = f"{files} has no row of this name; its names are like {self.table.ids[0]}"
            yield video, None if video.id in self.table.rows else cause

    def load(self, video: VideoRecord) -> Features:
        """Return the features of a video, one row at time 0.

        Raises:
            FeatureTableError: The file has no row for it.
        """
        row = torch.from_numpy(self.table.select([video.id]))
        facts = {"reader": "", "frames": "0", "undefined": str(int((~torch.isfinite(row)).sum()))}
        return Features(row, torch.zeros(1, dtype=torch.float64), facts)
