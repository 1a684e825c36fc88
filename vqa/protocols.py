"""Splits as data: which videos train, which select, which test.

A protocol is a function `(database, **options) -> list[Split]`. Every random choice depends on the
ids, contents and seed alone: neither MOS nor the order of the records changes a split, and split k
of `repeated` is the same whatever the count. By default videos of one content stay on one side
(`group_by="content"`); `group_by="video"`, which much of the literature uses, lets the model meet
the test scenes in training and says so in the log.
"""

import logging
from collections.abc import Iterable, Sequence
from itertools import accumulate

import numpy as np

from vqa.records import Database
from vqa.splits import Split, SplitError, read_split, write_split

__all__ = [
    "Split",
    "SplitError",
    "full",
    "holdout",
    "official",
    "read_split",
    "repeated",
    "write_split",
]

LOGGER = logging.getLogger(__name__)

GROUPINGS = ("content", "video")


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
    _check_options(val_fraction, seed, left=1 - test_fraction)
    groups = _groups(database, group_by)
    shares = (test_fraction, val_fraction)
    splits = []
    for index in range(count):
        test, val, train = _draw(database, groups, shares, seed, index)
        splits.append(Split(f"split{index}", train, val, test, group_by, seed))
    if group_by == "video":
        _warn_of_shared_contents(database, splits)
    return splits


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
    _check_options(val_fraction, seed)
    parts: dict[str | None, list[str]] = {"train": [], "val": [], "test": [], None: []}
    for video in database.videos:
        parts[video.split].append(video.id)
    if parts[None] or not parts["train"] or not parts["test"]:
        found = ", ".join(f"{len(ids)} {part or 'without one'}" for part, ids in parts.items())
        raise SplitError(
            f"{database.name}: the official protocol needs a part (train, val, test) for every "
            f"video, found {found}; use protocol=repeated"
        )
    train, val = parts["train"], parts["val"]
    if val and val_fraction:
        LOGGER.info("%s: the release has a validation part; none is carved", database.name)
    elif val_fraction:
        groups = _groups(database, "content", within=train)
        val, train = _draw(database, groups, (val_fraction,), seed, 0)
    # What stays together is the release's business, and it may be neither content nor video.
    split = Split("split0", _sorted(train), _sorted(val), _sorted(parts["test"]), "official", seed)
    _warn_of_shared_contents(database, [split])
    return [split]


def full(database: Database, *, val_fraction: float = 0.0, seed: int = 0) -> list[Split]:
    """Train on everything and test elsewhere (cross-database studies, models to apply).

    Args:
        database: What to split.
        val_fraction: Share of all videos to select on, by content.
        seed: Non-negative; fixes what is selected on.

    Raises:
        SplitError: Options out of range, or too few contents.
    """
    _check_options(val_fraction, seed)
    train = _sorted(video.id for video in database.videos)
    val: tuple[str, ...] = ()
    if val_fraction:
        val, train = _draw(database, _groups(database, "content"), (val_fraction,), seed, 0)
    return [Split("split0", train, val, (), "content", seed)]


def _check_options(val_fraction: float, seed: int, left: float = 1.0) -> None:
    if not 0 <= val_fraction < left:
        raise SplitError(
            f"val_fraction={val_fraction}: expected a share from 0 to below {left:g}, so that "
            "some videos are left to train on"
        )
    if seed < 0:
        raise SplitError(f"seed={seed}: expected zero or more")


def _groups(
    database: Database, group_by: str, within: Iterable[str] | None = None
) -> list[tuple[str, ...]]:
    """Ids that stay together, in an order that the order of the records does not change."""
    if group_by not in GROUPINGS:
        raise SplitError(f"group_by={group_by!r}: expected {' or '.join(GROUPINGS)}")
    groups: dict[str, list[str]] = {}
    wanted = None if within is None else set(within)
    for video in database.videos:
        if wanted is None or video.id in wanted:
            key = video.content_id if group_by == "content" else video.id
            groups.setdefault(key, []).append(video.id)
    return [_sorted(groups[key]) for key in sorted(groups)]


def _draw(
    database: Database,
    groups: Sequence[tuple[str, ...]],
    shares: Sequence[float],
    seed: int,
    index: int,
) -> list[tuple[str, ...]]:
    """Deal shuffled groups into one part per share, and the rest.

    Each part takes whole groups from the shuffled row until its size is nearest to its share of
    the database, at least one where the share is positive; at least one is left for each part
    after it. The first part therefore does not depend on the shares of the others.
    """
    needed = sum(share > 0 for share in shares) + 1
    if len(groups) < needed:
        raise SplitError(
            f"{database.name}: too few contents: {len(groups)} groups of videos that stay together "
            f"do not fill {needed} parts"
        )
    order = np.random.default_rng([seed, index]).permutation(len(groups))
    row = [groups[position] for position in order]
    parts = []
    for share in shares:
        taken = 0
        if share > 0:
            needed -= 1
            sizes = list(accumulate(len(group) for group in row[: len(row) - needed]))
            target = share * len(database)
            taken = 1 + min(range(len(sizes)), key=lambda size: abs(sizes[size] - target))
        parts.append(_sorted(name for group in row[:taken] for name in group))
        row = row[taken:]
    return [*parts, _sorted(name for group in row for name in group)]


def _warn_of_shared_contents(database: Database, splits: Sequence[Split]) -> None:
    """One line, however many splits, where training has seen test contents."""
    content_of = {video.id: video.content_id for video in database.videos}
    shared = []
    for split in splits:
        trained = {content_of[name] for name in split.train}
        shared.append(sum(content_of[name] in trained for name in split.test))
    if any(shared):
        LOGGER.warning(
            "%s: %s of %d test videos share a content with the training part (%d splits by %s)",
            database.name,
            " to ".join(str(count) for count in sorted({min(shared), max(shared)})),
            len(splits[0].test),
            len(splits),
            splits[0].group_by,
        )


def _sorted(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(names))
