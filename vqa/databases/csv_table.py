"""Your own rated videos: a table with the columns `video,mos`, one row per video.

Optional columns: `mos_std`, `ratings` (number of opinions), `content` (source scene; splits keep
its videos in one part), `width` and `height` (required for raw `.yuv`), `frame_rate_hz`,
`pixel_format` and `range` (`limited` or `full`) of raw video, `split` (`train`, `val` or `test`;
used by the `official` protocol) and `group` (free label for per-group tables). Other columns are
ignored, and the log names them. The delimiter may be a comma, semicolon or tab; decimal commas and
a byte-order mark are accepted; an empty entry means unknown. Paths are relative to `root`, or to
the table's folder.
"""

import logging
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from vqa.databases.label_files import measures, read_rows
from vqa.databases.listing import one_line, some
from vqa.databases.records import Database, DatabaseError, VideoRecord, build_database, require_root
from vqa.files import user_path
from vqa.video import RawFormat

LOGGER = logging.getLogger(__name__)

REQUIRED = ("video", "mos")
OPTIONAL = (
    "mos_std", "ratings", "content", "width", "height", "frame_rate_hz", "pixel_format", "range",
    "split", "group",
)  # fmt: skip
ENTRIES = ("mos", *OPTIONAL)
MEASURED = ("frame_rate_hz", "height", "mos_std", "ratings", "width")
USUAL_SCALES = ((0.0, 1.0), (1.0, 5.0), (0.0, 5.0), (0.0, 10.0), (0.0, 100.0))


def read(
    labels: str | Path | None,
    root: str | Path | None = None,
    *,
    missing: str = "error",
    mos_range: Sequence[float] | None = None,
    raw: Mapping[str, Any] | None = None,
    name: str = "csv",
) -> Database:
    """Read a label table that you wrote.

    Args:
        labels: The table.
        root: The folder that the paths in `video` are relative to; None takes the table's folder.
        missing: `error` raises if videos are absent, `skip` leaves them out.
        mos_range: Lowest and highest value of the rating scale. None takes the narrowest of the
            usual scales that contains every MOS. The extremes of the data are never used, because
            they would tell a model about the test part.
        raw: Format of raw video without such columns: `size` (WIDTHxHEIGHT), `pixel_format`,
            `range`, `frame_rate_hz`; None or an absent entry is unknown, see
            `vqa.video.RawFormat`.
        name: Identifier of the database in caches and reports.

    Raises:
        DatabaseError: Table, columns or videos are absent, or the labels are invalid.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> from vqa.databases import csv_table
        >>> from vqa.files import write_csv
        >>> with TemporaryDirectory() as folder:
        ...     labels = write_csv(f"{folder}/labels.csv", ["video", "mos"], [["a.mp4", 3.5]])
        ...     csv_table.read(labels, missing="keep", mos_range=(1, 5)).videos[0].mos
        3.5
    """
    if labels is None:
        raise DatabaseError(f"{name}: no label table given; set data.labels=/path/to/table.csv")
    table = user_path(labels)
    if not table.is_file():
        raise DatabaseError(f"{name}: the label table {table} does not exist; set data.labels")
    hint = "Paths in the table are relative to this folder."
    base = table.parent if root is None else require_root(name, root, hint)
    rows = read_rows(table, required=[(column,) for column in REQUIRED])
    ignored = sorted(set(rows[0]) - set(REQUIRED) - set(OPTIONAL) - {""})
    if ignored:
        LOGGER.info("%s: ignored the columns %s", table, some(ignored, most=20))
    defaults = _raw_defaults(name, raw or {})
    start = os.path.normpath(base.absolute()).rstrip(os.sep) + os.sep
    videos = [_record(row, base, start, table, defaults) for row in rows]
    scale = _usual_scale(table, videos) if mos_range is None else _given_scale(name, mos_range)
    return build_database(name, videos, scale, missing=missing)


def _raw_defaults(name: str, raw: Mapping[str, Any]) -> dict[str, str]:
    """Return entries for raw video, by column, for rows that have none.

    Raises:
        DatabaseError: There is no such format.
    """
    given = {key: raw.get(key) for key in ("pixel_format", "range", "frame_rate_hz")}
    try:
        known = RawFormat.parse(raw.get("size") or "1x1", *given.values())
    except (TypeError, ValueError) as error:
        raise DatabaseError(f"{name}: data.raw: {error}") from None
    if raw.get("size"):
        given |= {"width": known.width, "height": known.height}
    return {key: str(value) for key, value in given.items() if value is not None}


def _record(
    row: dict[str, str], base: Path, start: str, table: Path, raw_defaults: Mapping[str, str]
) -> VideoRecord:
    """Return a row as a record.

    Args:
        row: The row.
        base: The folder that paths are relative to.
        start: The same as an absolute path that ends with a separator.
        table: The table, for errors.
        raw_defaults: From `_raw_defaults`.
    """
    video = row["video"].replace("\\", "/")
    if not video:
        raise DatabaseError(
            f"{table}: a row has no entry in the column `video`: {some(list(row.values()))}"
        )
    path = base / video
    known = {column: row[column] for column in ENTRIES if column in row}
    raw = path.suffix.lower() == ".yuv"
    if raw:
        known |= {key: value for key, value in raw_defaults.items() if not known.get(key)}
    facts = measures(known, table, one_line(video))
    # In published tables, -1 and the like mean unknown; your own say so by an empty entry.
    for column in MEASURED:
        if known.get(column) and facts[column] is None:
            raise DatabaseError(
                f"{table}: {column} of {one_line(video)} is {one_line(known[column])!r}; expected "
                "a number above 0, or an empty entry if it is unknown"
            )
    record = VideoRecord(
        _id(path, start),
        path,
        content=known.get("content") or None,
        split=known.get("split", "").lower() or None,
        group=known.get("group") or None,
        pixel_format=known.get("pixel_format") or None,
        color_range=known.get("range", "").lower() or None,
        **facts,
    )
    try:
        _ = record.raw_format if raw else None  # raises if there is no such format
    except ValueError as error:
        raise DatabaseError(f"{table}: {one_line(video)}: {error}") from None
    return record


def _id(path: Path, start: str) -> str:
    """The path relative to the base, or the absolute path without its root if it is elsewhere."""
    absolute = os.path.abspath(path)  # noqa: PTH100 (Path.absolute keeps `..`)
    if (absolute + os.sep).startswith(start):
        return absolute[len(start) :] or "."
    return str(PurePosixPath(*Path(absolute).parts[1:]))


def _usual_scale(table: Path, videos: Sequence[VideoRecord]) -> tuple[float, float]:
    mos = [video.mos for video in videos if math.isfinite(video.mos)]
    if not mos:
        raise DatabaseError(f"{table}: no row has a numeric MOS")
    for low, high in USUAL_SCALES:
        if low <= min(mos) and max(mos) <= high:
            LOGGER.warning(
                "%s: assumed the rating scale [%g, %g]; set data.mos_range if it is another",
                table,
                low,
                high,
            )
            return low, high
    raise DatabaseError(
        f"{table}: MOS from {min(mos):g} to {max(mos):g} fit none of the usual scales "
        f"{', '.join(f'[{low:g}, {high:g}]' for low, high in USUAL_SCALES)}; "
        "set the scale, for example data.mos_range=[-1,1]"
    )


def _given_scale(name: str, mos_range: Sequence[float]) -> tuple[float, float]:
    try:
        low, high = (float(value) for value in mos_range)
    except (TypeError, ValueError):
        raise DatabaseError(
            f"{name}: mos_range={mos_range!r}: expected two numbers, for example [1,5]"
        ) from None
    return low, high
