"""Files: paths and numbers as users write them, hashes, JSON and CSV complete or absent."""

import csv
import io
import json
import math
import os
import re
import shutil
import stat
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TextIO

LONGEST_NAME_BYTES = 120  # of 255 that file systems allow: hashes and suffixes are appended


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path that replaces `path` when the block ends without an error.

    A process that dies in between leaves the old file or none, never part of a file, and neither
    does a machine that loses power. The folder is created if it is absent.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not named after `path`, whose name may already have the greatest length.
    temporary = path.with_name(f".{os.urandom(16).hex()}.tmp")
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        if error.filename in (None, str(temporary)):  # write() names no file at all
            error.filename, error.filename2 = str(path), None
        raise
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def making_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder that gets the name `path` when the block ends without an error.

    A folder of that name is complete. If another process made it meanwhile, its folder stays.
    """
    temporary = path.with_name(f".{os.urandom(16).hex()}.tmp")
    temporary.mkdir(parents=True)
    try:
        yield temporary
        try:
            temporary.rename(path)
        except OSError:
            if not path.is_dir():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def user_path(text: str | os.PathLike[str]) -> Path:
    """Return the path that a user typed: `~` and `~name` stand for home folders.

    A `~name` that is no user is a file of that name.
    """
    return Path(os.path.expanduser(text))  # noqa: PTH111 (Path.expanduser raises for no user)


def shown(name: str | os.PathLike[str]) -> str:
    r"""Return a file name as text for people and tables, whatever its bytes are.

    Bytes that are not UTF-8 become escapes, because terminals, tables and JSON take no others.

    Examples:
        >>> import os
        >>> from vqa.files import shown
        >>> shown(os.fsdecode(b"caf\xe9.mp4"))
        'caf\\xe9.mp4'
    """
    text = str(name)
    if text.isascii():
        return text
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def decimal(text: str) -> float:
    """Return a number of a table: digits with a point or a comma, and an exponent if it has one.

    Raises:
        ValueError: Anything else, also what Python reads as a number: `1_000`, `inf`, digits of
            other scripts, and numbers beyond float64.

    Examples:
        >>> from vqa.files import decimal
        >>> decimal("-6,50"), decimal("1e-3")
        (-6.5, 0.001)
    """
    number = float(text.replace(",", ".")) if _DECIMAL.fullmatch(text) else math.nan
    if not math.isfinite(number):
        raise ValueError(f"{text!r} is not a number")
    return number


_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)(?:[eE][+-]?[0-9]+)?")


def plain_name(key: str, name: Any) -> str:
    """Return a name that may stand in a file's or folder's name, as text.

    Args:
        key: The setting, for the error.
        name: Letters, digits, spaces and `. _ + -`, up to 120 bytes; a number is taken as text.

    Raises:
        ValueError: Anything else, such as a path.

    Examples:
        >>> from vqa.files import plain_name
        >>> plain_name("data.name", "KoNViD-1k_540p")
        'KoNViD-1k_540p'
    """
    text = str(name) if isinstance(name, int) and not isinstance(name, bool) else name
    if (
        not isinstance(text, str)
        or not re.fullmatch(r"[\w+-](?:[\w .+-]*[\w.+-])?", text)
        or len(text.encode("utf-8", "surrogateescape")) > LONGEST_NAME_BYTES
    ):
        raise ValueError(
            f"{key}={shown(str(name))[:200]!r}: expected a name of letters, digits, spaces and "
            f". _ + -, at most {LONGEST_NAME_BYTES} bytes; it names a folder, so it holds no path "
            "and does not begin with a dot"
        )
    return text


def content_hash(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal.

    A file that this process has hashed before and that has not been touched since (same inode,
    size and times) is not read again.

    Raises:
        OSError: The file cannot be read, or is not a regular file: a named pipe would block.
    """
    import hashlib  # here, because every command imports this module

    with open(path, "rb", opener=opened_at_once) as file:
        started_ns, state = time.time_ns(), regular_state(file)
        if known := _HASHES.get(state):
            return known
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        # A change within the tick of the clock would leave the times as they are.
        touched_ns = max(state[-2:])
        if started_ns - touched_ns >= 10**9 and regular_state(file) == state:
            with _LOCK:
                _HASHES[state] = digest
                if len(_HASHES) > MOST_HASHES:
                    _HASHES.pop(next(iter(_HASHES)))
        return digest


MOST_HASHES = 2**16  # that are remembered, some 30 MB
_HASHES: dict[tuple[int, ...], str] = {}
_LOCK = threading.Lock()


def folder_hash(folder: Path, pattern: str) -> str:
    """Return the SHA-256 of the names and contents of all files of a pattern below a folder.

    Raises:
        ValueError: There is none.
    """
    import hashlib

    digest, files = hashlib.sha256(), sorted(folder.rglob(pattern))
    if not files:
        raise ValueError(f"{folder}: expected files {pattern}, found none")
    for file in files:
        digest.update(f"{file.relative_to(folder).as_posix()}\0{content_hash(file)}\n".encode())
    return digest.hexdigest()


def regular_state(file: BinaryIO) -> tuple[int, ...]:
    """Return what changes with a regular file's content: device, inode, size, times in ns.

    Raises:
        OSError: It is not a regular file.
    """
    found = os.fstat(file.fileno())
    if not stat.S_ISREG(found.st_mode):
        raise OSError(f"{shown(file.name)}: expected a regular file")
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def opened_at_once(path: str, flags: int) -> int:
    """Open a file, as an `opener`, without waiting for a writer as a named pipe would."""
    return os.open(path, flags | os.O_NONBLOCK)


def write_atomically(path: str | Path, data: bytes | str) -> Path:
    """Write bytes or UTF-8 text in one step; create the folder if it is absent."""
    with replacing(path) as temporary:
        temporary.write_bytes(shown(data).encode() if isinstance(data, str) else data)
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
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: not JSON ({error}); was it edited or cut off?") from error


def plain(content: Any) -> Any:
    """Convert to JSON's own types: NumPy values to Python's, NaN and infinity to None.

    Names go through `shown`.
    """
    # The usual types come first: a label table has ten million values.
    if isinstance(content, str):
        return shown(content)
    if content is None or isinstance(content, int):
        return content
    if isinstance(content, dict | Mapping):
        return {shown(str(key)): plain(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [plain(value) for value in content]
    import numpy as np  # here, because the paths and numbers of a command line need none

    if isinstance(content, np.ndarray):
        return plain(content.tolist())
    if isinstance(content, np.generic):
        return plain(content.item())
    if isinstance(content, Path):
        return shown(content)
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
    writer.writerows([_cell(value) for value in row] for row in rows)


def _cell(value: Any) -> Any:
    return shown(value) if isinstance(value, str | Path) else value
