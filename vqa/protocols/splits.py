"""One split of a database, and its file.

A split file is readable JSON with a SHA-256 hash of its content. An edited file is refused, and two
runs compare their splits by comparing the hashes.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from vqa.databases.records import PARTS
from vqa.files import plain_name, write_csv, write_json

CSV_COLUMNS = ("split", "video", "part", "group_by", "seed")


class SplitError(ValueError):
    """A split that cannot be made or read; the message says what is wrong and how to fix it."""


@dataclass(frozen=True, slots=True)
class Split:
    """A division of a database into a training, a validation and a test part.

    Attributes:
        name: Name of the split in its run, for example `split0`.
        train: Ids to fit on.
        val: Ids to select epochs and parameters on; may be empty.
        test: Ids to report results on; empty if the test is on another database.
        group_by: What stays in one part: `content`, `video`, or `official` (the release decides).
        seed: Seed of the protocol.

    Raises:
        SplitError: An id appears in two parts or twice in one, or the training part is empty.

    Examples:
        >>> from vqa.protocols import Split
        >>> split = Split("split0", ("a.mp4", "b.mp4"), (), ("c.mp4",), group_by="content", seed=0)
        >>> split.parts["train"]
        ('a.mp4', 'b.mp4')
        >>> other_order = Split("split0", ("b.mp4", "a.mp4"), (), ("c.mp4",), "content", 0)
        >>> other_order.sha256 == split.sha256
        True
    """

    name: str
    train: tuple[str, ...]
    val: tuple[str, ...]
    test: tuple[str, ...]
    group_by: str
    seed: int

    def __post_init__(self) -> None:
        if not self.train:
            raise SplitError(f"{self.name}: the training part is empty")
        seen = Counter((*self.train, *self.val, *self.test))
        repeated = sorted(video for video, count in seen.items() if count > 1)
        if repeated:
            raise SplitError(
                f"{self.name}: {len(repeated)} ids appear more than once in train, val and test, "
                f"for example {repeated[0]}; every video belongs to one part"
            )

    @property
    def parts(self) -> dict[str, tuple[str, ...]]:
        """The ids of each part, by the names in `PARTS`."""
        return {part: getattr(self, part) for part in PARTS}

    @property
    def sha256(self) -> str:
        """Hash of all fields; the order of the ids inside a part does not matter."""
        canonical = self._fields() | {part: sorted(ids) for part, ids in self.parts.items()}
        text = json.dumps(canonical, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(text.encode("ascii")).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Return the content of a split file."""
        return self._fields() | {"sha256": self.sha256}

    def _fields(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}


def write_split(split: Split, path: str | Path) -> None:
    """Write a split and its hash as JSON; the file appears only when it is complete."""
    write_json(path, split.to_json(), indent=1)


def read_split(path: str | Path) -> Split:
    """Read a file of `write_split`.

    Raises:
        SplitError: The file is absent, is not a split file, or does not match its hash.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SplitError(f"{path}: the split file cannot be opened ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise SplitError(f"{path}: not a split file: not JSON ({error})") from error
    _check_content(path, content)
    parts = {part: tuple(content[part]) for part in PARTS}
    try:
        name = plain_name("the name of the split", content["name"])
        split = Split(name, **parts, group_by=content["group_by"], seed=content["seed"])
    except ValueError as error:
        raise SplitError(f"{path}: {error}") from error
    if split.sha256 != content["sha256"]:
        raise SplitError(
            f"{path}: the content has hash {split.sha256}, the file says {content['sha256']}; "
            "the file was edited: restore it, or make the split again"
        )
    return split


def write_splits_csv(splits: Iterable[Split], path: str | Path) -> None:
    """Write splits as one table to share, with a row per split and video.

    The columns are `split,video,part` and `group_by,seed`. The last two keep the hashes the same
    when `vqa.protocols.imported` reads the table.
    """
    rows = (
        (split.name, video, part, split.group_by, split.seed)
        for split in splits
        for part, ids in split.parts.items()
        for video in sorted(ids)
    )
    write_csv(path, CSV_COLUMNS, rows)


def _check_content(path: Path, content: Any) -> None:
    kinds = {"name": str, "group_by": str, "seed": int, "sha256": str} | dict.fromkeys(PARTS, list)
    fields = content if isinstance(content, dict) else {}
    wrong = [name for name, kind in kinds.items() if not isinstance(fields.get(name), kind)]
    wrong = wrong or [part for part in PARTS if not _are_names(fields[part])]
    if wrong:
        raise SplitError(
            f"{path}: not a split file: {', '.join(wrong)} absent or of the wrong type; "
            f"expected {', '.join(kinds)}"
        )


def _are_names(values: Iterable[Any]) -> bool:
    return all(isinstance(value, str) for value in values)
