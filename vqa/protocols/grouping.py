"""Groups of videos that stay together, and how protocols deal them into parts."""

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import TypeVar

import numpy as np

from vqa.databases.records import Database
from vqa.protocols.splits import SplitError

GROUPINGS = ("content", "video")

Group = tuple[str, ...]
Item = TypeVar("Item")


def check_options(val_fraction: float, seed: int, left: float = 1.0) -> None:
    """Refuse a negative seed, and a validation share that leaves nothing to train on.

    Args:
        val_fraction: Share of the validation part.
        seed: The seed.
        left: Share that the test part leaves for training and validation.

    Raises:
        SplitError: One of them is out of range.
    """
    if not 0 <= val_fraction < left:
        raise SplitError(
            f"val_fraction={val_fraction}: expected a share from 0 to below {left:g}, so that "
            "some videos remain for training"
        )
    if seed < 0:
        raise SplitError(f"seed={seed}: expected zero or more")


def groups_of(
    database: Database, group_by: str, within: Iterable[str] | None = None
) -> list[Group]:
    """Group ids that stay together; the result does not depend on the order of the records.

    Args:
        database: The database.
        group_by: `content` or `video`.
        within: The ids to group; None takes all.

    Raises:
        SplitError: `group_by` has another value.
    """
    check_grouping(group_by)
    groups: dict[str, list[str]] = {}
    wanted = None if within is None else set(within)
    for video in database.videos:
        if wanted is None or video.id in wanted:
            key = video.content_id if group_by == "content" else video.id
            groups.setdefault(key, []).append(video.id)
    return [in_order(groups[key]) for key in sorted(groups)]


def check_grouping(group_by: str) -> None:
    """Refuse a grouping other than `content` and `video`.

    Raises:
        SplitError: It is another one.
    """
    if group_by not in GROUPINGS:
        raise SplitError(f"group_by={group_by!r}: expected {' or '.join(GROUPINGS)}")


def shuffled(items: Sequence[Item], key: Sequence[int]) -> list[Item]:
    """Return the items in an order that depends only on `key`, for example seed and index."""
    return [items[place] for place in np.random.default_rng(list(key)).permutation(len(items))]


def deal(
    database: Database, groups: Sequence[Group], shares: Sequence[float], key: Sequence[int]
) -> list[Group]:
    """Deal shuffled groups into one part per share and a rest.

    Each part takes whole groups from the shuffled row until its size is as close as possible to its
    share of the database. A part with a positive share takes at least one group and leaves at least
    one for each part after it. Therefore the first part does not depend on the other shares.

    Args:
        database: The database; shares refer to its size.
        groups: Groups of ids that stay together.
        shares: Sizes of the parts as shares of the whole database.
        key: Determines the shuffling.

    Returns:
        One part per share and then the rest, with sorted ids.

    Raises:
        SplitError: There are fewer groups than parts.
    """
    needed = sum(share > 0 for share in shares) + 1
    if len(groups) < needed:
        raise SplitError(
            f"{database.name}: too few contents: {len(groups)} groups of videos that stay together "
            f"do not fill {needed} parts"
        )
    row = shuffled(groups, key)
    parts = []
    for share in shares:
        taken = 0
        if share > 0:
            needed -= 1
            sizes = list(accumulate(len(group) for group in row[: len(row) - needed]))
            target = share * len(database)
            taken = 1 + min(range(len(sizes)), key=lambda size: abs(sizes[size] - target))
        parts.append(joined(row[:taken]))
        row = row[taken:]
    return [*parts, joined(row)]


def joined(groups: Iterable[Group]) -> Group:
    """Return all ids of some groups, sorted."""
    return in_order(name for group in groups for name in group)


def in_order(names: Iterable[str]) -> Group:
    """Return ids in alphabetical order, as in every part of a split."""
    return tuple(sorted(names))
