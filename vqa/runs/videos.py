"""The table of a run's videos, `videos.csv`: the label of each and the facts of its file."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from vqa.databases.records import VideoRecord
from vqa.evaluation.metrics import mos_ci95

LABEL_COLUMNS = (
    "mos", "mos_std", "ratings", "content", "group", "width", "height", "frame_rate_hz", "frames",
)  # fmt: skip
COLUMNS = ("video", *LABEL_COLUMNS, "duration_s", "codec", "source")
TEXT_COLUMNS = ("video", "content", "group", "codec", "source")


def video_table(
    videos: Sequence[VideoRecord], facts: Callable[[VideoRecord], Mapping[str, str]]
) -> pd.DataFrame:
    """A row for each video; what its label says goes before what was found in its file.

    Args:
        videos: Those to list.
        facts: Of a video's file, by column; others than `COLUMNS` are left out.
    """
    rows = []
    for video in videos:
        label = {name: getattr(video, name) for name in LABEL_COLUMNS}
        known = {name: value for name, value in label.items() if value is not None}
        rows.append({**facts(video), **known, "video": video.id, "content": video.content_id})
    return pd.DataFrame(rows, columns=COLUMNS)


def read_video_table(path: Path) -> pd.DataFrame:
    """The stored table, indexed by video; names are text, absent values NaN."""
    text = dict.fromkeys(TEXT_COLUMNS, str)
    table = pd.read_csv(path, dtype=text, keep_default_na=False, na_values=[""])
    return table.set_index("video")


def ci95_of(table: pd.DataFrame) -> pd.Series | None:
    """Half-width of the 95 % confidence interval of each video's MOS, where it is known.

    Args:
        table: Indexed by video, with `mos_std` and `ratings`.

    Returns:
        Those with two ratings or more; None where there is none.
    """
    known = table[["mos_std", "ratings"]].dropna()
    known = known[known["ratings"] >= 2]
    if known.empty:
        return None
    return pd.Series(mos_ci95(known["mos_std"], known["ratings"]), known.index)
