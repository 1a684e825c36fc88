"""The journal of a check: a line of JSON per examined file, which survives `kill -9`.

A line counts only if its checksum holds, so torn, garbled and edited lines are examined again.
Several processes may write to one journal, because each line is appended in one write.
"""

import hashlib
import json
import logging
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from vqa.commands.configuration import UsageError
from vqa.files import shown

log = logging.getLogger(__name__)

CHECKSUM = "checksum"


class Journal:
    """A journal, open for appending; a context manager.

    Args:
        path: The file; created with its folder if absent.
        fresh: Forget what it knows.

    Attributes:
        known: The last entry of each file by its key.

    Raises:
        UsageError: The file cannot be read and written, or is not a regular file.
    """

    def __init__(self, path: str | Path, *, fresh: bool = False) -> None:
        self.path = Path(path)
        self.known: dict[str, dict[str, Any]] = {}
        try:
            if self.path.exists() and not self.path.is_file():
                raise OSError(0, "not a regular file")  # a named pipe would block
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if fresh:
                self.path.unlink(missing_ok=True)
            self._file = self.path.open("a+b", buffering=0)
            data = self.path.read_bytes()
            if data and not data.endswith(b"\n"):
                self._file.write(b"\n")
        except OSError as error:
            raise UsageError(
                f"the journal {shown(self.path)} cannot be used ({error.strerror}); choose another "
                "place with --output, or remove it"
            ) from error
        for line in data.splitlines():
            if line:
                self._learn(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def append(self, key: str, entry: dict[str, Any]) -> None:
        """Append an entry.

        Raises:
            OSError: It cannot be written, for example because the disk is full.
        """
        entry = {"file": key, **entry}
        line = json.dumps({**entry, CHECKSUM: _checksum(entry)}).encode() + b"\n"
        if self._file.write(line) != len(line):
            raise OSError(f"{shown(self.path)}: the disk is full; free some space and rerun")

    def _learn(self, line: bytes) -> None:
        try:
            entry = json.loads(line)
            checksum = entry.pop(CHECKSUM)
            if checksum == _checksum(entry):
                self.known[entry["file"]] = entry
                return
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            pass
        log.info("%s: ignored a garbled line", shown(self.path))


def _checksum(entry: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(entry, sort_keys=True).encode()).hexdigest()[:16]
