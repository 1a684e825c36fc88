"""Label files as the field publishes them, and the card of a release that reads them.

Three families are read, all by name of column and never by position of row:

- tables with a header, delimited by comma, semicolon or tab (official releases; the metadata tables
  of VIDEVAL and RAPIQUE);
- the header-less `file, duration, fps, mos` lines of FAST-VQA and DOVER, where -1 is "not known";
- MATLAB files up to version 7.2.

Decimal commas and byte-order marks are tolerated, because the releases contain them.
"""

import csv
import io
import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import scipy.io

from vqa.databases.records import Database, DatabaseError, VideoRecord, build_database, require_root

LOGGER = logging.getLogger(__name__)

Row = dict[str, str]

# What a published table calls the fields of a `VideoRecord`, in the normal form of `read_rows`.
MOS_COLUMNS = ("mos", "realignment_mos", "realignmentmos", "mosfull")
MOS_STD_COLUMNS = ("mos_std", "sd", "mos_sd", "std", "stdfull")
RATINGS_COLUMNS = ("ratings", "x_subjects")
FRAME_RATE_COLUMNS = ("frame_rate_hz", "framerate", "fps")
FRAMES_COLUMNS = ("frames", "nb_frames", "frame_number")
TEXT_COLUMNS = ("file", "duration", "fps", "mos")


@dataclass(frozen=True, slots=True)
class Release:
    """The card of a published database.

    Attributes:
        name: Identifier in lower case; the reader's file and YAML are called the same.
        videos: How many videos the release labels.
        mos_range: Its rating scale.
        labels: File names of label tables, in order of preference.
        hint: Where to get it.
        origin: Larger collection that its videos were taken from, where others draw on it too.
    """

    name: str
    videos: int
    mos_range: tuple[float, float]
    labels: tuple[str, ...]
    hint: str
    origin: str | None = None

    def open(self, root: str | Path | None, labels: str | Path | None) -> tuple[Path, Path]:
        """The database's folder and its label file.

        Raises:
            DatabaseError: One of them is not there.
        """
        folder = require_root(self.name, root, self.hint)
        return folder, find_labels(self.name, folder, labels, self.labels, self.hint)

    def close(
        self, videos: Iterable[VideoRecord], *, missing: str, listed: int | None = None
    ) -> Database:
        """The records as a database, in the order of their ids.

        A label table that is not the whole release is legitimate and said in the log.

        Args:
            videos: The records to keep.
            missing: `error` refuses absent files, `skip` goes on without them.
            listed: How many the label table lists, where options left some of them out.

        Raises:
            DatabaseError: Videos absent, or labels that make no sense.
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
    """The label file to read.

    Args:
        name: The database's identifier, for the error.
        root: The database's folder.
        labels: A path that was given; it alone is looked at. None: look for `candidates`.
        candidates: File names in order of preference, looked for in the root, in its direct
            subfolders, and in a folder `labels` beside the root.
        hint: Where to get the files, added to the error.

    Raises:
        DatabaseError: The file is not there.
    """
    if labels is not None:
        given = Path(labels).expanduser()
        if not given.is_file():
            raise DatabaseError(f"{name}: the label file {given} is not there; set data.labels")
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
    """`root/folder`, or the same one level deeper, or else the root itself (flat copies)."""
    nested = sorted(path / folder for path in root.iterdir() if path.is_dir())
    return next((path for path in (root / folder, *nested) if path.is_dir()), root)


def read_rows(path: Path, required: Iterable[Sequence[str]] = ()) -> list[Row]:
    """The rows of a delimited label table, keyed by column name.

    Column names come in a normal form: lower case, spaces as underscores. Rows without any entry
    are left out. Lines of the `file, duration, fps, mos` format get these names.

    Args:
        path: The table, UTF-8 with or without byte-order mark.
        required: For each column that must be there, the names it may have.

    Raises:
        DatabaseError: Not readable as UTF-8 text, no rows, a column absent or doubled, or a row
            with more entries than there are columns.
    """
    text = _read_text(path)
    delimiter = _delimiter(text)
    table = _split_lines(path, text, delimiter)
    if not table:
        raise DatabaseError(f"{path}: the label table is empty")
    if _is_text_format(table[0][1]):
        columns = list(TEXT_COLUMNS)
    else:
        columns = [name.lower().replace(" ", "_") for name in table.pop(0)[1]]
    _check_columns(path, columns, required)
    if not table:
        raise DatabaseError(f"{path}: the label table holds a header and no rows")
    rows = []
    for line, entries in table:
        if any(entries[len(columns) :]):
            raise DatabaseError(
                f"{path}, line {line}: {len(entries)} entries, expected {len(columns)} "
                f"({delimiter!r} between them); quote entries that contain the delimiter"
            )
        # A short row (a trailing delimiter left out) reads as empty entries.
        padded = entries + [""] * (len(columns) - len(entries))
        rows.append(dict(zip(columns, padded, strict=False)))
    return rows


def entry(row: Row, columns: Sequence[str]) -> str:
    """The row's entry in the first of these columns that is there; empty text where none is."""
    return next((row[column] for column in columns if column in row), "")


def parse_number(text: str, path: Path, what: str) -> float:
    """A number with decimal point or decimal comma; NaN for an empty entry.

    Raises:
        DatabaseError: The text is no number.
    """
    if not text:
        return math.nan
    try:
        return float(text.replace(",", ".") if text.count(",") == 1 else text)
    except ValueError:
        raise DatabaseError(f"{path}: {what} is {text!r}, expected a number") from None


def measures(row: Row, path: Path, name: str) -> dict[str, Any]:
    """The `VideoRecord` fields that a row states: MOS, its spread and ratings, size, rate, frames.

    Zero, negative, NaN and absent entries mean "not known" (None) everywhere but in the MOS.
    """

    def known(columns: Sequence[str], lowest: float) -> float | None:
        value = parse_number(entry(row, columns), path, f"{columns[0]} of {name}")
        return value if math.isfinite(value) and value >= lowest else None

    def count(columns: Sequence[str]) -> int | None:
        value = known(columns, lowest=1)
        return None if value is None else round(value)

    rate = known(FRAME_RATE_COLUMNS, lowest=0)
    return {
        "mos": parse_number(entry(row, MOS_COLUMNS), path, f"mos of {name}"),
        "mos_std": known(MOS_STD_COLUMNS, lowest=0),
        "ratings": count(RATINGS_COLUMNS),
        "width": count(("width",)),
        "height": count(("height",)),
        "frame_rate_hz": rate or None,
        "frames": count(FRAMES_COLUMNS),
    }


def read_mat(path: Path, variables: Sequence[str]) -> Mapping[str, Any]:
    """Variables of a MATLAB file, cells as arrays and structs as dicts.

    Raises:
        DatabaseError: Not a MATLAB file up to version 7.2, or a variable is absent.
    """
    try:
        content = scipy.io.loadmat(path, simplify_cells=True)
    # scipy raises NotImplementedError for v7.3, and many kinds of error for damaged files.
    except Exception as error:
        raise DatabaseError(
            f"{path}: not readable as a MATLAB file up to version 7.2 ({error}); "
            "fetch the release's own file again"
        ) from error
    absent = [variable for variable in variables if variable not in content]
    if absent:
        found = ", ".join(sorted(key for key in content if not key.startswith("__")))
        raise DatabaseError(f"{path}: no variable {', '.join(absent)}; found {found or 'nothing'}")
    return content


def _read_text(path: Path) -> str:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatabaseError(
            f"{path}: not UTF-8 text (byte {error.start}: {error.reason}); save it as UTF-8"
        ) from error
    if "\0" in text:
        raise DatabaseError(f"{path}: holds NUL characters, so it is not UTF-8; save it as UTF-8")
    return text


def _delimiter(text: str) -> str:
    """The most frequent of the three in the first line; comma where there is none."""
    first = text.lstrip().split("\n", 1)[0]
    return max(",;\t", key=first.count)


def _split_lines(path: Path, text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """Line number and stripped entries of every line that holds any."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        table = [(reader.line_num, [field.strip() for field in line]) for line in reader]
    except csv.Error as error:
        raise DatabaseError(f"{path}, line {reader.line_num}: not a table ({error})") from error
    return [(line, entries) for line, entries in table if any(entries)]


def _is_text_format(entries: Sequence[str]) -> bool:
    """Whether a first line is already a label: a name, then three numbers."""
    if len(entries) != len(TEXT_COLUMNS):
        return False
    try:
        for text in entries[1:]:
            float(text)
    except ValueError:
        return False
    return True


def _check_columns(path: Path, columns: Sequence[str], required: Iterable[Sequence[str]]) -> None:
    found = ", ".join(filter(None, columns)) or "none"
    absent = [names for names in required if not set(names) & set(columns)]
    if absent:
        expected = "; ".join(" or ".join(names) for names in absent)
        raise DatabaseError(f"{path}: expected columns {expected}; found {found}")
    doubled = sorted({name for name in columns if name and columns.count(name) > 1})
    if doubled:
        raise DatabaseError(f"{path}: columns {', '.join(doubled)} stand twice; found {found}")
