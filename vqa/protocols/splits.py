"""One split of a database, and its file.

A split file is JSON that a person can read, with a SHA-256 over its content: an edited file is
refused, and two runs compare their splits by one string.
"""

import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vqa.files import write_atomically

PARTS = ("train", "val", "test")
CSV_COLUMNS = ("split", "video", "part", "group_by", "seed")


class SplitError(ValueError):
    """A split that cannot be made or read; the text says expected, found, and the remedy."""


@dataclass(frozen=True, slots=True)
class Split:
    """Which videos train, which select, which test.

    Attributes:
        name: Name of the split in its run, for instance `split0`.
        train: Ids to fit on.
        val: Ids to select on (epoch, parameters); may be empty.
        test: Ids to report on; empty where testing happens on another database.
        group_by: What stays on one side: `content`, `video`, or `official` (the release decides).
        seed: Seed of the protocol that made it.

    Raises:
        SplitError: An id stands in two parts or twice in one, or nothing is left to train on.
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
                f"{self.name}: {len(repeated)} ids stand more than once in train, val and test, "
                f"for instance {repeated[0]}; every video belongs to one part"
            )

    @property
    def sha256(self) -> str:
        """Hash over all fields; the order of the ids inside a part does not matter."""
        canonical = asdict(self) | {part: sorted(getattr(self, part)) for part in PARTS}
        text = json.dumps(canonical, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(text.encode("ascii")).hexdigest()


def write_split(split: Split, path: str | Path) -> None:
    """Write a split with its hash as JSON, whole or not at all."""
    content = asdict(split) | {"sha256": split.sha256}
    write_atomically(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def read_split(path: str | Path) -> Split:
    """Read what `write_split` wrote.

    Raises:
        SplitError: The file is not there, is no split file, or does not match its hash.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SplitError(f"{path}: the split file cannot be opened ({error.strerror})") from error
    except ValueError as error:
        raise SplitError(f"{path}: not a split file: no JSON ({error})") from error
    _check_content(path, content)
    parts = {part: tuple(content[part]) for part in PARTS}
    split = Split(content["name"], **parts, group_by=content["group_by"], seed=content["seed"])
    if split.sha256 != content["sha256"]:
        raise SplitError(
            f"{path}: the content has hash {split.sha256}, the file says {content['sha256']}; "
            "it was changed after it was written: restore it, or make the split again"
        )
    return split


def write_splits_csv(splits: Iterable[Split], path: str | Path) -> None:
    """Write splits as one table to share: a row per split and video.

    The columns are `split,video,part` and, so that the hashes survive the way back through
    `vqa.protocols.imported`, `group_by,seed`.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for split in splits:
        for part in PARTS:
            rows = ([split.name, video, part] for video in sorted(getattr(split, part)))
            writer.writerows([*row, split.group_by, split.seed] for row in rows)
    write_atomically(path, text.getvalue())


def _check_content(path: Path, content: Any) -> None:
    expected = {"name": str, "group_by": str, "seed": int, "sha256": str} | dict.fromkeys(
        PARTS, list
    )
    fields = content if isinstance(content, dict) else {}
    wrong = [name for name, kind in expected.items() if not isinstance(fields.get(name), kind)] or [
        part for part in PARTS if not _are_names(fields[part])
    ]
    if wrong:
        raise SplitError(
            f"{path}: not a split file: {', '.join(wrong)} absent or of another kind; "
            f"expected {', '.join(expected)}"
        )


def _are_names(values: Iterable[Any]) -> bool:
    return all(isinstance(value, str) for value in values)
