"""LSVQ: 38,811 videos of the Internet Archive and Flickr, rated by a crowd; two test sets.

Content: 28,056 videos to train on and 7,182 to test on (`read`), and a second test set of 3,573
    videos of 1080 lines or more (`read_1080p`), a database of its own here. Every video is a
    content of its own. The Flickr part comes from YFCC100M, as KoNViD-1k does, so some of its
    videos may be cut from the same uploads; the labels do not say which.
Scale: MOS, higher is better, [0, 100]; observed 2.4 to 91.4.
Splits: official train and test; no validation part.
Layout: `yfcc-batch<n>/<number>.mp4`, `ia-batch<n>/<name>.mp4`, a few `backup/` and `backup2/`.
    Labels `labels_train_test.csv` (column `is_test`) and `labels_test_1080p.csv`; FAST-VQA's lists
    (`LSVQ_train.labels.txt` or `train_labels.txt`, and so on) are read as well. Its test list holds
    7,186 videos, and circulating copies of the tables differ by some dozens of rows.
Broken rows: copies of the tables list videos of 0 or 1 frames or of no size, rows without MOS or
    marked as not valid, and containers whose frame rate is their time base, 90000. They are dropped
    and counted in one warning. A file that cannot be decoded shows itself in extraction only.
Terms: research use, by registration form and password; cite the paper.
Source: https://github.com/baidut/PatchVQ
Citation: Z. Ying, M. Mandal, D. Ghadiyaram, A. Bovik, "Patch-VQ: 'Patching up' the video quality
    problem", CVPR 2021.
"""

import logging
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from vqa.databases.label_files import (
    FRAME_RATE_COLUMNS,
    FRAMES_COLUMNS,
    MOS_COLUMNS,
    Release,
    Row,
    entry,
    find_labels,
    measures,
    parse_number,
    read_rows,
)
from vqa.databases.records import Database, DatabaseError, VideoRecord

LOGGER = logging.getLogger(__name__)

RELEASE = Release(
    name="lsvq",
    videos=35238,
    mos_range=(0.0, 100.0),
    labels=("labels_train_test.csv", "LSVQ_train.labels.txt", "train_labels.txt"),
    hint="LSVQ: https://github.com/baidut/PatchVQ",
    origin="YFCC100M",
)
RELEASE_1080P = replace(
    RELEASE,
    name="lsvq_1080p",
    videos=3573,
    labels=("labels_test_1080p.csv", "LSVQ_1080p.labels.txt", "labels_1080p.txt"),
)
TEST_LISTS = ("LSVQ_test.labels.txt", "labels_test.txt")  # what a train list is completed with
PARTS = ("train", "test")
TIME_BASE_HZ = 90000

_NAME_COLUMNS = ("name", "file")
_FLAGS = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}


def read(
    root: str | Path | None,
    *,
    missing: str = "error",
    labels: str | Path | Sequence[str | Path] | None = None,
    parts: Sequence[str] = PARTS,
) -> Database:
    """Read the official training and test part; ids are `yfcc-batch1/747.mp4`.

    The group is the source: `yfcc`, `ia` or `backup`.

    Args:
        root: The folder that holds `yfcc-batch1` and the others.
        missing: `error` refuses absent videos, `skip` goes on without them.
        labels: The label file, or a train list and a test list; None looks for the known ones.
        parts: `train`, `test` or both.

    Raises:
        DatabaseError: Root, label file or videos absent, labels or options that make no sense.
    """
    if not parts or set(parts) - set(PARTS):
        raise DatabaseError(f"lsvq: parts={list(parts)}; expected train, test or both")
    several = not (labels is None or isinstance(labels, str | Path))
    first, *others = labels if several else [labels]
    root, table = RELEASE.open(root, first)
    tables = [table, *(RELEASE.open(root, other)[1] for other in others)]
    if first is None and table.suffix == ".txt":
        tables.append(find_labels(RELEASE.name, root, None, TEST_LISTS, RELEASE.hint))
    rows = [(row, path) for path in tables for row in _rows(path)]
    videos = [_record(row, path, root, _part(row, path)) for row, path in _whole(RELEASE, rows)]
    kept = [video for video in videos if video.split in parts]
    return RELEASE.close(kept, missing=missing, listed=len(videos))


def read_1080p(
    root: str | Path | None, *, missing: str = "error", labels: str | Path | None = None
) -> Database:
    """Read the 1080p test set, a database of its own; ids and groups as `read` gives them.

    Args:
        root: The folder that holds `yfcc-batch1` and the others.
        missing: `error` refuses absent videos, `skip` goes on without them.
        labels: The label file; None looks for the known ones in the root.

    Raises:
        DatabaseError: Root, label file or videos absent, or labels that make no sense.
    """
    root, table = RELEASE_1080P.open(root, labels)
    rows = [(row, table) for row in _rows(table)]
    videos = [_record(row, path, root, "test") for row, path in _whole(RELEASE_1080P, rows)]
    return RELEASE_1080P.close(videos, missing=missing)


def _rows(table: Path) -> list[Row]:
    return read_rows(table, required=(_NAME_COLUMNS, MOS_COLUMNS))


def _record(row: Row, table: Path, root: Path, split: str) -> VideoRecord:
    # Names of the Internet Archive contain dots, so a suffix is known by what it is.
    name = entry(row, _NAME_COLUMNS).removesuffix(".mp4")
    source = re.match("[a-z]+", name)
    if source is None or "/" not in name:
        raise DatabaseError(f"{table}: {name!r} is no video name; expected yfcc-batch1/747")
    key = f"{name}.mp4"
    facts = measures(row, table, name)
    return VideoRecord(key, root / key, split=split, group=source.group(), **facts)


def _part(row: Row, table: Path) -> str:
    """`is_test` where the table has it, or else what the list is called."""
    if "is_test" in row:
        return PARTS[_flag(row, "is_test", table)]
    named = [part for part in PARTS if part in table.name.lower()]
    if len(named) != 1:
        raise DatabaseError(
            f"{table}: which part is this? expected a column is_test, or `train` or `test` in the "
            "name of the file"
        )
    return named[0]


def _flag(row: Row, column: str, table: Path) -> bool:
    flag = _FLAGS.get(row[column].lower())
    if flag is None:
        raise DatabaseError(f"{table}: {column} is {row[column]!r}, expected True or False")
    return flag


def _whole(release: Release, rows: Sequence[tuple[Row, Path]]) -> list[tuple[Row, Path]]:
    """The rows that are not broken; one warning counts the others."""
    faults = [_fault(row, table) for row, table in rows]
    counts = Counter(filter(None, faults))
    if counts:
        LOGGER.warning(
            "%s: %d of %d rows are broken and left out: %s",
            release.name,
            counts.total(),
            len(rows),
            ", ".join(f"{count} {fault}" for fault, count in sorted(counts.items())),
        )
    return [row for row, fault in zip(rows, faults, strict=True) if not fault]


def _fault(row: Row, table: Path) -> str:
    """What is wrong with a row; negative numbers and empty entries mean "not known"."""

    def number(columns: Iterable[str]) -> float:
        return parse_number(entry(row, tuple(columns)), table, next(iter(columns)))

    if "is_valid" in row and not _flag(row, "is_valid", table):
        return "not valid"
    if not math.isfinite(number(MOS_COLUMNS)):
        return "without MOS"
    if 0 <= number(FRAMES_COLUMNS) < 2:
        return "of 0 or 1 frames"
    if number(("width",)) == 0 or number(("height",)) == 0:
        return "of no size"
    if number(FRAME_RATE_COLUMNS) == TIME_BASE_HZ:
        return f"of {TIME_BASE_HZ} frames per second"
    return ""
