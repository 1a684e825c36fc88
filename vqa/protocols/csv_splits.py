"""Splits in a table, long (`split,video,part`) or wide (`video` and one column a split)."""

from pathlib import Path

import pandas as pd

from vqa.protocols.splits import PARTS, Split, SplitError

LABELS = ("content", "video", "official")  # what `Split.group_by` may say


def read_table(path: Path, group_by: str = "content") -> list[Split]:
    """Read a split table; ids as it writes them.

    A long table may also have `group_by` and `seed`, as `write_splits_csv` writes them. In a wide
    one an empty cell leaves the video out of that split.

    Args:
        path: A comma-separated file in UTF-8 with a header.
        group_by: Written into the splits where the table does not say.

    Raises:
        SplitError: No such file, no such table, or parts other than train, val and test.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise SplitError(f"{path}: no split table ({error})") from error
    table = table.rename(columns=str.strip).apply(lambda column: column.str.strip())
    long = {"split", "part"} <= set(table.columns)
    if "video" not in table or len(table.columns) < 2:
        raise SplitError(
            f"{path}: found the columns {', '.join(table.columns)}; expected split,video,part, or "
            "video and one column per split"
        )
    if not long:
        table = table.melt("video", var_name="split", value_name="part")
        table = table[table["part"] != ""]
    table["part"] = table["part"].str.lower()
    strange = table.loc[~table["part"].isin(PARTS), "part"]
    if len(strange):
        raise SplitError(
            f"{path}: {len(strange)} entries are no part, for instance {strange.iloc[0]!r} in "
            f"split {table.loc[strange.index[0], 'split']!r}; expected {', '.join(PARTS)}"
        )
    if table.empty:
        raise SplitError(f"{path}: the split table is empty")
    return [
        _split(path, str(name), rows, group_by) for name, rows in table.groupby("split", sort=False)
    ]


def _split(path: Path, name: str, rows: pd.DataFrame, group_by: str) -> Split:
    parts = (tuple(sorted(rows.loc[rows["part"] == part, "video"])) for part in PARTS)
    group_by = rows["group_by"].iloc[0] if "group_by" in rows else group_by
    seed = rows["seed"].iloc[0] if "seed" in rows else "0"
    if group_by not in LABELS or not seed.isdecimal():
        raise SplitError(
            f"{path}: split {name!r} has group_by {group_by!r} and seed {seed!r}; expected "
            f"{', '.join(LABELS)} and a whole number"
        )
    try:
        return Split(name, *parts, group_by, int(seed))
    except SplitError as error:
        raise SplitError(f"{path}: {error}") from error
