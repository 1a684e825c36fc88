"""Parts of a dataset of scores as bytes of Parquet, and the rows in them."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from vqa.commands.scoring.tables import TIMELINE, as_table, entry_of, schema

if TYPE_CHECKING:
    import pyarrow

JOB = b"vqa.job"  # key of a part's metadata


def part_of(entries: Iterable[Mapping[str, Any]], job: str) -> bytes:
    """Return scores as the bytes of a part."""
    return stored(as_table(entries), job)


def stored(table: "pyarrow.Table", job: str) -> bytes:
    """Return a table of scores as the bytes of a part, which names its job."""
    import pyarrow
    from pyarrow import parquet

    sink = pyarrow.BufferOutputStream()
    parquet.write_table(table.replace_schema_metadata({JOB: job}), sink, compression="zstd")
    return bytes(sink.getvalue().to_pybytes())


def table_of(content: bytes, job: str, *, timelines: bool = True) -> "pyarrow.Table | None":
    """Return the table in the bytes of a part; None if they are no part of this job.

    Args:
        content: The bytes.
        job: Hash of everything that shapes a score besides its video.
        timelines: Read the timelines, too.
    """
    import pyarrow
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(pyarrow.BufferReader(content))
        if (file.schema_arrow.metadata or {}).get(JOB) != job.encode():
            return None
        if file.schema_arrow.names != schema().names:
            return None
        names = [name for name in schema().names if timelines or name not in TIMELINE]
        return file.read(columns=names)
    except (pyarrow.ArrowException, OSError, ValueError):
        return None


def entry_at(table: "pyarrow.Table", row: int) -> dict[str, Any]:
    """Return the score in a row of a table; without timelines if the table has none."""
    (found,) = table.slice(row, 1).to_pylist()
    return entry_of(found)
