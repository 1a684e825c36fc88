"""Hashes of the files that the numbers of a run depend on."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from vqa.files import content_hash
from vqa.identity import ahead
from vqa.runs.errors import RunError

HASHED = (
    "config.yaml", "inputs.json", "database.json", "leaks.json", "videos.csv", "failures.csv",
    "notes.json", "features.json", "results.json", "calibration.json", "predictions.csv",
    "splits/*.json", "*/fitted.csv", "*/predictions.csv",
    "*/history.csv", "*/learner.json", "*/labels.csv", "*/alignment.json", "*/model.safetensors",
    "weights/*",
)  # fmt: skip


def file_hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file that the numbers depend on, by its path in the folder."""
    files = sorted({path for pattern in HASHED for path in folder.glob(pattern)})
    found = ahead(files, content_hash)
    return {path.relative_to(folder).as_posix(): digest for path, digest in found}


def check(folder: Path, manifest: Mapping[str, str], names: Iterable[str]) -> None:
    """Compare files of a run folder with its manifest.

    Args:
        folder: The run folder.
        manifest: SHA-256 by path in the folder.
        names: Paths of the files; absent files that the run never wrote are accepted.

    Raises:
        RunError: A file is not the one that the run wrote.
    """
    for name in names:
        path = folder / name
        found = content_hash(path) if path.is_file() else None
        if manifest.get(name) != found:
            raise RunError(
                f"{path} is not the file that the run wrote (expected SHA-256 "
                f"{str(manifest.get(name))[:12]}, found {str(found)[:12]}): restore it from a "
                "copy, or train again with fresh=true"
            )
