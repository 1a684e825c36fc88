"""Rows of scores in the form of each output; none holds more than some rows in memory."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from vqa.commands.scoring.journal import Row
from vqa.commands.scoring.outputs import Output
from vqa.files import plain, replacing
from vqa.video import RawFormat

if TYPE_CHECKING:
    import pyarrow

COLUMNS = (
    *("video", "score", "frames", "reader", "weights", "error", "mos_low", "mos_high"),
    *("note", "timeline", "run", "raw", "interval_low", "interval_high", "percentile"),
    *("level", "source", "state", "scales"),
)
NUMBERS = (
    "score", "mos_low", "mos_high", "raw", "interval_low", "interval_high", "percentile", "level",
)  # fmt: skip
TIMELINE = ("times_s", "frame_quality")  # of a score, as lists
TIMELINE_COLUMNS = ("video", "time_s", "frame_quality")
BATCH_ROWS = 256  # of a Parquet file that are written together


def write(
    output: Output,
    rows: Iterable[Row],
    *,
    model: Mapping[str, Any],
    command: str,
    raw: RawFormat | None = None,
    quiet: bool = False,
) -> None:
    """Write an output in one step.

    Args:
        output: The file and its form.
        rows: The rows, in order.
        model: What every reader of the scores must know: `name`, `scale`, `opinions`, `level`,
            `notes` and `timeline`.
        command: What made the scores, for the page.
        raw: Format of headerless .yuv files, for the pictures of the page.
        quiet: Show no progress.
    """
    if output.form == "html":
        from vqa.reports.scoring.page import write_page

        entries = ({**row.entry, "path": row.path} for row in rows)
        write_page(output.path, entries, model=model, command=command, raw=raw, quiet=quiet)
        return
    with replacing(output.path) as temporary:
        if output.form == "parquet":
            _write_parquet(temporary, rows)
            return
        with temporary.open("wb") as file:
            match output.form:
                case "csv":
                    file.write(_csv([COLUMNS]))
                    file.writelines(_csv([cells(row.entry).values()]) for row in rows)
                case "timeline":
                    file.write(_csv([TIMELINE_COLUMNS]))
                    file.writelines(_csv(_moments(row.entry)) for row in rows)
                case "json":
                    _write_json(file, model["notes"], rows)
                case _:
                    file.writelines(json_line(row.entry).encode() + b"\n" for row in rows)


def json_line(entry: Mapping[str, Any], *, ascii_only: bool = False) -> str:
    """Return a score as one line of JSON."""
    return json.dumps(entry, ensure_ascii=ascii_only, allow_nan=False)


def cells(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return a score as the cells of a table, by `COLUMNS`."""
    mos_low, mos_high = entry["mos_range"] or (None, None)
    interval = entry["interval"] or (None, None)
    ends = {
        "mos_low": mos_low, "mos_high": mos_high,
        "interval_low": interval[0], "interval_high": interval[1],
    }  # fmt: skip
    scales = "; ".join(f"{name} {value:.6g}" for name, value in entry["scales"].items())
    values = {**entry, **ends, "scales": scales}
    return {name: values[name] for name in COLUMNS}


def _moments(entry: Mapping[str, Any]) -> Iterator[list[Any]]:
    for time_s, quality in zip(entry["times_s"], entry["frame_quality"], strict=True):
        yield [entry["video"], time_s, quality]


def _csv(rows: Iterable[Iterable[Any]]) -> bytes:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\n").writerows(rows)
    return file.getvalue().encode()


def _write_json(target: BinaryIO, notes: Iterable[str], rows: Iterable[Row]) -> None:
    """Write a document that holds the rows, one per line."""
    head = json.dumps(plain(list(notes)), ensure_ascii=False)
    target.write(b'{\n "notes": ' + head.encode() + b',\n "videos": [')
    for number, row in enumerate(rows):
        target.write((b"," if number else b"") + b"\n  " + json_line(row.entry).encode())
    target.write(b"\n ]\n}\n")


def _write_parquet(path: Path, rows: Iterable[Row]) -> None:
    """Write a table with the timelines as lists."""
    from pyarrow.parquet import ParquetWriter

    rows = iter(rows)
    with ParquetWriter(path, schema()) as writer:
        while batch := list(islice(rows, BATCH_ROWS)):
            writer.write_table(as_table(row.entry for row in batch))


def schema() -> "pyarrow.Schema":
    """Return the columns of scores as Parquet holds them, the timelines as lists."""
    import pyarrow

    kinds = {name: pyarrow.string() for name in COLUMNS}
    kinds |= dict.fromkeys(NUMBERS, pyarrow.float64()) | {"frames": pyarrow.int64()}
    lists = pyarrow.list_(pyarrow.float64())
    return pyarrow.schema((kinds | dict.fromkeys(TIMELINE, lists)).items())


def as_table(entries: Iterable[Mapping[str, Any]]) -> "pyarrow.Table":
    """Return scores as a table of the columns of `schema`."""
    import pyarrow

    return pyarrow.Table.from_pylist([flat(entry) for entry in entries], schema=schema())


def typed(table: "pyarrow.Table") -> "pyarrow.Table":
    """Return a table whose columns of `schema` have their types, also if all values are missing."""
    for field in schema():
        if (place := table.schema.get_field_index(field.name)) >= 0:
            table = table.set_column(place, field, table.column(place).cast(field.type))
    return table


def flat(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return a score as the cells of a table with its timeline."""
    return cells(entry) | {name: entry[name] for name in TIMELINE}


def entry_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the score whose `flat` form is a row; scores on further scales have six digits."""
    entry = dict(row)
    for pair in ("mos_range", "interval"):
        ends = [entry.pop(f"{pair.removesuffix('_range')}_{end}") for end in ("low", "high")]
        entry[pair] = None if None in ends else ends
    scales = (one.rpartition(" ") for one in filter(None, entry["scales"].split("; ")))
    entry["scales"] = {name: float(value) for name, _, value in scales}
    return entry
