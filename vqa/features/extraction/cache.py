"""The feature cache: one safetensors file per described content, in a folder named by what made it.

`<root>/<extractor>-<fingerprint>/<first two digits>/<key>.safetensors` holds

    features (T, D)   float32 or float16
    times_s  (T,)     presentation time of each described frame in seconds, float64

and, as metadata, the SHA-256 of the source file, the reader that decoded it, the size and frame
rate of the video, and a checksum of all this. The key is the SHA-256 of what was decoded
(`content_key`), so names and folders of videos do not matter: equal files are described once, and
what is found under a key was made from that content. A file is complete or absent: it is written
under a temporary name and then renamed.
"""

import csv
import hashlib
import json
import logging
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from vqa.databases.records import VideoRecord
from vqa.files import content_hash, write_atomically

log = logging.getLogger(__name__)

METADATA_KEY, CHECKSUM_KEY = "vqa", "sha256"
SECONDS_FILE = "seconds.csv"


class DamagedFeaturesError(RuntimeError):
    """Cached features that are not what was stored."""


@dataclass(frozen=True, slots=True)
class Features:
    """The cached features of one video.

    Attributes:
        features: (T, D), in the stored type.
        times_s: (T,) presentation times of the described frames, in seconds.
        metadata: Reader, source hash, width, height, frame rate and more, all as text.
    """

    features: Tensor
    times_s: Tensor
    metadata: dict[str, str]


class FeatureCache:
    """Features by one extractor.

    Args:
        root: Folder of all caches.
        extractor: Name of the extractor.
        fingerprint: Hash of everything that shapes the features besides the source file.

    Attributes:
        root: The root; None for a cache that stores nothing.
        folder: Folder of the features.
    """

    root: Path | None

    def __init__(self, root: str | Path, extractor: str, fingerprint: str) -> None:
        self.root = Path(root)
        self.folder = self.root / f"{extractor}-{fingerprint[:16]}"

    def path(self, key: str) -> Path:
        """Return the path of the features of a content."""
        return self.folder / key[:2] / f"{key}.safetensors"

    def checked(self, key: str) -> dict[str, str] | None:
        """Return the facts about the features of a content; None if none are stored undamaged.

        The features are read whole, to compare them with their checksum.
        """
        try:
            return self.load(key).metadata
        except FileNotFoundError:
            return None
        except (DamagedFeaturesError, OSError) as error:
            log.warning("%s; they are extracted again", error)
            return None

    def store(self, key: str, features: Tensor, times_s: Tensor, metadata: dict[str, str]) -> None:
        """Write the features of a content in one step."""
        tensors = {"features": features.contiguous(), "times_s": times_s.contiguous()}
        facts = json.dumps(metadata, sort_keys=True)
        # One entry, because safetensors writes several entries in no fixed order.
        entry = json.dumps({CHECKSUM_KEY: _checksum(tensors, facts), METADATA_KEY: facts})
        write_atomically(self.path(key), save(tensors, metadata={METADATA_KEY: entry}))

    def load(self, key: str) -> Features:
        """Read the features of a content and compare them with their checksum.

        Raises:
            FileNotFoundError: They have not been extracted.
            DamagedFeaturesError: The file is not what was stored.
            OSError: The file cannot be read.
        """
        path = self.path(key)
        if not path.is_file():
            raise FileNotFoundError(
                f"no features at {path}; run extract.py with the same data= and features= first"
            )
        try:
            with safe_open(path, framework="pt") as file:
                tensors = {name: file.get_tensor(name) for name in ("features", "times_s")}
                entry = json.loads((file.metadata() or {})[METADATA_KEY])
                facts, checksum = entry[METADATA_KEY], entry[CHECKSUM_KEY]
            if _checksum(tensors, facts) == checksum:
                return Features(**tensors, metadata=json.loads(facts))
        except (SafetensorError, ValueError, KeyError, TypeError) as error:
            reason = str(error) or type(error).__name__
            raise DamagedFeaturesError(f"the features in {path} are damaged ({reason})") from error
        raise DamagedFeaturesError(f"the features in {path} are damaged (another checksum)")

    def note_seconds(self, key: str, seconds: float) -> None:
        """Note how long a content took; kept in a table so that equal features are equal files."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / SECONDS_FILE).open("a", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerow([key, f"{seconds:.4g}"])

    def seconds(self) -> dict[str, float]:
        """Return the last noted time of each content in seconds; incomplete lines are skipped."""
        path = self.folder / SECONDS_FILE
        if not path.is_file():
            return {}
        with path.open(encoding="utf-8", errors="replace", newline="") as file:
            lines = (line.replace("\0", "") for line in file)
            rows = [row for row in csv.reader(lines) if len(row) == 2 and _is_number(row[1])]
        return {key: float(seconds) for key, seconds in rows}


def content_key(video: VideoRecord) -> str:
    """Hash what is decoded: the bytes of a file, and for raw video its format too.

    Raises:
        OSError: The file cannot be read.
    """
    source = content_hash(video.path)
    raw = video.raw_format
    return source if raw is None else hashlib.sha256(f"{source} {raw!r}".encode()).hexdigest()


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


def _checksum(tensors: dict[str, Tensor], facts: str) -> str:
    """Hash types, shapes and bytes of tensors, and the facts about them."""
    digest = hashlib.sha256(facts.encode())
    for name, tensor in tensors.items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.numpy().data.cast("B") if tensor.numel() else b"")
    return digest.hexdigest()


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
