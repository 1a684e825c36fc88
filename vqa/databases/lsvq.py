"""LSVQ: 38,811 videos of the Internet Archive and Flickr, rated by a crowd; two test sets.

Content: 28,056 training and 7,182 test videos (`read`), and a second test set of 3,573 videos of
    1080 lines or more (`read_1080p`), which is a separate database here. No two videos share a
    content. The Flickr videos come from YFCC100M, like KoNViD-1k, so some may come from the same
    uploads; the labels do not say which.
Scale: MOS, higher is better, [0, 100]; observed 2.4 to 91.4.
Splits: official train and test; no validation part.
Layout: `yfcc-batch<n>/<number>.mp4`, `ia-batch<n>/<name>.mp4`, a few `backup/` and `backup2/`.
    Labels `labels_train_test.csv` (column `is_test`) and `labels_test_1080p.csv`; FAST-VQA's lists
    (`LSVQ_train.labels.txt` or `train_labels.txt`, and so on) are also accepted. Its test list has
    7,186 videos, and circulating copies of the tables differ by some dozens of rows.
Broken rows: copies of the tables have videos of 0 or 1 frames or without size, rows without MOS or
    marked as invalid, and containers whose frame rate is their time base, 90000. These rows are
    skipped and counted in one warning. Files that cannot be decoded are reported by extraction.
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
    Row,
    entry,
    measures,
    parse_number,
    read_rows,
)
from vqa.databases.records import Database, DatabaseError, VideoRecord
from vqa.databases.release import Release, find_labels

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
TEST_LISTS = ("LSVQ_test.labels.txt", "labels_test.txt")  # read together with a train list
OFFICIAL_PARTS = ("train", "test")
TIME_BASE_HZ = 90000

_NAME_COLUMNS = ("name", "file")
_FLAGS = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}


def read(
    root: str | Path | None,
    *,
    missing: str = "error",
    labels: str | Path | Sequence[str | Path] | None = None,
    parts: Sequence[str] = OFFICIAL_PARTS,
) -> Database:
    """Read the official training and test parts; ids look like `yfcc-batch1/747.mp4`.

    The group is the source: `yfcc`, `ia` or `backup`.

    Args:
        root: The folder that contains `yfcc-batch1` and the other batches.
        missing: `error` raises if videos are absent, `skip` leaves them out.
        labels: The label file, or a train list and a test list; None looks for the known names.
        parts: `train`, `test` or both.

    Raises:
        DatabaseError: Root, label file or videos are absent, or labels or options are invalid.
    """
    if not parts or set(parts) - set(OFFICIAL_PARTS):
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
    """Read the 1080p test set as a separate database; ids and groups are as in `read`.

    Args:
        root: The folder that contains `yfcc-batch1` and the other batches.
        missing: `error` raises if videos are absent, `skip` leaves them out.
        labels: The label file; None looks for the known names in the root.

    Raises:
        DatabaseError: Root, label file or videos are absent, or the labels are invalid.
    """
    root, table = RELEASE_1080P.open(root, labels)
    rows = [(row, table) for row in _rows(table)]
    videos = [_record(row, path, root, "test") for row, path in _whole(RELEASE_1080P, rows)]
    return RELEASE_1080P.close(videos, missing=missing)


def _rows(table: Path) -> list[Row]:
    return read_rows(table, required=(_NAME_COLUMNS, MOS_COLUMNS))


def _record(row: Row, table: Path, root: Path, split: str) -> VideoRecord:
    # Names of the Internet Archive contain dots, so not every dot starts a suffix.
    name = entry(row, _NAME_COLUMNS).removesuffix(".mp4")
    source = re.match("[a-z]+", name)
    if source is None or "/" not in name:
        raise DatabaseError(f"{table}: {name!r} is not a video name; expected yfcc-batch1/747")
    key = f"{name}.mp4"
    facts = measures(row, table, name)
    return VideoRecord(key, root / key, split=split, group=source.group(), **facts)


def _part(row: Row, table: Path) -> str:
    """The part by the column `is_test` if the table has it, else by the name of the file."""
    if "is_test" in row:
        return OFFICIAL_PARTS[_flag(row, "is_test", table)]
    named = [part for part in OFFICIAL_PARTS if part in table.name.lower()]
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
    """Return the rows that are not broken; one warning counts the others."""
    faults = [_fault(row, table) for row, table in rows]
    counts = Counter(filter(None, faults))
    if counts:
        LOGGER.warning(
            "%s: skipped %d of %d rows, which are broken: %s",
            release.name,
            counts.total(),
            len(rows),
            ", ".join(f"{count} {fault}" for fault, count in sorted(counts.items())),
        )
    return [row for row, fault in zip(rows, faults, strict=True) if not fault]


def _fault(row: Row, table: Path) -> str:
    """Name the fault of a row, or return an empty text; negative and empty entries are unknown."""

    def number(columns: Iterable[str]) -> float:
        return parse_number(entry(row, tuple(columns)), table, next(iter(columns)))

    if "is_valid" in row and not _flag(row, "is_valid", table):
        return "marked as invalid"
    if not math.isfinite(number(MOS_COLUMNS)):
        return "without MOS"
    if 0 <= number(FRAMES_COLUMNS) < 2:
        return "with 0 or 1 frames"
    if number(("width",)) == 0 or number(("height",)) == 0:
        return "without size"
    if number(FRAME_RATE_COLUMNS) == TIME_BASE_HZ:
        return f"with {TIME_BASE_HZ} frames per second"
    return ""
