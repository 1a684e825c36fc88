"""Splits with fixed parts: at most the validation part is random."""

import logging

from vqa.databases.records import Database
from vqa.protocols.grouping import check_options, deal, groups_of, in_order
from vqa.protocols.leaks import log_leaks
from vqa.protocols.splits import Split, SplitError

LOGGER = logging.getLogger(__name__)


def official(database: Database, *, val_fraction: float = 0.0, seed: int = 0) -> list[Split]:
    """Return the split that the release defines (`VideoRecord.split`).

    Args:
        database: The database to split; every record must have a part.
        val_fraction: If the release has no validation part, the share of all videos to move from
            the training part to the validation part, by content.
        seed: Non-negative; determines which videos are moved.

    Raises:
        SplitError: The release defines no split, or an option is out of range.
    """
    check_options(val_fraction, seed)
    parts: dict[str | None, list[str]] = {"train": [], "val": [], "test": [], None: []}
    for video in database.videos:
        parts[video.split].append(video.id)
    if parts[None] or not parts["train"] or not parts["test"]:
        found = ", ".join(f"{len(ids)} {part or 'without part'}" for part, ids in parts.items())
        raise SplitError(
            f"{database.name}: the official protocol needs a part (train, val, test) for every "
            f"video, found {found}; use protocol=repeated"
        )
    train, val = in_order(parts["train"]), in_order(parts["val"])
    if val and val_fraction:
        LOGGER.info("%s: ignored val_fraction: the release has a validation part", database.name)
    elif val_fraction:
        groups = groups_of(database, "content", within=train)
        val, train = deal(database, groups, (val_fraction,), (seed, 0))
    # The release decides which videos stay together, so this is neither by content nor by video.
    splits = [Split("split0", train, val, in_order(parts["test"]), "official", seed)]
    log_leaks(database, splits)
    return splits


def full(database: Database, *, val_fraction: float = 0.0, seed: int = 0) -> list[Split]:
    """Train on everything, for tests on another database and for models to apply.

    Args:
        database: The database to split.
        val_fraction: Share of all videos in the validation part, by content.
        seed: Non-negative; determines the validation part.

    Raises:
        SplitError: An option is out of range, or there are too few contents.
    """
    check_options(val_fraction, seed)
    train = in_order(video.id for video in database.videos)
    val: tuple[str, ...] = ()
    if val_fraction:
        val, train = deal(database, groups_of(database, "content"), (val_fraction,), (seed, 0))
    return [Split("split0", train, val, (), "content", seed)]
