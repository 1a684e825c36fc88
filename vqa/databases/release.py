"""The card of a published database, and where its files are on disk."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vqa.databases.records import Database, DatabaseError, VideoRecord, build_database, require_root
from vqa.files import user_path

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Release:
    """The card of a published database.

    Attributes:
        name: Identifier in lower case; also the name of the reader's module and YAML file.
        videos: Number of videos that the release labels.
        mos_range: Rating scale of the release.
        labels: File names of label tables, in order of preference.
        hint: Where to get the release; part of error messages.
        origin: Larger collection that the videos come from, if other databases use it too.
    """

    name: str
    videos: int
    mos_range: tuple[float, float]
    labels: tuple[str, ...]
    hint: str
    origin: str | None = None

    def open(self, root: str | Path | None, labels: str | Path | None) -> tuple[Path, Path]:
        """Find the database's folder and its label file.

        Args:
            root: The folder as the user gave it.
            labels: The label file as the user gave it; None looks for the known names.

        Raises:
            DatabaseError: The folder or the label file is absent.
        """
        folder = require_root(self.name, root, self.hint)
        return folder, find_labels(self.name, folder, labels, self.labels, self.hint)

    def close(
        self, videos: Iterable[VideoRecord], *, missing: str, listed: int | None = None
    ) -> Database:
        """Build the database from its records, in the order of their ids.

        A label table may hold fewer or more videos than the release; a warning says so.

        Args:
            videos: The records to keep.
            missing: `error` raises if files are absent, `skip` drops their videos.
            listed: Number of videos in the label table, if options excluded some of them.

        Raises:
            DatabaseError: Files are absent, or the labels are invalid.
        """
        records = sorted(videos, key=lambda video: video.id)
        found = len(records) if listed is None else listed
        if found != self.videos:
            LOGGER.warning(
                "%s: the label table lists %d videos, the release %d", self.name, found, self.videos
            )
        return build_database(
            self.name,
            records,
            self.mos_range,
            missing=missing,
            hint=self.hint,
            origin=self.origin,
        )


def find_labels(
    name: str, root: Path, labels: str | Path | None, candidates: Sequence[str], hint: str
) -> Path:
    """Find the label file of a database.

    Args:
        name: Identifier of the database, for error messages.
        root: Folder of the database.
        labels: The file to take. None looks for `candidates`.
        candidates: File names in order of preference. They are looked for in the root, in its
            direct subfolders, and in a folder `labels` next to the root.
        hint: Where to get the files; part of the error message.

    Raises:
        DatabaseError: The file does not exist.
    """
    if labels is not None:
        given = user_path(labels)
        if not given.is_file():
            raise DatabaseError(f"{name}: the label file {given} does not exist; set data.labels")
        return given
    root = root.resolve()
    subfolders = sorted(path for path in root.iterdir() if path.is_dir())
    places = [root, *subfolders, root.parent / "labels"]
    for candidate in candidates:
        for place in places:
            if (place / candidate).is_file():
                LOGGER.info("%s: labels from %s", name, place / candidate)
                return place / candidate
    raise DatabaseError(
        f"{name}: no label file; looked for {', '.join(candidates)} in {root}, its subfolders "
        f"and {root.parent / 'labels'}; set data.labels=/path/to/file. {hint}"
    )


def find_folder(root: Path, folder: str) -> Path:
    """Return `root/folder`, or that folder one level deeper, or else the root of a flat copy."""
    nested = sorted(path / folder for path in root.iterdir() if path.is_dir())
    return next((path for path in (root / folder, *nested) if path.is_dir()), root)
