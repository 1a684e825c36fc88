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
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save
from torch import Tensor

from vqa.databases.records import VideoRecord
from vqa.features.extraction.packs import Packs, in_packs, write_pack
from vqa.files import content_hash, write_atomically
from vqa.identity import Identify, kind_of
from vqa.video import RawFormat

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
        self.packs = Packs(self.folder)

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
        if path.is_file():
            return _loaded(path, path)
        damage = None
        for data in self.packs.find(key):
            try:
                return _loaded(data, f"a pack beside {path}")
            except DamagedFeaturesError as error:
                damage = error
        raise damage or FileNotFoundError(
            f"no features at {path}; run extract.py with the same data= and features= first"
        )

    def pack(self, keys: Iterable[str]) -> int:
        """Move the files of these contents into packs; damaged ones stay.

        Returns:
            The number of files that were packed.

        Raises:
            OSError: There is no room; the files that are not packed stay.
        """
        return sum(write_pack(self.folder, files) for files in in_packs(self._loose(keys)))

    def _loose(self, keys: Iterable[str]) -> Iterator[tuple[str, Path]]:
        """Yield the undamaged files of contents; those that a pack has as well are deleted."""
        for key in keys:
            path = self.path(key)
            if not path.is_file() or self.checked(key) is None:
                continue
            data = path.read_bytes()
            if any(data == packed for packed in self.packs.find(key)):
                path.unlink()
            else:
                yield key, path

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


def content_key(video: VideoRecord, identify: Identify = content_hash) -> str:
    """Hash what is decoded: the identity of a file, and for raw video its format too.

    Raises:
        OSError: The file cannot be read.
    """
    return key_of(identify(video.path), video.raw_format)


def key_of(source: str, raw: RawFormat | None) -> str:
    """Return the key of a file's identity; a key that is not its hash of content is hashed."""
    if raw is None and kind_of(source) == "content":
        return source
    text = source if raw is None else f"{source} {raw!r}"
    return hashlib.sha256(text.encode()).hexdigest()


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


def _loaded(file: Path | bytes, name: Path | str) -> Features:
    """Read a file of the cache, from a path or from its bytes, and check it.

    Raises:
        DamagedFeaturesError: It is not what was stored.
    """
    try:
        if isinstance(file, bytes):
            length = int.from_bytes(file[:8], "little")  # of the head, by the format
            tensors, noted = load(file), json.loads(file[8 : 8 + length])["__metadata__"]
        else:
            with safe_open(file, framework="pt") as opened:
                tensors = {one: opened.get_tensor(one) for one in ("features", "times_s")}
                noted = opened.metadata() or {}
        entry = json.loads(noted[METADATA_KEY])
        facts, checksum = entry[METADATA_KEY], entry[CHECKSUM_KEY]
        tensors = {one: tensors[one] for one in ("features", "times_s")}
        if _checksum(tensors, facts) == checksum:
            return Features(**tensors, metadata=json.loads(facts))
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        reason = str(error) or type(error).__name__
        raise DamagedFeaturesError(f"the features in {name} are damaged ({reason})") from error
    raise DamagedFeaturesError(f"the features in {name} are damaged (another checksum)")


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
