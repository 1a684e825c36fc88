"""What protocols draw with: groups of videos that stay together, dealt whole into parts."""

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
    """Refuse a validation share that leaves nothing of `left` to train on, and negative seeds.

    Raises:
        SplitError: One of them is out of range.
    """
    if not 0 <= val_fraction < left:
        raise SplitError(
            f"val_fraction={val_fraction}: expected a share from 0 to below {left:g}, so that "
            "some videos are left to train on"
        )
    if seed < 0:
        raise SplitError(f"seed={seed}: expected zero or more")


def groups_of(
    database: Database, group_by: str, within: Iterable[str] | None = None
) -> list[Group]:
    """Ids that stay together, in an order that the order of the records does not change.

    Args:
        database: Whose videos.
        group_by: `content` or `video`.
        within: Only these ids; None takes all.

    Raises:
        SplitError: `group_by` is neither.
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
    """Refuse what is neither `content` nor `video`.

    Raises:
        SplitError: It is neither.
    """
    if group_by not in GROUPINGS:
        raise SplitError(f"group_by={group_by!r}: expected {' or '.join(GROUPINGS)}")


def shuffled(items: Sequence[Item], key: Sequence[int]) -> list[Item]:
    """The items in an order that `key`, for instance seed and index, fixes."""
    return [items[place] for place in np.random.default_rng(list(key)).permutation(len(items))]


def deal(
    database: Database, groups: Sequence[Group], shares: Sequence[float], key: Sequence[int]
) -> list[Group]:
    """Deal shuffled groups into one part per share, and the rest.

    Each part takes whole groups from the shuffled row until its size is nearest to its share of
    the database, at least one where the share is positive; at least one is left for each part
    after it. The first part therefore does not depend on the shares of the others.

    Args:
        database: Its size is what the shares are of, its name goes into the error.
        groups: What stays together.
        shares: Sizes of the parts as shares of the whole database.
        key: Fixes the shuffling.

    Returns:
        One part per share and the rest, ids in order.

    Raises:
        SplitError: Fewer groups than parts.
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
    """All ids of some groups, in order."""
    return in_order(name for group in groups for name in group)


def in_order(names: Iterable[str]) -> Group:
    """Ids in alphabetical order, as every part of a split lists them."""
    return tuple(sorted(names))
