"""Several databases as one, each with its MOS on its own scale.

Ids and contents get the source's name in front (`konvid/3339962845.mp4`), and the group is the
source. The MOS of different databases are not comparable as they stand: `vqa.databases.alignment` maps them
to the scale of one, fitted on the training part of each split.

Contents are kept apart by name, so a scene that stands in two databases under two names is not
seen: KoNViD-1k and LSVQ both draw on YFCC100M.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from vqa.databases.records import Database, DatabaseError


@dataclass(frozen=True, slots=True)
class CombinedDatabase(Database):
    """A database of databases; every record's `group` is the name of its source.

    Attributes:
        scales: The rating scale of each source; `mos_range` holds them all.
    """

    scales: Mapping[str, tuple[float, float]] = field(default_factory=dict)


def read(
    parts: Sequence[str], readers: Mapping[str, Callable[[], Database]], *, name: str = "combined"
) -> CombinedDatabase:
    """Read the chosen databases and combine them.

    Args:
        parts: Names of readers, in the order wanted.
        readers: How to read each database that can be chosen; only the chosen ones are called.
        name: Identifier of the whole in caches and reports.

    Raises:
        DatabaseError: A part has no reader, or what its reader or `combine` raises.
    """
    unknown = [part for part in parts if part not in readers]
    if unknown:
        raise DatabaseError(
            f"{name}: no reader for {', '.join(unknown)}; data.parts takes {', '.join(readers)}"
        )
    return combine([readers[part]() for part in parts], name)


def combine(databases: Sequence[Database], name: str = "combined") -> CombinedDatabase:
    """Databases as one.

    Args:
        databases: At least one, of different names.
        name: Identifier of the whole.

    Raises:
        DatabaseError: No database, or two of one name.
    """
    counts = Counter(database.name for database in databases)
    if not databases or len(counts) < len(databases):
        found = ", ".join(f"{count} x {part}" for part, count in counts.items()) or "none"
        raise DatabaseError(f"{name}: expected databases of different names, found {found}")
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
