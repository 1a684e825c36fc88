"""Random splits into training, validation and test parts."""

from vqa.databases.records import Database
from vqa.protocols.grouping import check_options, deal, groups_of
from vqa.protocols.leaks import log_leaks
from vqa.protocols.splits import Split, SplitError


def holdout(
    database: Database,
    *,
    test_fraction: float = 0.2,
    val_fraction: float = 0.0,
    seed: int = 0,
    group_by: str = "content",
) -> list[Split]:
    """Make one random split, the first of `repeated` with the same options.

    See `repeated` for the arguments.

    Raises:
        SplitError: An option is out of range, or there are too few contents.

    Examples:
        >>> from pathlib import Path
        >>> from vqa.databases.records import VideoRecord, build_database
        >>> from vqa.protocols import holdout
        >>> videos = [VideoRecord(f"{k}", Path("a.mp4"), 3, content=f"{k % 5}") for k in range(10)]
        >>> database = build_database("mine", videos, mos_range=(1, 5), missing="keep")
        >>> [split] = holdout(database, test_fraction=0.2, val_fraction=0.2)
        >>> {part: len(ids) for part, ids in split.parts.items()}
        {'train': 6, 'val': 2, 'test': 2}
    """
    return repeated(
        database,
        count=1,
        test_fraction=test_fraction,
        val_fraction=val_fraction,
        seed=seed,
        group_by=group_by,
    )


def repeated(
    database: Database,
    *,
    count: int = 10,
    test_fraction: float = 0.2,
    val_fraction: float = 0.0,
    seed: int = 0,
    group_by: str = "content",
) -> list[Split]:
    """Make independent random splits (Monte Carlo cross-validation), `split0`, `split1`, ...

    Args:
        database: The database to split.
        count: Number of splits.
        test_fraction: Share of all videos in the test part, as close as whole contents allow.
        val_fraction: Share of all videos in the validation part, taken from the training part.
        seed: Non-negative; with the index of the split it determines the shuffling.
        group_by: `content` keeps the videos of a content together, `video` does not.

    Raises:
        SplitError: An option is out of range, or there are too few contents.
    """
    if count < 1:
        raise SplitError(f"count={count}: expected at least one split")
    if not 0 < test_fraction < 1:
        raise SplitError(f"test_fraction={test_fraction}: expected a share between 0 and 1")
    check_options(val_fraction, seed, left=1 - test_fraction)
    groups = groups_of(database, group_by)
    shares = (test_fraction, val_fraction)
    splits = []
    for index in range(count):
        test, val, train = deal(database, groups, shares, (seed, index))
        splits.append(Split(f"split{index}", train, val, test, group_by, seed))
    log_leaks(database, splits)
    return splits
