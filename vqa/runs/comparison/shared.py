"""Common ground of finished runs: a database, splits, and scores of the same videos.

Runs are compared on the same test videos or not at all: a split counts only if every run has it
with the same hash. Train with `protocol=imported` on the `splits/` of the first run to make others
comparable.
"""

from collections.abc import Sequence

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


def shared_splits(runs: Sequence[Run]) -> list[Split]:
    """Return the splits with a test part that every run has, by hash.

    Raises:
        ComparisonError: The runs share no split.
    """
    hashes = [{split.sha256 for split in run.splits()} for run in runs]
    shared = [
        split
        for split in runs[0].splits()
        if split.test and all(split.sha256 in known for known in hashes)
    ]
    if not shared:
        raise ComparisonError(
            f"the runs share no split; train the others with protocol=imported "
            f"protocol.path={runs[0].folder / 'splits'}"
        )
    return shared


def joined_scores(
    runs: Sequence[Run], labels: Sequence[str], splits: Sequence[Split]
) -> pd.DataFrame:
    """Join the scores of all runs by split and video.

    Args:
        runs: Runs that `check_runs` accepts.
        labels: Column name for each run.
        splits: Splits to use.

    Returns:
        Columns `split, video, mos` and one of scores per run.

    Raises:
        ComparisonError: Two runs have different MOS for a video.
    """
    # Splits with the same hash have the same name, because the name is hashed as well.
    names = {split.name for split in splits}
    table = None
    for run, label in zip(runs, labels, strict=True):
        part = run.predictions()
        part = part[part["split"].isin(names)].rename(columns={"score": label})
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
