"""Readers for the label files that the field publishes.

Values are always found by the name of their column, never by the position of a row. There are
three kinds of files:

- tables with a header, delimited by commas, semicolons or tabs (official releases; the metadata
  tables of VIDEVAL and RAPIQUE);
- the headerless lines `file, duration, fps, mos` of FAST-VQA and DOVER, where -1 means unknown;
- MATLAB files up to version 7.2.

Decimal commas and byte-order marks are accepted because the releases contain them.
"""

import csv
import io
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from sys import intern
from typing import Any

from vqa.databases.listing import one_line, some
from vqa.databases.records import DatabaseError
from vqa.files import decimal

Row = dict[str, str]

# Column names of published tables for the fields of a `VideoRecord`, as `read_rows` writes them.
MOS_COLUMNS = ("mos", "realignment_mos", "realignmentmos", "mosfull")
MOS_STD_COLUMNS = ("mos_std", "sd", "mos_sd", "std", "stdfull")
RATINGS_COLUMNS = ("ratings", "x_subjects")
FRAME_RATE_COLUMNS = ("frame_rate_hz", "framerate", "fps")
FRAMES_COLUMNS = ("frames", "nb_frames", "frame_number")
HEADERLESS_COLUMNS = ("file", "duration", "fps", "mos")
MOST_COUNTED, FASTEST_HZ = 10**9, 1000.0


@dataclass(frozen=True, slots=True)
class TextTable:
    """The lines of a delimited text file.

    Attributes:
        path: The file.
        delimiter: Comma, semicolon or tab.
        lines: Line number and entries of every line that has an entry; entries are stripped.
    """

    path: Path
    delimiter: str
    lines: list[tuple[int, list[str]]]

    def rows(self, columns: Sequence[str], first: int = 1) -> list[Row]:
        """Return the lines from number `first` on (counted from 0) as rows keyed by column.

        Raises:
            DatabaseError: Two columns share a name, or a line has more entries than columns.
        """
        repeated = sorted({name for name in columns if name and list(columns).count(name) > 1})
        if repeated:
            raise DatabaseError(
                f"{self.path}: columns {some(repeated)} appear twice; found {_listed(columns)}"
            )
        rows = []
        # Nothing may stand below the empty names that delimiters at the end of a header make.
        named = len(columns)
        while named and not columns[named - 1]:
            named -= 1
        for number, entries in self.lines[first:]:
            if any(entries[named:]):
                raise DatabaseError(
                    f"{self.path}, line {number}: {len(entries)} entries, expected {named} "
                    f"({self.delimiter!r} between them); quote entries that contain the delimiter"
                )
            # Without its last delimiters, a line is short; its last entries are empty.
            padded = entries + [""] * (len(columns) - len(entries))
            rows.append(dict(zip(columns, padded, strict=False)))
        return rows


def read_text(path: Path) -> str:
    """Read a text file in UTF-8, with or without a byte-order mark.

    Raises:
        DatabaseError: The file is not UTF-8 text.
        OSError: The file cannot be opened.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatabaseError(
            f"{path}: not UTF-8 text (byte {error.start}: {error.reason}); save it as UTF-8"
        ) from error
    if "\0" in text:
        raise DatabaseError(
            f"{path}: contains NUL characters, so it is not UTF-8; save it as UTF-8"
        )
    return text


def read_text_table(path: Path) -> TextTable:
    """Read a delimited text file in UTF-8, with or without a byte-order mark.

    The delimiter is the most frequent of comma, semicolon and tab in the first line.

    Raises:
        DatabaseError: The file is not UTF-8 text, or its quotes are unbalanced.
        OSError: The file cannot be opened.
    """
    text = read_text(path)
    delimiter = max(",;\t", key=re.split("[\r\n]", text.lstrip(), maxsplit=1)[0].count)
    # Strict: a quote that is not closed would swallow the rows below it.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        # Interned, because sizes, contents and numbers of ratings are the same few texts.
        lines = [(reader.line_num, [intern(entry.strip()) for entry in line]) for line in reader]
    except csv.Error as error:
        raise DatabaseError(f"{path}, line {reader.line_num}: not a table ({error})") from error
    return TextTable(path, delimiter, [line for line in lines if any(line[1])])


def read_rows(path: Path, required: Iterable[Sequence[str]] = ()) -> list[Row]:
    """Read the rows of a label table, keyed by column name.

    Column names are normalised: lower case, underscores for spaces. Lines without a header get the
    names `file`, `duration`, `fps` and `mos`. Empty rows are skipped.

    Args:
        path: The table.
        required: For each required column, the names that it may have.

    Raises:
        DatabaseError: The file is not UTF-8 text or has no rows, a column is absent or appears
            twice, or a row has more entries than there are columns.
    """
    table = read_text_table(path)
    if not table.lines:
        raise DatabaseError(f"{path}: the label table is empty")
    header = table.lines[0][1]
    headerless = _is_headerless(header)
    columns = [name.lower().replace(" ", "_") for name in header]
    if headerless:
        columns = list(HEADERLESS_COLUMNS)
    absent = [names for names in required if not set(names) & set(columns)]
    if absent:
        expected = "; ".join(" or ".join(names) for names in absent)
        raise DatabaseError(f"{path}: expected columns {expected}; found {_listed(columns)}")
    rows = table.rows(columns, first=0 if headerless else 1)
    if not rows:
        raise DatabaseError(f"{path}: the label table has a header and no rows")
    return rows


def entry(row: Row, columns: Sequence[str]) -> str:
    """Return the row's entry in the first of these columns that exists, else an empty text."""
    for column in columns:
        if column in row:
            return row[column]
    return ""


def parse_number(text: str, path: Path, what: str) -> float:
    """Parse a number with a decimal point or comma; an empty text and `NaN` are NaN.

    Args:
        text: The entry.
        path: The file that it comes from, for the error message.
        what: What the number means, for the error message.

    Raises:
        DatabaseError: The text is not a finite number.
    """
    try:
        return _number(text)
    except ValueError:
        raise DatabaseError(f"{path}: {what} is {one_line(text)!r}, expected a number") from None


def measures(row: Row, path: Path, name: str) -> dict[str, Any]:
    """Return the numeric `VideoRecord` fields of a row: MOS, its spread, ratings, size, rate.

    In every field but the MOS, a zero, negative, NaN, absent or absurdly large entry means unknown
    (None).

    Args:
        row: The row.
        path: The file that it comes from, for error messages.
        name: Name of the video, for error messages.

    Raises:
        DatabaseError: An entry is not a number, or a count is not a whole one.
    """

    def number(columns: Sequence[str]) -> float:
        text = entry(row, columns)
        try:
            return _number(text)
        except ValueError:  # again, for its message, which only an error needs
            return parse_number(text, path, f"{columns[0]} of {name}")

    def known(columns: Sequence[str], lowest: float, highest: float) -> float | None:
        value = number(columns)
        return value if lowest <= value <= highest else None

    def count(columns: Sequence[str]) -> int | None:
        value = known(columns, lowest=1, highest=MOST_COUNTED)
        if value is not None and not value.is_integer():
            raise DatabaseError(
                f"{path}: {columns[0]} of {name} is {value:g}, expected a whole number"
            )
        return None if value is None else int(value)

    rate = known(FRAME_RATE_COLUMNS, lowest=0, highest=FASTEST_HZ)
    return {
        "mos": number(MOS_COLUMNS),
        "mos_std": known(MOS_STD_COLUMNS, lowest=0, highest=math.inf),
        "ratings": count(RATINGS_COLUMNS),
        "width": count(("width",)),
        "height": count(("height",)),
        "frame_rate_hz": rate or None,
        "frames": count(FRAMES_COLUMNS),
    }


def read_mat(path: Path, variables: Sequence[str]) -> Mapping[str, Any]:
    """Read a MATLAB file; cells become arrays and structs become dicts.

    Args:
        path: The file.
        variables: Names of the variables that it must have.

    Raises:
        DatabaseError: The file is not a MATLAB file up to version 7.2, or a variable is absent.
    """
    import scipy.io  # here, because most databases need no MATLAB file and the import is slow

    try:
        content = scipy.io.loadmat(path, simplify_cells=True)
    # scipy raises NotImplementedError for version 7.3, and many kinds of error for damaged files.
    except Exception as error:
        raise DatabaseError(
            f"{path}: not readable as a MATLAB file up to version 7.2 ({error}); "
            "download the release's own file again"
        ) from error
    absent = [variable for variable in variables if variable not in content]
    if absent:
        found = ", ".join(sorted(key for key in content if not key.startswith("__")))
        raise DatabaseError(f"{path}: no variable {', '.join(absent)}; found {found or 'nothing'}")
    return content


# Columns such as sizes and rates repeat a few texts.
@lru_cache(maxsize=2**12)
def _number(text: str) -> float:
    """Return a number, NaN for an empty text and `NaN`.

    Raises:
        ValueError: The text is something else.
    """
    return math.nan if text.lower() in ("", "nan") else decimal(text)


def _is_headerless(entries: Sequence[str]) -> bool:
    """Return whether a first line is already a label: a name, then three numbers."""
    if len(entries) != len(HEADERLESS_COLUMNS):
        return False
    try:
        for text in entries[1:]:
            decimal(text)
    except ValueError:
        return False
    return True


def _listed(columns: Sequence[str]) -> str:
    return some(list(filter(None, columns)), most=20) or "none"
