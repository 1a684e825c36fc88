"""The names of a job's files, out of memory."""

import os
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path

from vqa.databases.unrated import Named
from vqa.remote.addresses import is_elsewhere


class NameList:
    """What places named, in a temporary file: a million names need no memory.

    Args:
        named: The names.

    Attributes:
        files: Number of those that are files.
        causes: Why there is none, as long as there is none.
    """

    def __init__(self, named: Iterable[Named]) -> None:
        self.files, self.causes, self._count = 0, list[str](), 0
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (it lives as long as this)
        weakref.finalize(self, self._file.close)
        for path, cause in named:
            self._file.write(os.fsencode(path) + b"\0" + os.fsencode(cause) + b"\0")
            self._count += 1
            self.files += not cause
            if not self.files:
                self.causes.append(cause)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Named]:
        """Yield the names from the first on; one iteration at a time."""
        self._file.seek(0)
        left = b""
        while data := self._file.read(2**16):
            *fields, left = (left + data).split(b"\0")
            if len(fields) % 2:
                left = fields.pop() + b"\0" + left
            texts = map(os.fsdecode, fields)
            for path, cause in zip(texts, texts, strict=True):
                yield Named(path if is_elsewhere(path) else Path(path), cause)
