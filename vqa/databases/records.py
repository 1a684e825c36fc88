"""The label table: one `VideoRecord` per rated video, one `Database` per rated corpus.

Everything downstream (splits, features, reports) is keyed by `VideoRecord.id`, never by row number,
because published label files of the same database come in different orders.
"""

import logging
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from vqa.databases.listing import some

LOGGER = logging.getLogger(__name__)

MOST = 10
PARTS = ("train", "val", "test")


class DatabaseError(ValueError):
    """A database that cannot be used; the text says what was expected, found, and the remedy."""


@dataclass(frozen=True, slots=True)
class VideoRecord:
    """One rated video.

    Attributes:
        id: Name, unique in its database, with forward slashes, for instance `Test1/City/a.avi`.
        path: Where the file lies.
        mos: Mean opinion score on the database's own scale; higher is better.
        mos_std: Standard deviation of the opinions, where published.
        ratings: Number of opinions behind the MOS, where published.
        content: Source scene; videos that share it never stand on two sides of a split. None: the
            video is a content of its own.
        width: Displayed width in pixels, where the label table knows it (raw video needs it).
        height: Displayed height in pixels, likewise.
        frame_rate_hz: Frames per second, where the label table knows it.
        frames: Number of frames, where the label table knows it.
        split: Official part (`train`, `val`, `test`), where the release fixes one.
        group: Free label for per-group tables (distortion, category, resolution).
    """

    id: str
    path: Path
    mos: float
    mos_std: float | None = None
    ratings: int | None = None
    content: str | None = None
    width: int | None = None
    height: int | None = None
    frame_rate_hz: float | None = None
    frames: int | None = None
    split: str | None = None
    group: str | None = None

    @property
    def content_id(self) -> str:
        """What splits keep together: `content`, or the video itself where there is none."""
        return self.content if self.content is not None else self.id


@dataclass(frozen=True, slots=True)
class Database:
    """A rated corpus: its card and its videos in a stable order.

    Attributes:
        name: Identifier in lower case, for instance `konvid`.
        mos_range: Lowest and highest value of the rating scale as the release states it.
        videos: The records, ids unique.
        skipped: Ids that the label table lists and whose files are absent (`missing="skip"`).
        origin: Larger collection that the videos were taken from, where others draw on it too.
    """

    name: str
    mos_range: tuple[float, float]
    videos: tuple[VideoRecord, ...]
    skipped: tuple[str, ...] = ()
    origin: str | None = None

    def __len__(self) -> int:
        return len(self.videos)

    def select(self, ids: Iterable[str]) -> tuple[VideoRecord, ...]:
        """The records with these ids, in the order asked for.

        Raises:
            DatabaseError: An id is not in the database.
        """
        by_id = {video.id: video for video in self.videos}
        wanted = list(ids)
        unknown = [name for name in wanted if name not in by_id]
        if unknown:
            raise DatabaseError(
                f"{self.name}: {len(unknown)} ids are not in the database ({some(unknown, MOST)}); "
                "was the split made for another release?"
            )
        return tuple(by_id[name] for name in wanted)


def build_database(
    name: str,
    videos: Sequence[VideoRecord],
    mos_range: tuple[float, float],
    *,
    missing: str = "error",
    hint: str = "",
    origin: str | None = None,
) -> Database:
    """Check a label table against the disk and close it into a `Database`.

    Args:
        name: The database's identifier.
        videos: All labelled videos.
        mos_range: The database card's scale; every MOS must lie inside.
        missing: `error` refuses absent files, `skip` goes on without them, `keep` keeps them among
            the videos, for features that lie elsewhere, `list` also judges no MOS (for
            `vqa.commands.doctor`, which reports both).
        hint: Where to get the files, added to the error.
        origin: Larger collection that the videos were taken from, for instance YFCC100M.

    Raises:
        DatabaseError: Empty table, duplicate ids, ids that are no relative path, unknown parts, MOS
            not finite or out of range, a range that is none, absent files.
    """
    if missing not in ("error", "skip", "keep", "list"):
        raise DatabaseError(f"missing={missing!r} is not known; use missing=error, skip or keep")
    if not videos:
        raise DatabaseError(f"{name}: the label table holds no videos")
    _check_ids(name, [video.id for video in videos])
    parts = sorted({video.split for video in videos} - {None, *PARTS})
    if parts:
        raise DatabaseError(
            f"{name}: parts {some(parts, MOST)}; expected {', '.join(PARTS)} or none"
        )
    _check_mos(name, () if missing == "list" else videos, mos_range)
    sought = videos if missing in ("error", "skip") else ()
    absent = [video for video in sought if not video.path.is_file()]
    if absent and (missing == "error" or len(absent) == len(videos)):
        paths = some([str(video.path) for video in absent], MOST)
        remedy = (
            "data.missing=skip goes on without them"
            if len(absent) < len(videos)
            else "none of the labelled files is there: check data.root"
        )
        raise DatabaseError(
            f"{name}: {len(absent)} of {len(videos)} labelled videos are not on disk ({paths}); "
            + "; ".join(filter(None, [remedy, hint]))
        )
    gone = {video.id for video in absent}
    if gone:
        LOGGER.warning(
            "%s: going on without %d of %d labelled videos, which are not on disk",
            name,
            len(gone),
            len(videos),
        )
    kept = tuple(video for video in videos if video.id not in gone)
    low, high = mos_range
    return Database(name, (float(low), float(high)), kept, tuple(sorted(gone)), origin)


def require_root(name: str, root: str | Path | None, hint: str) -> Path:
    """The database's folder, or an error that says where it was looked for and how to get it.

    Raises:
        DatabaseError: No root was given, or it is not a folder.
    """
    if root is None:
        raise DatabaseError(f"{name}: no folder given; set data.root=/path/to/{name}. {hint}")
    path = Path(root).expanduser()
    if not path.is_dir():
        raise DatabaseError(f"{name}: {path} is not a folder; set data.root. {hint}")
    return path


def _check_ids(name: str, ids: Sequence[str]) -> None:
    """Ids must be unique, and safe as relative paths, because caches name files after them."""
    repeated = [key for key, count in Counter(ids).items() if count > 1]
    if repeated:
        raise DatabaseError(
            f"{name}: {len(repeated)} names stand more than once in the label table "
            f"({some(repeated, MOST)}); keep one row per video"
        )
    unsafe = [key for key in ids if not key or PurePosixPath(key).is_absolute() or _climbs(key)]
    if unsafe:
        raise DatabaseError(
            f"{name}: {len(unsafe)} names are no relative paths ({some(unsafe, MOST)}); expected "
            "for instance Test1/City/a.avi"
        )


def _climbs(key: str) -> bool:
    return ".." in PurePosixPath(key).parts or "\\" in key


def _check_mos(name: str, videos: Sequence[VideoRecord], mos_range: tuple[float, float]) -> None:
    low, high = mos_range
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise DatabaseError(
            f"{name}: the MOS range is [{low}, {high}]; expected two numbers, the lower one first"
        )
    bad = [
        f"{video.id}: {video.mos}"
        for video in videos
        if not (math.isfinite(video.mos) and low <= video.mos <= high)
    ]
    if bad:
        raise DatabaseError(
            f"{name}: {len(bad)} MOS values are not numbers inside [{low}, {high}] "
            f"({some(bad, MOST)}); correct the label table or its range"
        )
