"""The feature cache: one safetensors file per video, in a folder named by what made it.

`<root>/<database>/<extractor>-<fingerprint>/<video id>.safetensors` holds

    features (T, D)   float32 or float16
    times_s  (T,)     presentation time of each described frame in seconds, float64

and, as metadata, the fingerprint of the source file, the reader that decoded it, and the size and
frame rate of the video. A file is complete or absent: it is written under a temporary name and then
renamed.
"""

import csv
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from vqa.files import write_atomically

HASHED_WHOLE_BYTES = 32 * 2**20
SAMPLED_BLOCKS = 32
BLOCK_BYTES = 2**20
METADATA_KEY = "vqa"
SECONDS_FILE = "seconds.csv"


@dataclass(frozen=True, slots=True)
class Features:
    """The cached features of one video.

    Attributes:
        features: (T, D), in the stored type.
        times_s: (T,) presentation times of the described frames, in seconds.
        metadata: Reader, source fingerprint, width, height, frame rate and more, all as text.
    """

    features: Tensor
    times_s: Tensor
    metadata: dict[str, str]


class FeatureCache:
    """Features of one database by one extractor.

    Args:
        root: Folder of all caches.
        database: Name of the database. None if each id begins with the name of its own database
            (`data=combined`); features are then shared with the single databases.
        extractor: Name of the extractor.
        fingerprint: Hash of everything that shapes the features besides the source file.
    """

    def __init__(
        self, root: str | Path, database: str | None, extractor: str, fingerprint: str
    ) -> None:
        self.root, self.database = Path(root), database
        self.variant = f"{extractor}-{fingerprint[:16]}"

    @property
    def folder(self) -> Path:
        """Folder of the features; if there are several databases, it holds only failure lists."""
        return self.root / (self.database or "combined") / self.variant

    def path(self, video_id: str) -> Path:
        """Return the path of a video's features; the id is quoted and cannot lead outside root."""
        database, name = self.database, video_id
        if database is None:
            database, _, name = video_id.partition("/")
        parts = [
            quote(part, safe=" ") if part.strip(".") else part.replace(".", "%2E")
            for part in (database, self.variant, *PurePosixPath(name.lstrip("/")).parts)
        ]
        return self.root.joinpath(*parts[:-1], parts[-1] + ".safetensors")

    def is_current(self, video_id: str, source: str) -> bool:
        """Return whether features made from the file with this fingerprint are stored."""
        try:
            with safe_open(self.path(video_id), framework="pt") as file:
                return _metadata(file).get("source") == source
        except (FileNotFoundError, SafetensorError):
            return False

    def store(
        self, video_id: str, features: Tensor, times_s: Tensor, metadata: dict[str, str]
    ) -> None:
        """Write a video's features in one step."""
        tensors = {"features": features.contiguous(), "times_s": times_s.contiguous()}
        # One entry, because safetensors writes several entries in no fixed order.
        entry = {METADATA_KEY: json.dumps(metadata, sort_keys=True)}
        write_atomically(self.path(video_id), save(tensors, metadata=entry))

    def note_seconds(self, video_id: str, seconds: float) -> None:
        """Note how long a video took; kept in a table so that equal features are equal files."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / SECONDS_FILE).open("a", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerow([video_id, f"{seconds:.4g}"])

    def seconds(self) -> dict[str, float]:
        """Return the last noted time of each video in seconds; incomplete lines are skipped."""
        path = self.folder / SECONDS_FILE
        if not path.is_file():
            return {}
        with path.open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.reader(file) if len(row) == 2 and _is_number(row[1])]
        return {video: float(seconds) for video, seconds in rows}

    def metadata(self, video_id: str) -> dict[str, str]:
        """Return the facts stored with a video's features, which must exist."""
        with safe_open(self.path(video_id), framework="pt") as file:
            return _metadata(file)

    def load(self, video_id: str) -> Features:
        """Read a video's features.

        Raises:
            FileNotFoundError: They have not been extracted.
        """
        path = self.path(video_id)
        if not path.is_file():
            raise FileNotFoundError(
                f"no features of {video_id} at {path}; run extract.py with the same data= and "
                "features= first"
            )
        with safe_open(path, framework="pt") as file:
            return Features(
                file.get_tensor("features"), file.get_tensor("times_s"), _metadata(file)
            )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _metadata(file: Any) -> dict[str, str]:
    """Return the facts stored in an open safetensors file."""
    return json.loads((file.metadata() or {}).get(METADATA_KEY, "{}"))


def source_fingerprint(path: str | Path) -> str:
    """Hash a video file: all bytes, or for files above 32 MiB the size and 32 spread blocks.

    Raw video takes gigabytes per file. In a compressed file, a change anywhere changes the size or
    nearly all bytes after it.
    """
    path = Path(path)
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        if size <= HASHED_WHOLE_BYTES:
            digest.update(file.read())
        else:
            for block in range(SAMPLED_BLOCKS):
                file.seek(block * (size - BLOCK_BYTES) // (SAMPLED_BLOCKS - 1))
                digest.update(file.read(BLOCK_BYTES))
    return digest.hexdigest()


def combined_fingerprint(extractor: str, **preprocessing: object) -> str:
    """Hash an extractor's fingerprint with the settings for sampling and storage."""
    text = json.dumps({"extractor": extractor, **preprocessing}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def stored_dtype(name: str) -> torch.dtype:
    """Return the tensor type that a configuration names.

    Raises:
        ValueError: Neither float32 nor float16.
    """
    types = {"float32": torch.float32, "float16": torch.float16}
    if name not in types:
        raise ValueError(f"features are stored as float32 or float16, not {name!r}")
    return types[name]
