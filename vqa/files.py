"""Files that are whole or absent: written under a temporary name, then renamed."""

import uuid
from pathlib import Path


def write_atomically(path: str | Path, data: bytes | str) -> Path:
    """Write bytes or UTF-8 text in one step, making the folder where it is absent.

    A process that dies midway leaves the old file, or none, and never half a file.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        temporary.write_bytes(data.encode() if isinstance(data, str) else data)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path
