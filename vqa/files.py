"""Read and write small files: JSON, CSV, and bytes that are complete or absent."""

import csv
import io
import json
import math
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import numpy as np


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path that replaces `path` when the block ends without an error.

    A process that dies in between leaves the old file or none, never part of a file. The folder is
    created if it is absent.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_atomically(path: str | Path, data: bytes | str) -> Path:
    """Write bytes or UTF-8 text in one step; create the folder if it is absent."""
    with replacing(path) as temporary:
        temporary.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)
    return Path(path)


def write_json(path: str | Path, content: Any, indent: int = 2) -> Path:
    """Write JSON in one step; see `plain` for the values it accepts.

    Raises:
        TypeError: A value that JSON cannot hold; the old file stays.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> from vqa.files import read_json, write_json
        >>> with TemporaryDirectory() as folder:
        ...     path = write_json(f"{folder}/results.json", {"srocc": 0.87, "krocc": float("nan")})
        ...     read_json(path)
        {'srocc': 0.87, 'krocc': None}
    """
    text = json.dumps(plain(content), indent=indent, ensure_ascii=False, allow_nan=False)
    return write_atomically(path, text + "\n")


def read_json(path: str | Path) -> Any:
    """Return the content of a JSON file, or None if the file is absent.

    Raises:
        ValueError: The file is not JSON.
    """
    path = Path(path)
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: not JSON ({error}); was it edited or cut off?") from error


def plain(content: Any) -> Any:
    """Convert to JSON's own types: NumPy values to Python's, NaN and infinity to None."""
    if isinstance(content, Mapping):
        return {str(key): plain(value) for key, value in content.items()}
    if isinstance(content, np.ndarray):
        return plain(content.tolist())
    if isinstance(content, (list, tuple)):
        return [plain(value) for value in content]
    if isinstance(content, np.generic):
        return plain(content.item())
    if isinstance(content, Path):
        return str(content)
    if isinstance(content, float) and not math.isfinite(content):
        return None
    return content


def write_csv(path: str | Path, header: Sequence[str], rows: Iterable[Iterable[Any]]) -> Path:
    r"""Write a table as UTF-8 CSV in one step, row by row, with lines that end in `\n`."""
    with (
        replacing(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        _write_rows(file, header, rows)
    return Path(path)


def csv_text(header: Sequence[str], rows: Iterable[Iterable[Any]]) -> str:
    """Return the text that `write_csv` would write, for a table that is hashed before."""
    file = io.StringIO(newline="")
    _write_rows(file, header, rows)
    return file.getvalue()


def _write_rows(file: TextIO, header: Sequence[str], rows: Iterable[Iterable[Any]]) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
