"""Hashes of the files that the numbers of a run depend on."""

from pathlib import Path

from vqa.files import content_hash

HASHED = (
    "config.yaml", "inputs.json", "database.json", "leaks.json", "videos.csv", "failures.csv",
    "notes.json", "results.json", "predictions.csv", "splits/*.json", "*/predictions.csv",
    "*/history.csv", "*/learner.json", "*/labels.csv", "*/alignment.json", "*/model.safetensors",
)  # fmt: skip


def file_hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file that the numbers depend on, by its path in the folder."""
    files = sorted({path for pattern in HASHED for path in folder.glob(pattern)})
    return {path.relative_to(folder).as_posix(): content_hash(path) for path in files}
