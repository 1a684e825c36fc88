"""The learning curves that a run stores: one `history.csv` per split, one row per epoch."""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

MEASURE = "val_srocc"


def read_histories(folder: Path, splits: Iterable[str]) -> dict[str, pd.DataFrame]:
    """Return the history of each split that has one, by its name; `epoch` is always a column."""
    found = {}
    for name in splits:
        path = folder / name / "history.csv"
        if path.is_file() and path.stat().st_size:
            table = pd.read_csv(path)
            found[name] = table if "epoch" in table else table.rename_axis("epoch").reset_index()
    return found


def validation_srocc(
    histories: Mapping[str, pd.DataFrame], splits: Sequence[str], selection: str
) -> float:
    """Return the validation SROCC at the selected epochs, mean over splits.

    Args:
        histories: From `read_histories`.
        splits: Names of the splits.
        selection: `val_srocc` takes the best epoch of each split, `last` its last.

    Raises:
        ValueError: A split has no validation SROCC in its history.
    """
    values = []
    for name in splits:
        table = histories.get(name)
        known = [] if table is None or MEASURE not in table else list(table[MEASURE].dropna())
        if not known:
            raise ValueError(
                f"{name}/history.csv: expected {MEASURE}, found none: the validation part is empty "
                "or its SROCC undefined; set protocol.val_fraction=0.2"
            )
        values.append(max(known) if selection == MEASURE else known[-1])
    return math.fsum(values) / len(values) if values else math.nan
