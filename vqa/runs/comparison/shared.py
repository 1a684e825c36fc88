"""Common ground of finished runs: a database, splits, and scores of the same videos.

Runs are compared on the same test videos or not at all: a split counts only if every run has it
with the same hash. Train with `protocol=imported` on the `splits/` of the first run to make others
comparable. A model that saw no video of the database, such as published weights, is compared on
whatever test parts the others share.
"""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from vqa.protocols.splits import Split
from vqa.runs.run import Run


class ComparisonError(ValueError):
    """Runs that cannot be compared; the text says why and what would help."""


def check_runs(runs: Sequence[Run]) -> None:
    """Refuse runs that cannot be compared.

    Raises:
        ComparisonError: Fewer than two, one that is not finished or tested nothing, or runs of
            different databases.
    """
    if len(runs) < 2:
        raise ComparisonError(f"{len(runs)} run given; expected two or more to compare")
    for run in runs:
        if not run.finished or run.results() is None:
            raise ComparisonError(
                f"{run.folder} is not finished, or tested nothing; expected a run with results"
            )
    names = sorted({run.database["name"] for run in runs})
    if len(names) > 1:
        raise ComparisonError(
            f"the runs are on different databases ({', '.join(names)}); compare runs of one"
        )


def distinct_labels(runs: Sequence[Run]) -> list[str]:
    """Return the names of the runs or, if two are equal, the names of their folders."""
    names = [str(run.config["name"]) for run in runs]
    folders = [run.folder.resolve().name for run in runs]
    for chosen in (names, folders):
        if len(set(chosen)) == len(runs):
            return chosen
    return [f"{folder} ({place})" for place, folder in enumerate(folders, 1)]


def trained_elsewhere(run: Run) -> bool:
    """Return whether a run has one model, and it was trained on no video of this database."""
    splits = run.splits()
    return len(splits) == 1 and not set(splits[0].train) & set(run.videos().index)


def shared_splits(runs: Sequence[Run]) -> list[Split]:
    """Return the splits with a test part that every run has, by hash.

    Runs whose one model was trained elsewhere take those of the others; if there are no others, the
    videos that all of them scored are the one split.

    Raises:
        ComparisonError: The runs share no split.
    """
    if shared := _of_all(runs):
        return shared
    if own := [run for run in runs if not trained_elsewhere(run)]:
        if shared := _of_all(own):
            return shared
        raise ComparisonError(
            f"the runs share no split; train the others with protocol=imported "
            f"protocol.path={own[0].folder / 'splits'}"
        )
    first, *others = (run.splits()[0] for run in runs)
    common = set(first.test).intersection(*(split.test for split in others))
    if not common:
        raise ComparisonError("the runs scored no video in common; test them on the same videos")
    test = tuple(video for video in first.test if video in common)
    return [replace(first, name="common", test=test)]


def _of_all(runs: Sequence[Run]) -> list[Split]:
    """Return the splits with a test part that every run has, by hash."""
    hashes = [{split.sha256 for split in run.splits()} for run in runs]
    return [
        split
        for split in runs[0].splits()
        if split.test and all(split.sha256 in known for known in hashes)
    ]


def scores_on(run: Run, splits: Sequence[Split]) -> pd.DataFrame:
    """Return a run's predictions of test parts, `split, video, mos, score`.

    Args:
        run: Has these splits, or one model that was trained elsewhere.
        splits: From `shared_splits`.
    """
    predictions, own = run.predictions(), {split.sha256 for split in run.splits()}
    if all(split.sha256 in own for split in splits):
        # Splits with the same hash have the same name, because the name is hashed as well.
        return predictions[predictions["split"].isin({split.name for split in splits})]
    parts = [
        predictions[predictions["video"].isin(split.test)].assign(split=split.name)
        for split in splits
    ]
    return pd.concat(parts, ignore_index=True)


def joined_scores(
    runs: Sequence[Run], labels: Sequence[str], splits: Sequence[Split]
) -> pd.DataFrame:
    """Join the scores of all runs by split and video.

    Args:
        runs: Runs that `check_runs` accepts.
        labels: Column name for each run.
        splits: Splits to use.

    Returns:
        Columns `split, video, mos` and one of scores per run, for videos that all scored.

    Raises:
        ComparisonError: Two runs have different MOS for a video.
    """
    table = None
    for run, label in zip(runs, labels, strict=True):
        part = scores_on(run, splits).rename(columns={"score": label})
        if table is None:
            table = part
            continue
        table = table.merge(part, "inner", ["split", "video"], suffixes=("", " of it"))
        differ = table[(table["mos"] - table["mos of it"]).abs() > 1e-9]
        if len(differ):
            raise ComparisonError(
                f"{label} has other MOS than {labels[0]} for {len(differ)} predictions, for "
                f"example {differ['video'].iloc[0]}; expected runs trained on the same labels"
            )
        table = table.drop(columns="mos of it")
    return table
