"""Splits made elsewhere: tables, split files of another run, published matrices."""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from vqa.databases.listing import some
from vqa.databases.records import Database
from vqa.files import user_path
from vqa.protocols.csv_splits import read_table
from vqa.protocols.grouping import check_grouping, in_order
from vqa.protocols.leaks import leak_report, log_leaks, straddling
from vqa.protocols.matrices import IndexMatrix, matrix_splits, read_matrix
from vqa.protocols.names import match_names
from vqa.protocols.splits import Split, SplitError, read_split

LOGGER = logging.getLogger(__name__)

MOS_TOLERANCE = 0.01  # of the rating scale; copies are rounded, other releases differ by more
# The name of a split is the name of its folder in a run, which already has these folders.
TAKEN = ("evidence", "figures", "splits")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def imported(
    database: Database,
    path: str | Path | None,
    *,
    count: int | None = None,
    test_fraction: float = 0.2,
    val_fraction: float = 0.2,
    reshuffle_seed: int | None = None,
    group_by: str = "content",
    missing: str = "error",
) -> list[Split]:
    """Read splits from a file and match their videos with the database by name.

    Args:
        database: The database that the splits belong to.
        path: A `.csv` table, long (`split,video,part`, as `write_splits_csv` writes it) or wide
            (`video` and a column per split); a split file `.json`, a folder of them, or a run
            folder, with checked hashes; or an info `.mat` with an index matrix (VSFA, MDTVSFA,
            GSTVQA, SimpleVQA).
        count: Number of splits, from the first on; None takes all, of a `.mat` the first ten.
        test_fraction: Share of the test part; only for a `.mat`, other files define their parts.
        val_fraction: Share of the validation part, only for a `.mat`; VSFA 0.2, GSTVQA and
            SimpleVQA 0.
        reshuffle_seed: Only for a `.mat`: 1 makes the ten splits of GSTVQA (`matrix_splits`).
        group_by: `content` refuses splits that have a content in several parts. `video` accepts
            them, warns in the log, and marks the splits.
        missing: `error` raises if the database lacks a video, `skip` leaves it out.

    Raises:
        SplitError: The file cannot be read, the database lacks videos, a content is in several
            parts, or options or names of splits are invalid.
    """
    check_grouping(group_by)
    if missing not in ("error", "skip"):
        raise SplitError(f"missing={missing!r}: expected error or skip")
    if path is None:
        raise SplitError(
            "no splits given; set protocol.path to a .csv, .json or .mat file, or a run folder"
        )
    path = user_path(path)
    kind = path.suffix.lower()
    matrix = read_matrix(path) if kind == ".mat" else None
    if matrix is not None:
        splits = matrix_splits(
            matrix,
            count=count,
            test_fraction=test_fraction,
            val_fraction=val_fraction,
            reshuffle_seed=reshuffle_seed,
            group_by=group_by,
        )
    else:
        splits = read_table(path, group_by) if kind == ".csv" else _from_json(path)
        if count is not None and not 0 < count <= len(splits):
            raise SplitError(
                f"{path}: count={count}: expected 1 to {len(splits)}, the file's number"
            )
        splits = splits[:count]
    _check_names(path, splits)
    id_of = _match(database, path, splits, missing)
    if matrix is not None:
        _compare_mos(database, matrix, id_of)
    splits = [_with_ids(path, split, id_of) for split in splits]
    splits = _checked_contents(database, path, splits, group_by)
    unused = len(database) - len(_names_in(splits))
    if unused:
        LOGGER.warning("%s: %d of %d videos are in no split", path, unused, len(database))
    return splits


def _from_json(path: Path) -> list[Split]:
    """Read one split file, or those of a folder with split9 before split10."""
    if path.is_file():
        return [read_split(path)]
    folder = path / "splits" if (path / "splits").is_dir() else path
    files = sorted(folder.glob("*.json"), key=lambda file: (len(file.stem), file.stem))
    if not files:
        raise SplitError(
            f"{path}: no splits found; expected a .csv, .json or .mat file, a folder of split "
            "files, or a run folder"
        )
    return [read_split(file) for file in files]


def _check_names(path: Path, splits: Sequence[Split]) -> None:
    names = [split.name for split in splits]
    bad = [name for name in names if not _NAME.fullmatch(name) or name.lower() in TAKEN]
    if bad or len({name.lower() for name in names}) < len(names):
        raise SplitError(
            f"{path}: the splits are called {some(bad or names)}; expected different names, "
            "because they name folders, of letters, digits, dots, dashes and underscores, and not "
            f"{' or '.join(TAKEN)}"
        )


def _names_in(splits: Sequence[Split]) -> set[str]:
    return {name for split in splits for ids in split.parts.values() for name in ids}


def _match(database: Database, path: Path, splits: Sequence[Split], missing: str) -> dict[str, str]:
    """Map each name in the splits to its id; names that the database lacks are omitted."""
    names = in_order(_names_in(splits))
    # Skipped videos take part, so that their names do not match similar names of other videos.
    matches = match_names(names, [*(video.id for video in database.videos), *database.skipped])
    skipped = set(database.skipped)
    found = {name: key for name, key in matches.items() if key not in skipped}
    lost = [name for name in names if name not in found]
    if not lost:
        return found
    labelled = sum(name in matches for name in lost)
    text = (
        f"{path}: {len(lost)} of {len(names)} videos are not in {database.name} ({some(lost)}); "
        f"{labelled} of them are labelled but not on disk"
    )
    if not found:
        raise SplitError(f"{text}; do the splits belong to another database?")
    if missing == "error":
        raise SplitError(f"{text}; protocol.missing=skip leaves them out")
    LOGGER.warning("%s: left them out", text)
    return found


def _with_ids(path: Path, split: Split, id_of: Mapping[str, str]) -> Split:
    """Return the split with ids of the database, without videos that it lacks."""
    parts = {
        part: in_order(id_of[name] for name in names if name in id_of)
        for part, names in split.parts.items()
    }
    for part, names in split.parts.items():
        if names and not parts[part]:
            raise SplitError(f"{path}: {split.name}: the database has no video of the {part} part")
    return replace(split, **parts)


def _checked_contents(
    database: Database, path: Path, splits: Sequence[Split], group_by: str
) -> list[Split]:
    """Refuse splits that have a content in several parts, or mark them if `group_by` is video."""
    contents = {split.name: straddling(database, split) for split in splits}
    divided = [split for split in splits if contents[split.name]]
    if not divided:
        log_leaks(database, splits)
        return list(splits)
    first, report = divided[0], leak_report(database, divided)
    text = (
        f"{path}: {len(divided)} of {len(splits)} splits have a content in several parts, for "
        f"example {first.name}: {some(contents[first.name])}; {report['leaked']} of "
        f"{report['test']} test videos show a scene of the training part"
    )
    if group_by == "content":
        raise SplitError(
            f"{text}; protocol.group_by=video accepts them, protocol=repeated makes splits without "
            "such contents"
        )
    LOGGER.warning("%s", text)
    # Official splits keep their name; others must not claim to be by content.
    return [
        replace(split, group_by="video")
        if split in divided and split.group_by == "content"
        else split
        for split in splits
    ]


def _compare_mos(database: Database, matrix: IndexMatrix, id_of: Mapping[str, str]) -> None:
    """Warn if names match and MOS do not: another release, or a name for another video."""
    low, high = database.mos_range
    ours = {video.id: video.mos for video in database.videos}
    other = sum(
        abs(mos - ours[id_of[name]]) > MOS_TOLERANCE * (high - low)
        for name, mos in zip(matrix.names, matrix.mos, strict=True)
        if name in id_of
    )
    if other:
        LOGGER.warning(
            "%s: %d of %d MOS differ from those of %s; the splits do not depend on MOS",
            matrix.path,
            other,
            len(id_of),
            database.name,
        )
