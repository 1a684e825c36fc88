"""Splits that test every video: k-fold cross-validation, and leaving one content out."""

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
    """Repeated k-fold cross-validation, `round0-fold0` to `round<rounds - 1>-fold<folds - 1>`.

    In each round every video is tested once. Folds are as near to one size as whole contents let a
    greedy deal come: never further apart than the largest content.

    Args:
        database: What to split.
        folds: Parts per round, two or more.
        rounds: How often all is dealt anew; a round does not depend on how many there are.
        val_fraction: Share of all videos to select on, taken from the training side.
        seed: Non-negative; with the round it fixes the folds.
        group_by: `content` keeps the videos of a content together, `video` does not.

    Raises:
        SplitError: Options out of range, or fewer contents than folds.
    """
    if folds < 2 or rounds < 1:
        raise SplitError(
            f"folds={folds}, rounds={rounds}: expected two folds and one round, or more"
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
    """One split per content, which alone is tested; named `content-<content>`.

    A content of fewer than three videos has no correlation of its own: pool the predictions of all
    splits, or use `kfold`.

    Args:
        database: What to split; videos without a content are contents of their own.
        val_fraction: Share of all videos to select on, taken from the training side.
        seed: Non-negative; fixes what is selected on.

    Raises:
        SplitError: Options out of range, or a single content.
    """
    check_options(val_fraction, seed)
    groups = groups_of(database, "content")
    if len(groups) < 2:
        raise SplitError(
            f"{database.name}: all {len(database)} videos are of one content, so nothing is left "
            "to train on; give contents in the label table, or use protocol.group_by=video with "
            "another protocol"
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
    """Whole groups, the largest first, each to the fold that holds the fewest videos so far."""
    dealt: list[list[Group]] = [[] for _ in range(folds)]
    sizes = [0] * folds
    for group in sorted(row, key=len, reverse=True):
        smallest = sizes.index(min(sizes))
        dealt[smallest].append(group)
        sizes[smallest] += len(group)
    return dealt


def _folder_names(contents: Sequence[str]) -> list[str]:
    """Names of splits, which are folder names too: distinct on any file system."""
    plain = [re.sub(r"[^A-Za-z0-9._-]+", "-", content) for content in contents]
    plain = [name[:NAME_LENGTH].rstrip(".") for name in plain]
    taken = Counter(name.lower() for name in plain)
    return [
        f"content-{name}" + (f"-{_digest(content)}" if taken[name.lower()] > 1 else "")
        for name, content in zip(plain, contents, strict=True)
    ]


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()[:8]
