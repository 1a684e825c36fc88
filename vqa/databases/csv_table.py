"""Any rated videos: a table with the columns `video,mos`, one row per video.

Optional columns: `mos_std`, `ratings` (number of opinions), `content` (source scene, kept on one
side of every split), `width` and `height` (needed for raw `.yuv`), `frame_rate_hz`, `split`
(`train`, `val` or `test`; read by the `official` protocol) and `group` (free label for per-group
tables). Others are ignored and named in a log line. The delimiter may be comma, semicolon or tab;
decimal commas and a byte-order mark are tolerated; empty entries mean "not known". Paths are
relative to the table's folder, or to `root`.
"""

import logging
import math
import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from vqa.databases.label_files import measures, read_rows
from vqa.databases.records import Database, DatabaseError, VideoRecord, build_database, require_root

LOGGER = logging.getLogger(__name__)

REQUIRED = ("video", "mos")
OPTIONAL = ("mos_std", "ratings", "content", "width", "height", "frame_rate_hz", "split", "group")
USUAL_SCALES = ((0.0, 1.0), (1.0, 5.0), (0.0, 5.0), (0.0, 10.0), (0.0, 100.0))


def read(
    labels: str | Path | None,
    root: str | Path | None = None,
    *,
    missing: str = "error",
    mos_range: Sequence[float] | None = None,
    name: str = "csv",
) -> Database:
    """Read a label table of one's own.

    Args:
        labels: The table.
        root: The folder that the paths in `video` start from; None: the table's folder.
        missing: `error` refuses absent videos, `skip` goes on without them.
        mos_range: Lowest and highest value of the rating scale. None: the tightest of the usual
            scales that contains every MOS. The extremes of the data are never taken, since they
            would tell a model about the test part.
        name: Identifier of the database in caches and reports.

    Raises:
        DatabaseError: Table, columns or videos absent, or labels that make no sense.
    """
    if labels is None:
        raise DatabaseError(f"{name}: no label table given; set data.labels=/path/to/table.csv")
    table = Path(labels).expanduser()
    if not table.is_file():
        raise DatabaseError(f"{name}: the label table {table} is not there; set data.labels")
    base = table.parent if root is None else require_root(name, root, "Paths start from there.")
    rows = read_rows(table, required=[(column,) for column in REQUIRED])
    ignored = sorted(set(rows[0]) - set(REQUIRED) - set(OPTIONAL) - {""})
    if ignored:
        LOGGER.info("%s: columns %s are not used", table, ", ".join(ignored))
    videos = [_record(row, base, table, set(OPTIONAL) & set(row)) for row in rows]
    scale = _usual_scale(table, videos) if mos_range is None else _given_scale(name, mos_range)
    return build_database(name, videos, scale, missing=missing)


def _record(row: dict[str, str], base: Path, table: Path, optional: set[str]) -> VideoRecord:
    video = row["video"].replace("\\", "/")
    if not video:
        raise DatabaseError(f"{table}: a row has no entry in `video`: {row}")
    path = base / video
    known = {column: row[column] for column in ("mos", *optional)}
    return VideoRecord(
        _id(path, base),
        path,
        content=row.get("content") or None,
        split=row.get("split", "").lower() or None,
        group=row.get("group") or None,
        **measures(known, table, video),
    )


def _id(path: Path, base: Path) -> str:
    """The path from the base, or the whole path without its root where it lies elsewhere."""
    absolute = Path(os.path.normpath(path.absolute()))
    start = Path(os.path.normpath(base.absolute()))
    if absolute.is_relative_to(start):
        return absolute.relative_to(start).as_posix()
    return str(PurePosixPath(*absolute.parts[1:]))


def _usual_scale(table: Path, videos: Sequence[VideoRecord]) -> tuple[float, float]:
    mos = [video.mos for video in videos if math.isfinite(video.mos)]
    if not mos:
        raise DatabaseError(f"{table}: no row has a MOS that is a number")
    for low, high in USUAL_SCALES:
        if low <= min(mos) and max(mos) <= high:
            LOGGER.warning(
                "%s: rating scale taken as [%g, %g]; data.mos_range says otherwise",
                table,
                low,
                high,
            )
            return low, high
    raise DatabaseError(
        f"{table}: MOS from {min(mos):g} to {max(mos):g} lie on none of the usual scales "
        f"{', '.join(f'[{low:g}, {high:g}]' for low, high in USUAL_SCALES)}; "
        "give the scale, for instance data.mos_range=[-1,1]"
    )


def _given_scale(name: str, mos_range: Sequence[float]) -> tuple[float, float]:
    try:
        low, high = (float(value) for value in mos_range)
    except (TypeError, ValueError):
        raise DatabaseError(
            f"{name}: mos_range is {mos_range!r}, expected two numbers, for instance [1,5]"
        ) from None
    return low, high
