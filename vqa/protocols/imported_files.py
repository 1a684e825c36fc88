"""Splits that were made elsewhere: tables, split files of another run, published matrices."""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from vqa.databases.listing import some
from vqa.databases.records import Database
from vqa.protocols.csv_splits import read_table
from vqa.protocols.grouping import check_grouping, in_order
from vqa.protocols.leaks import leak_report, log_leaks, straddling
from vqa.protocols.matrices import IndexMatrix, matrix_splits, read_matrix
from vqa.protocols.names import match_names
from vqa.protocols.splits import PARTS, Split, SplitError, read_split

LOGGER = logging.getLogger(__name__)

MOS_TOLERANCE = 0.01  # of the rating scale; copies round, other releases differ by more
# A split's name is its folder in the run, where these stand already.
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
    """Splits from a file, joined to the database by name.

    Args:
        database: What the splits are of.
        path: One of: a `.csv` table, long (`split,video,part`, as `write_splits_csv` makes it) or
            wide (`video` and a column per split); a split file `.json`, a folder of them, or a run
            folder, hashes checked; an info `.mat` with an index matrix (VSFA, MDTVSFA, GSTVQA,
            SimpleVQA).
        count: How many splits, from the first on; None takes all, of a `.mat` the first ten.
        test_fraction: Share of the test part; of a `.mat` alone, others say it themselves.
        val_fraction: Share of the validation part, likewise; VSFA 0.2, GSTVQA and SimpleVQA 0.
        reshuffle_seed: Of a `.mat` alone: 1 makes GSTVQA's ten splits (`matrix_splits`).
        group_by: `content` refuses splits with one content on two sides; `video` takes them, and
            says so in the log and in the splits.
        missing: `error` refuses videos that the database lacks, `skip` goes on without them.

    Raises:
        SplitError: A file that cannot be read, videos that the database lacks, contents on two
            sides, options or names of splits that make no sense.
    """
    check_grouping(group_by)
    if missing not in ("error", "skip"):
        raise SplitError(f"missing={missing!r} is not known; use error or skip")
    if path is None:
        raise SplitError(
            "no splits given; set protocol.path to a .csv, .json or .mat file, or a run"
        )
    path = Path(path).expanduser()
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
            raise SplitError(f"{path}: count={count}: expected 1 to {len(splits)}, as it holds")
        splits = splits[:count]
    _check_names(path, splits)
    meant = _join(database, path, splits, missing)
    if matrix is not None:
        _compare_mos(database, matrix, meant)
    splits = [_translated(path, split, meant) for split in splits]
    splits = _kept_apart(database, path, splits, group_by)
    used = {name for split in splits for part in PARTS for name in getattr(split, part)}
    if len(used) < len(database):
        unused = len(database) - len(used)
        LOGGER.warning("%s: %d of %d videos are in no split", path, unused, len(database))
    return splits


def _from_json(path: Path) -> list[Split]:
    """One split file, or those of a folder in the order of their names: split9 before split10."""
    if path.is_file():
        return [read_split(path)]
    folder = path / "splits" if (path / "splits").is_dir() else path
    files = sorted(folder.glob("*.json"), key=lambda file: (len(file.stem), file.stem))
    if not files:
        raise SplitError(
            f"{path}: no splits there; expected a .csv, .json or .mat file, a folder of split "
            "files, or a run folder"
        )
    return [read_split(file) for file in files]


def _check_names(path: Path, splits: Sequence[Split]) -> None:
    names = [split.name for split in splits]
    bad = [name for name in names if not _NAME.fullmatch(name) or name.lower() in TAKEN]
    if bad or len({name.lower() for name in names}) < len(names):
        raise SplitError(
            f"{path}: the splits are called {some(bad or names)}; expected different names, since "
            "they become folders, of letters, digits, dot, dash and underscore, and not "
            f"{' or '.join(TAKEN)}"
        )


def _join(database: Database, path: Path, splits: Sequence[Split], missing: str) -> dict[str, str]:
    """The id that each name in the splits means; names that the database lacks are left out."""
    names = in_order({name for split in splits for part in PARTS for name in getattr(split, part)})
    # What was skipped takes part, lest its name be taken for the like name of another video.
    meant = match_names(names, [*(video.id for video in database.videos), *database.skipped])
    skipped = set(database.skipped)
    found = {name: key for name, key in meant.items() if key not in skipped}
    lost = [name for name in names if name not in found]
    if not lost:
        return found
    labelled = sum(name in meant for name in lost)
    text = (
        f"{path}: {len(lost)} of {len(names)} videos are not in {database.name} ({some(lost)}); "
        f"{labelled} of them are labelled but not on disk"
    )
    if not found:
        raise SplitError(f"{text}; are the splits of another database?")
    if missing == "error":
        raise SplitError(f"{text}; protocol.missing=skip goes on without them")
    LOGGER.warning("%s: going on without them", text)
    return found


def _translated(path: Path, split: Split, meant: Mapping[str, str]) -> Split:
    """The split in the database's ids, without videos that it lacks."""
    parts = {
        part: in_order(meant[name] for name in getattr(split, part) if name in meant)
        for part in PARTS
    }
    for part, ids in parts.items():
        if getattr(split, part) and not ids:
            raise SplitError(f"{path}: {split.name}: the database has no video of its {part} part")
    return replace(split, **parts)


def _kept_apart(
    database: Database, path: Path, splits: Sequence[Split], group_by: str
) -> list[Split]:
    """The splits, unless contents stand on two sides of one and that was not asked for."""
    contents = {split.name: straddling(database, split) for split in splits}
    torn = [split for split in splits if contents[split.name]]
    if not torn:
        log_leaks(database, splits)
        return list(splits)
    first, report = torn[0], leak_report(database, torn)
    text = (
        f"{path}: {len(torn)} of {len(splits)} splits put a content on two sides, {first.name} for "
        f"instance {some(contents[first.name])}; {report['leaked']} of {report['test']} test "
        "videos show a scene of the training part"
    )
    if group_by == "content":
        raise SplitError(
            f"{text}; protocol.group_by=video takes them as they are, protocol=repeated makes "
            "splits without"
        )
    LOGGER.warning("%s", text)
    # What a release fixed stays called official; all else is called what it is.
    return [
        replace(split, group_by="video") if split in torn and split.group_by == "content" else split
        for split in splits
    ]


def _compare_mos(database: Database, matrix: IndexMatrix, meant: Mapping[str, str]) -> None:
    """Warn where names agree and labels do not: another release, or names that mean others."""
    low, high = database.mos_range
    ours = {video.id: video.mos for video in database.videos}
    other = sum(
        abs(mos - ours[meant[name]]) > MOS_TOLERANCE * (high - low)
        for name, mos in zip(matrix.names, matrix.mos, strict=True)
        if name in meant
    )
    if other:
        LOGGER.warning(
            "%s: %d of %d MOS differ from those of %s; the splits do not depend on it",
            matrix.path,
            other,
            len(meant),
            database.name,
        )
