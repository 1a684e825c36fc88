"""Rated videos: one `VideoRecord` per video, one `Database` per rated corpus.

Splits, features and reports use `VideoRecord.id` as the key, never a row number, because published
label files of one database list its videos in different orders.
"""

import logging
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vqa.databases.listing import some
from vqa.files import user_path
from vqa.video import RawFormat

LOGGER = logging.getLogger(__name__)

MOST = 10  # names that an error message lists
PARTS = ("train", "val", "test")


class DatabaseError(ValueError):
    """A database that cannot be used; the message says what is wrong and how to fix it."""


@dataclass(frozen=True, slots=True)
class VideoRecord:
    """One rated video.

    Attributes:
        id: Name, unique in the database, with forward slashes, for example `Test1/City/a.avi`.
        path: Location of the file.
        mos: Mean opinion score on the database's own scale; higher is better.
        mos_std: Standard deviation of the opinions, if published.
        ratings: Number of opinions behind the MOS, if published.
        content: Source scene. Splits keep the videos of a content in one part. None means that the
            video shares its scene with no other.
        width: Displayed width in pixels, if the label table gives it; raw video needs it.
        height: Displayed height in pixels, if the label table gives it; raw video needs it.
        frame_rate_hz: Frames per second, if the label table gives it.
        pixel_format: Format of raw video, FFmpeg's name, if it is known.
        color_range: Range of raw video, `limited` or `full`, if it is known.
        frames: Number of frames, if the label table gives it.
        split: Official part (`train`, `val` or `test`), if the release defines one.
        group: Free label for per-group tables, such as distortion, category or resolution.
        state: For a copy of a file elsewhere: what its store says of this version.
        fault: Why there is no file to open; empty if that is not known before.

    Examples:
        >>> from pathlib import Path
        >>> from vqa.databases.records import VideoRecord
        >>> video = VideoRecord("City/a.yuv", Path("a.yuv"), mos=63.5, width=1920, height=1080)
        >>> video.content_id  # no content is given, so the video is a content by itself
        'City/a.yuv'
        >>> str(video.raw_format)
        '1920x1080 yuv420p, limited range, 30 frames per second'
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
    pixel_format: str | None = None
    color_range: str | None = None
    frames: int | None = None
    split: str | None = None
    group: str | None = None
    state: str = ""
    fault: str = ""

    @property
    def content_id(self) -> str:
        """The key that splits group by: `content`, or the id of a video without a content."""
        return self.content if self.content is not None else self.id

    @property
    def raw_format(self) -> RawFormat | None:
        """The format of a headerless `.yuv` of known size; None for every other file.

        `RawFormat` says what it assumes if the label table does not give everything.

        Raises:
            ValueError: There is no such format.
        """
        if self.path.suffix.lower() != ".yuv" or not (self.width and self.height):
            return None
        return RawFormat(
            self.width, self.height, self.pixel_format, self.color_range, self.frame_rate_hz
        )


@dataclass(frozen=True, slots=True)
class Database:
    """A rated corpus: its name, its rating scale, and its videos in a stable order.

    Attributes:
        name: Identifier in lower case, for example `konvid`.
        mos_range: Lowest and highest value of the rating scale, as the release states it.
        videos: The records, with unique ids.
        skipped: Ids of labelled videos whose files are absent (`missing="skip"`).
        origin: Larger collection that the videos come from, if other databases use it too.
    """

    name: str
    mos_range: tuple[float, float]
    videos: tuple[VideoRecord, ...]
    skipped: tuple[str, ...] = ()
    origin: str | None = None

    def __len__(self) -> int:
        return len(self.videos)

    def source(self, video: VideoRecord) -> str:
        """Return the name of the database that a video comes from: this one."""
        return self.name

    def select(self, ids: Iterable[str]) -> tuple[VideoRecord, ...]:
        """Return the records with these ids, in the order of `ids`.

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
    """Build a `Database` after checking the label table and the files on disk.

    Args:
        name: Identifier of the database.
        videos: All labelled videos.
        mos_range: Rating scale of the database; every MOS must lie inside it.
        missing: `error` raises if files are absent. `skip` drops their videos. `keep` keeps their
            videos, for features that were computed elsewhere. `list` also accepts any MOS, for
            `vqa.commands.doctor`, which reports both faults itself.
        hint: Where to get the files; part of the error message.
        origin: Larger collection that the videos come from, for example YFCC100M.

    Raises:
        DatabaseError: The table is empty, ids are repeated or not relative paths, parts are
            unknown, MOS are not finite or out of range, the range is invalid, or files are absent.

    Examples:
        >>> from pathlib import Path
        >>> from vqa.databases.records import VideoRecord, build_database
        >>> videos = [VideoRecord(name, Path(name), mos=3.5) for name in ("a.mp4", "b.mp4")]
        >>> database = build_database("mine", videos, mos_range=(1, 5), missing="keep")
        >>> len(database), database.mos_range
        (2, (1.0, 5.0))
    """
    if missing not in ("error", "skip", "keep", "list"):
        raise DatabaseError(f"missing={missing!r}: expected error, skip or keep")
    if not videos:
        raise DatabaseError(f"{name}: the label table contains no videos")
    _check_ids(name, [video.id for video in videos])
    parts = sorted({video.split for video in videos} - {None, *PARTS})
    if parts:
        raise DatabaseError(
            f"{name}: unknown parts {some(parts, MOST)}; expected {', '.join(PARTS)} or no part"
        )
    _check_mos(name, () if missing == "list" else videos, mos_range)
    required = videos if missing in ("error", "skip") else ()
    absent = [video for video in required if not video.path.is_file()]
    if absent and (missing == "error" or len(absent) == len(videos)):
        paths = some([str(video.path) for video in absent], MOST)
        remedy = (
            "data.missing=skip leaves them out"
            if len(absent) < len(videos)
            else "none of the labelled files exists: check data.root"
        )
        raise DatabaseError(
            f"{name}: {len(absent)} of {len(videos)} labelled videos are not on disk ({paths}); "
            + "; ".join(filter(None, [remedy, hint]))
        )
    skipped = {video.id for video in absent}
    if skipped:
        LOGGER.warning(
            "%s: skipped %d of %d labelled videos, which are not on disk",
            name,
            len(skipped),
            len(videos),
        )
    kept = tuple(video for video in videos if video.id not in skipped)
    low, high = mos_range
    return Database(name, (float(low), float(high)), kept, tuple(sorted(skipped)), origin)


def require_root(name: str, root: str | Path | None, hint: str) -> Path:
    """Return the folder of a database.

    Args:
        name: Identifier of the database.
        root: The folder as the user gave it; `~` is expanded.
        hint: Where to get the files; part of the error message.

    Raises:
        DatabaseError: No root is given, or it is not a folder.
    """
    if root is None:
        raise DatabaseError(f"{name}: no folder given; set data.root=/path/to/{name}. {hint}")
    path = user_path(root)
    if not path.is_dir():
        raise DatabaseError(f"{name}: {path} is not a folder; set data.root. {hint}")
    return path


def _check_ids(name: str, ids: Sequence[str]) -> None:
    """Refuse ids that are repeated, or unsafe as relative paths: caches name files after them."""
    repeated = [key for key, count in Counter(ids).items() if count > 1]
    if repeated:
        raise DatabaseError(
            f"{name}: {len(repeated)} names appear more than once in the label table "
            f"({some(repeated, MOST)}); keep one row per video"
        )
    unsafe = [key for key in ids if not _is_inside(key)]
    if unsafe:
        raise DatabaseError(
            f"{name}: {len(unsafe)} names are not relative paths ({some(unsafe, MOST)}); expected "
            "names such as Test1/City/a.avi"
        )


def _is_inside(key: str) -> bool:
    """Return whether a name is a relative path that stays below its folder."""
    parts = [part for part in key.split("/") if part not in ("", ".")]
    return bool(parts) and key[0] != "/" and ".." not in parts and "\\" not in key


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
