"""The learning curves that a run stores: one `history.csv` per split, one row per epoch."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd


def read_histories(folder: Path, splits: Iterable[str]) -> dict[str, pd.DataFrame]:
    """Return the history of each split that has one, by its name; `epoch` is always a column."""
    found = {}
    for name in splits:
        path = folder / name / "history.csv"
        if path.is_file() and path.stat().st_size:
            table = pd.read_csv(path)
            found[name] = table if "epoch" in table else table.rename_axis("epoch").reset_index()
    return found
