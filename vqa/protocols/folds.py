"""Splits that test every video: k-fold cross-validation and leave-one-content-out."""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence

from vqa.databases.records import Database
from vqa.protocols.grouping import Group, check_options, deal, groups_of, joined, shuffled
from vqa.protocols.leaks import log_leaks
from vqa.protocols.splits import Split, SplitError

NAME_LENGTH = 80


def kfold(
    database: Database,
    *,
    folds: int = 5,
    rounds: int = 20,
    val_fraction: float = 0.0,
    seed: int = 0,
    group_by: str = "content",
) -> list[Split]:
    """Make k-fold splits, `round0-fold0` to `round<rounds - 1>-fold<folds - 1>`.

    In each round every video is tested once. Contents are dealt greedily to keep the folds at
    similar sizes; the sizes never differ by more than the largest content.

    Args:
        database: The database to split.
        folds: Folds per round, at least 2.
        rounds: Number of rounds; a round does not depend on how many there are.
        val_fraction: Share of all videos in the validation part, taken from the training part.
        seed: Non-negative; with the number of the round it determines the folds.
        group_by: `content` keeps the videos of a content together, `video` does not.

    Raises:
        SplitError: An option is out of range, or there are fewer contents than folds.

    Examples:
        >>> from pathlib import Path
        >>> from vqa.databases.records import VideoRecord, build_database
        >>> from vqa.protocols import kfold
        >>> videos = [VideoRecord(f"{k}", Path("a.mp4"), 3, content=f"{k % 3}") for k in range(6)]
        >>> database = build_database("mine", videos, mos_range=(1, 5), missing="keep")
        >>> splits = kfold(database, folds=3, rounds=1)
        >>> [(split.name, len(split.test)) for split in splits]
        [('round0-fold0', 2), ('round0-fold1', 2), ('round0-fold2', 2)]
    """
    if folds < 2 or rounds < 1:
        raise SplitError(
            f"folds={folds}, rounds={rounds}: expected at least two folds and one round"
        )
    check_options(val_fraction, seed, left=1 - 1 / folds)
    groups = groups_of(database, group_by)
    if len(groups) < folds:
        raise SplitError(
            f"{database.name}: too few contents: {len(groups)} groups of videos that stay together "
            f"do not fill {folds} folds; lower protocol.folds"
        )
    splits = []
    for turn in range(rounds):
        dealt = _balanced(shuffled(groups, (seed, turn)), folds)
        for fold, tested in enumerate(dealt):
            rest = [group for other in dealt if other is not tested for group in other]
            val, train = deal(database, rest, (val_fraction,), (seed, turn, fold))
            name = f"round{turn}-fold{fold}"
            splits.append(Split(name, train, val, joined(tested), group_by, seed))
    log_leaks(database, splits)
    return splits


def leave_one_content_out(
    database: Database, *, val_fraction: float = 0.0, seed: int = 0
) -> list[Split]:
    """Make one split per content, which is its test part; named `content-<content>`.

    Correlations over fewer than three videos are undefined. If contents are that small, pool the
    predictions of all splits, or use `kfold`.

    Args:
        database: The database to split; each video without a content is a content by itself.
        val_fraction: Share of all videos in the validation part, taken from the training part.
        seed: Non-negative; determines the validation parts.

    Raises:
        SplitError: An option is out of range, or there is only one content.
    """
    check_options(val_fraction, seed)
    groups = groups_of(database, "content")
    if len(groups) < 2:
        raise SplitError(
            f"{database.name}: all {len(database)} videos are of one content, so none remains for "
            "training; add contents to the label table, or use another protocol with "
            "protocol.group_by=video"
        )
    content_of = {video.id: video.content_id for video in database.videos}
    names = _folder_names([content_of[group[0]] for group in groups])
    splits = []
    for index, (name, tested) in enumerate(zip(names, groups, strict=True)):
        rest = [*groups[:index], *groups[index + 1 :]]
        val, train = deal(database, rest, (val_fraction,), (seed, index))
        splits.append(Split(name, train, val, tested, "content", seed))
    log_leaks(database, splits)
    return splits


def _balanced(row: Sequence[Group], folds: int) -> list[list[Group]]:
    """Deal groups, the largest first, each to the fold with the fewest videos so far."""
    dealt: list[list[Group]] = [[] for _ in range(folds)]
    sizes = [0] * folds
    for group in sorted(row, key=len, reverse=True):
        smallest = sizes.index(min(sizes))
        dealt[smallest].append(group)
        sizes[smallest] += len(group)
    return dealt


def _folder_names(contents: Sequence[str]) -> list[str]:
    """Return names of splits, which also name folders: distinct on any file system."""
    plain = [re.sub(r"[^A-Za-z0-9._-]+", "-", content) for content in contents]
    plain = [name[:NAME_LENGTH].rstrip(".") for name in plain]
    taken = Counter(name.lower() for name in plain)
    return [
        f"content-{name}" + (f"-{_digest(content)}" if taken[name.lower()] > 1 else "")
        for name, content in zip(plain, contents, strict=True)
    ]


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode("utf-8")).hexdigest()[:8]
