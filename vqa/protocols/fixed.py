"""Splits that leave nothing to chance but the validation part."""

import logging

from vqa.databases.records import Database
from vqa.protocols.grouping import check_options, deal, groups_of, in_order
from vqa.protocols.leaks import log_leaks
from vqa.protocols.splits import Split, SplitError

LOGGER = logging.getLogger(__name__)


def official(database: Database, *, val_fraction: float = 0.0, seed: int = 0) -> list[Split]:
    """The split that the release fixes (`VideoRecord.split`).

    Args:
        database: What to split; every record must name its part.
        val_fraction: Where the release has no validation part: share of all videos to carve from
            the training part, by content.
        seed: Non-negative; fixes what is carved.

    Raises:
        SplitError: The release fixes no split, or options out of range.
    """
    check_options(val_fraction, seed)
    parts: dict[str | None, list[str]] = {"train": [], "val": [], "test": [], None: []}
    for video in database.videos:
        parts[video.split].append(video.id)
    if parts[None] or not parts["train"] or not parts["test"]:
        found = ", ".join(f"{len(ids)} {part or 'without one'}" for part, ids in parts.items())
        raise SplitError(
            f"{database.name}: the official protocol needs a part (train, val, test) for every "
            f"video, found {found}; use protocol=repeated"
        )
    train, val = in_order(parts["train"]), in_order(parts["val"])
    if val and val_fraction:
        LOGGER.info("%s: the release has a validation part; none is carved", database.name)
    elif val_fraction:
        groups = groups_of(database, "content", within=train)
        val, train = deal(database, groups, (val_fraction,), (seed, 0))
    # What stays together is the release's business, and it may be neither content nor video.
    splits = [Split("split0", train, val, in_order(parts["test"]), "official", seed)]
    log_leaks(database, splits)
    return splits


def full(database: Database, *, val_fraction: float = 0.0, seed: int = 0) -> list[Split]:
    """Train on everything and test elsewhere (cross-database studies, models to apply).

    Args:
        database: What to split.
        val_fraction: Share of all videos to select on, by content.
        seed: Non-negative; fixes what is selected on.

    Raises:
        SplitError: Options out of range, or too few contents.
    """
    check_options(val_fraction, seed)
    train = in_order(video.id for video in database.videos)
    val: tuple[str, ...] = ()
    if val_fraction:
        val, train = deal(database, groups_of(database, "content"), (val_fraction,), (seed, 0))
    return [Split("split0", train, val, (), "content", seed)]
