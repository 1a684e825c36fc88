"""Several databases combined into one, each with its MOS on its own scale.

Ids and contents are prefixed with the name of their source (`konvid/3339962845.mp4`), and the group
is the source. MOS of different databases are not comparable: `vqa.databases.alignment` maps them to
the scale of one source, fitted on the training part of each split.

Contents are told apart by name, so a scene that two databases share under different names goes
unnoticed: KoNViD-1k and LSVQ both draw on YFCC100M.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from vqa.databases.records import Database, DatabaseError, VideoRecord


@dataclass(frozen=True, slots=True)
class CombinedDatabase(Database):
    """Several databases as one; the `group` of every record is the name of its source.

    Attributes:
        scales: Rating scale of each source; `mos_range` covers all of them.
    """

    scales: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def source(self, video: VideoRecord) -> str:
        """Return the name of the database that a video comes from: its group."""
        return video.group or self.name


def read(
    parts: Sequence[str], readers: Mapping[str, Callable[[], Database]], *, name: str = "combined"
) -> CombinedDatabase:
    """Read the chosen databases and combine them.

    Args:
        parts: Names of readers; the videos come in this order.
        readers: Reader of each available database; only the chosen ones are called.
        name: Identifier of the combined database in caches and reports.

    Raises:
        DatabaseError: A part has no reader, or its reader or `combine` fails.
    """
    unknown = [part for part in parts if part not in readers]
    if unknown:
        raise DatabaseError(
            f"{name}: no reader for {', '.join(unknown)}; data.parts takes {', '.join(readers)}"
        )
    return combine([_read_part(part, readers[part]) for part in parts], name)


def combine(databases: Sequence[Database], name: str = "combined") -> CombinedDatabase:
    """Combine databases into one.

    Args:
        databases: One or more databases with different names.
        name: Identifier of the combined database.

    Raises:
        DatabaseError: There is no database, or two have the same name.

    Examples:
        >>> from pathlib import Path
        >>> from vqa.databases.combined import combine
        >>> from vqa.databases.records import VideoRecord, build_database
        >>> video = VideoRecord("a.mp4", Path("a.mp4"), mos=3.5)
        >>> scales = {"konvid": (1, 5), "livevqc": (0, 100)}
        >>> parts = [build_database(name, [video], scales[name], missing="keep") for name in scales]
        >>> [video.id for video in combine(parts).videos]
        ['konvid/a.mp4', 'livevqc/a.mp4']
    """
    counts = Counter(database.name for database in databases)
    if not databases or len(counts) < len(databases):
        found = ", ".join(f"{count} x {part}" for part, count in counts.items()) or "none"
        raise DatabaseError(f"{name}: expected databases with different names, found {found}")
    lows, highs = zip(*(database.mos_range for database in databases), strict=True)
    origins = {database.origin for database in databases} - {None}
    return CombinedDatabase(
        name=name,
        mos_range=(min(lows), max(highs)),
        videos=tuple(
            replace(
                video,
                id=f"{database.name}/{video.id}",
                content=f"{database.name}/{video.content_id}",
                group=database.name,
            )
            for database in databases
            for video in database.videos
        ),
        skipped=tuple(f"{part.name}/{video}" for part in databases for video in part.skipped),
        origin=origins.pop() if len(origins) == 1 else None,
        scales={database.name: database.mos_range for database in databases},
    )


def _read_part(part: str, reader: Callable[[], Database]) -> Database:
    try:
        return reader()
    except DatabaseError as error:
        raise DatabaseError(
            f"{error}. For a part of data=combined, set the folder in data.roots and the other "
            f"options in data.read.readers.{part}"
        ) from error
