"""Random splits into training, validation and test part."""

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
    """One random split, the first of `repeated` with the same options.

    Args:
        database: What to split.
        test_fraction: Share of all videos to test on; as near to it as whole contents allow.
        val_fraction: Share of all videos to select on, taken from the training side.
        seed: Non-negative; with the index of the split it fixes the shuffling.
        group_by: `content` keeps the videos of a content together, `video` does not.

    Raises:
        SplitError: Options out of range, or too few contents.
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
    """Independent random splits (Monte Carlo cross-validation), `split0` to `split<count - 1>`.

    Args:
        database: What to split.
        count: Number of splits.
        test_fraction: Share of all videos to test on; as near to it as whole contents allow.
        val_fraction: Share of all videos to select on, taken from the training side.
        seed: Non-negative; with the index of the split it fixes the shuffling.
        group_by: `content` keeps the videos of a content together, `video` does not.

    Raises:
        SplitError: Options out of range, or too few contents.
    """
    if count < 1:
        raise SplitError(f"count={count}: expected one split or more")
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
