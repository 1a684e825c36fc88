"""Splits in a table: long (`split,video,part`) or wide (`video` and one column per split)."""

from collections.abc import Sequence
from pathlib import Path

from vqa.databases.label_files import Row, read_text_table
from vqa.databases.records import PARTS, DatabaseError
from vqa.protocols.grouping import GROUPINGS, in_order
from vqa.protocols.splits import Split, SplitError

LABELS = (*GROUPINGS, "official")  # values of `Split.group_by`


def read_table(path: Path, group_by: str = "content") -> list[Split]:
    """Read a split table; ids stay as written.

    A long table may have the columns `group_by` and `seed`, as `write_splits_csv` writes them. In a
    wide table, an empty cell means that the video is not in that split.

    Args:
        path: A delimited text file in UTF-8 with a header.
        group_by: Value for the splits if the table has no such column.

    Raises:
        SplitError: The file is absent, is not a split table, or has parts other than train, val
            and test.
    """
    columns, rows = _read(path)
    if "video" not in columns or len(columns) < 2:
        raise SplitError(
            f"{path}: found the columns {', '.join(columns)}; expected split,video,part, or "
            "video and one column per split"
        )
    if not {"split", "part"} <= set(columns):
        rows = [
            {"split": name, "video": row["video"], "part": row[name]}
            for name in columns
            if name != "video"
            for row in rows
            if row[name]
        ]
    if not rows:
        raise SplitError(f"{path}: the split table is empty")
    by_split: dict[str, list[Row]] = {}
    for row in rows:
        by_split.setdefault(row["split"], []).append(row | {"part": row["part"].lower()})
    _check_parts(path, by_split)
    return [_split(path, name, own, group_by) for name, own in by_split.items()]


def _read(path: Path) -> tuple[list[str], list[Row]]:
    """Read the column names and the rows."""
    try:
        table = read_text_table(path)
        columns = table.lines[0][1] if table.lines else []
        rows = table.rows(columns)
    except OSError as error:
        raise SplitError(f"{path}: the split table cannot be opened ({error.strerror})") from error
    except DatabaseError as error:
        raise SplitError(str(error)) from error
    if not columns:
        raise SplitError(f"{path}: the split table is empty")
    return columns, rows


def _check_parts(path: Path, by_split: dict[str, list[Row]]) -> None:
    wrong = [row for rows in by_split.values() for row in rows if row["part"] not in PARTS]
    if wrong:
        raise SplitError(
            f"{path}: {len(wrong)} entries are not parts, for example {wrong[0]['part']!r} in "
            f"split {wrong[0]['split']!r}; expected {', '.join(PARTS)}"
        )


def _split(path: Path, name: str, rows: Sequence[Row], group_by: str) -> Split:
    parts = {part: in_order(row["video"] for row in rows if row["part"] == part) for part in PARTS}
    group_by = rows[0].get("group_by", group_by)
    seed = rows[0].get("seed", "0")
    if group_by not in LABELS or not seed.isdecimal():
        raise SplitError(
            f"{path}: split {name!r} has group_by {group_by!r} and seed {seed!r}; expected "
            f"{', '.join(LABELS)} and a whole number"
        )
    try:
        return Split(name, **parts, group_by=group_by, seed=int(seed))
    except SplitError as error:
        raise SplitError(f"{path}: {error}") from error
