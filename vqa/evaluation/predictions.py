"""Tables of predictions: the columns `split, video, mos, score`, a row per test video and split."""

from pathlib import Path

import numpy as np
import pandas as pd

from vqa.files import user_path

COLUMNS = ("split", "video", "mos", "score")
# Squares of larger numbers, and their sums, are not finite.
LARGEST = 1e100
LONGEST_SHOWN = 60


def read_predictions(path: str | Path) -> pd.DataFrame:
    """Read anyone's predictions: a CSV with `mos,score` and optional `split`, `video`.

    Without `split` all rows form one split named `all`. Without `video` the videos are called
    `row 1`, `row 2` and so on.

    Raises:
        FileNotFoundError: No such file.
        ValueError: Not a table with these columns, or a cell that is not a finite number; the text
            names the line.
    """
    path = user_path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such predictions file; expected a CSV with mos,score")
    try:
        table = pd.read_csv(path, dtype=str, encoding="utf-8-sig", keep_default_na=False)
        # pandas renames columns that appear twice.
        header = pd.read_csv(path, dtype=str, encoding="utf-8-sig", header=None, nrows=1).iloc[0]
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not a readable CSV table: {error}") from error
    if not isinstance(table.index, pd.RangeIndex):
        raise ValueError(f"{path}: the rows have more cells than the header names columns")
    table.columns = [str(column).strip() for column in header]
    repeated = [column for column in COLUMNS if list(table.columns).count(column) > 1]
    if repeated:
        raise ValueError(f"{path}: column {repeated[0]} appears twice; keep one of the two")
    missing = [column for column in ("mos", "score") if column not in table]
    if missing:
        raise ValueError(
            f"{path}: no column {' and '.join(missing)}; expected mos,score and optional "
            f"split,video, found {', '.join(table.columns)}"
        )
    numbers = {column: pd.to_numeric(table[column], errors="coerce") for column in ("mos", "score")}
    for column, values in numbers.items():
        wrong = np.flatnonzero(~(values.abs() <= LARGEST))
        if len(wrong):
            row = wrong[0]
            raise ValueError(
                f"{path}: {len(wrong)} cells of {column} are not finite numbers, first "
                f"{table[column].iloc[row][:LONGEST_SHOWN]!r} in line {row + 2}; correct or remove "
                "these rows"
            )
    rows = [f"row {number}" for number in range(1, len(table) + 1)]
    predictions = pd.DataFrame(
        {
            "split": table.get("split", "all"),
            "video": table.get("video", rows),
            "mos": numbers["mos"].astype(float),
            "score": numbers["score"].astype(float),
        }
    )
    try:
        check_predictions(predictions)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return predictions


def check_predictions(predictions: pd.DataFrame) -> None:
    """Check a table of predictions.

    Raises:
        ValueError: Missing columns, no rows, an empty name, or a video twice in a split.
    """
    missing = [column for column in COLUMNS if column not in predictions]
    if missing:
        raise ValueError(
            f"predictions lack {', '.join(missing)}; expected the columns {', '.join(COLUMNS)}, "
            f"found {', '.join(map(str, predictions.columns))}"
        )
    if predictions.empty:
        raise ValueError("the predictions have no rows; expected at least one test video")
    names = predictions[["split", "video"]]
    if (names.isna() | (names == "")).any(axis=None):
        raise ValueError("predictions with an empty split or video name; every row needs both")
    twice = predictions[predictions.duplicated(["split", "video"])]
    if len(twice):
        first = twice.iloc[0]
        raise ValueError(
            f"{len(twice)} videos are predicted more than once in a split, first "
            f"{first['video']!r} in split {first['split']!r}; keep one row per video"
        )
