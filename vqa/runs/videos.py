"""The table of a run's videos, `videos.csv`: the label of each and the facts about its file."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from vqa.databases.records import VideoRecord
from vqa.evaluation.metrics import mos_ci95

LABEL_COLUMNS = (
    "mos", "mos_std", "ratings", "content", "group", "width", "height", "frame_rate_hz", "frames",
)  # fmt: skip
COLUMNS = ("video", *LABEL_COLUMNS, "duration_s", "codec", "source", "note")
TEXT_COLUMNS = ("video", "content", "group", "codec", "source", "note")


def video_table(
    videos: Sequence[VideoRecord], facts: Callable[[VideoRecord], Mapping[str, str]]
) -> pd.DataFrame:
    """Return a row for each video; the label takes precedence over facts found in the file.

    Args:
        videos: Videos to list.
        facts: Facts about a video file, by column; columns outside `COLUMNS` are dropped.
    """
    rows = []
    for video in videos:
        label = {name: getattr(video, name) for name in LABEL_COLUMNS}
        known = {name: value for name, value in label.items() if value is not None}
        row = {**facts(video), **known, "video": video.id, "content": video.content_id}
        rows.append([row.get(name) for name in COLUMNS])
    return pd.DataFrame(rows, columns=COLUMNS)


def read_video_table(path: Path) -> pd.DataFrame:
    """Read the stored table, indexed by video; names are text, absent values NaN.

    Raises:
        LookupError: There is no column `video`.
        ValueError: Not a table, or a cell that should be a number is not.
    """
    text = dict.fromkeys(TEXT_COLUMNS, str)
    table = pd.read_csv(path, dtype=text, keep_default_na=False, na_values=[""])
    table = table.set_index("video")
    absent = [name for name in COLUMNS[1:] if name not in table]
    table = table.assign(**dict.fromkeys(absent, np.nan))
    for name in table.columns.difference(TEXT_COLUMNS):
        table[name] = pd.to_numeric(table[name])
    return table


def ci95_of(table: pd.DataFrame) -> pd.Series | None:
    """Return the half-width of the 95 % confidence interval of each MOS, if known.

    Args:
        table: Indexed by video, with the columns `mos_std` and `ratings`.

    Returns:
        The videos with at least two ratings; None if there is none.
    """
    known = table[["mos_std", "ratings"]].dropna()
    known = known[known["ratings"] >= 2]
    if known.empty:
        return None
    return pd.Series(mos_ci95(known["mos_std"], known["ratings"]), known.index)
