"""Metrics for each kind of video: by resolution, frame rate, duration, group and content.

The facts about the videos come from `videos.csv` in the run folder. Sizes, rates and durations are
assigned to the nearest usual value by ratio: 404 x 720 counts as 360p, 29.97 Hz as 30 Hz.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vqa.evaluation.metrics import METRICS, undefined

GROUPINGS = {
    "resolution": "Resolution",
    "frame_rate": "Frame rate",
    "duration": "Duration",
    "group": "Group",
    "content": "Content",
}
HEIGHTS = (144, 240, 288, 360, 480, 540, 720, 1080, 1440, 2160, 4320)
RATES_HZ = (10, 12, 15, 20, 24, 25, 30, 48, 50, 60, 90, 100, 120, 240)
DURATIONS_S = (1, 2, 3, 5, 8, 10, 15, 20, 30, 45, 60, 120, 300, 600)
UNKNOWN = "unknown"
FEW = 20
MOST_GROUPS = 40
# Metrics of a group, on unmapped scores: a curve fitted to a few videos says little.
GROUP_METRICS = ("srocc", "plcc_raw", "rmse_raw")


def read_groups(path: Path) -> pd.DataFrame:
    """Read the groups of each video from `videos.csv`; without rows if the file is absent.

    Returns:
        Indexed by video, a text column for each of `GROUPINGS` with at least two groups; `UNKNOWN`
        for videos whose group is not known.

    Raises:
        ValueError: The table has no column `video`, or a cell that is not a number.
    """
    if not path.is_file():
        return pd.DataFrame(index=pd.Index([], name="video"))
    videos = pd.read_csv(path, dtype=str, keep_default_na=False)
    if "video" not in videos:
        raise ValueError(f"{path}: no column video; found {', '.join(videos.columns)}")
    try:
        return assign_groups(videos.drop_duplicates("video").set_index("video"))
    except ValueError as error:
        raise ValueError(f"{path}: {error}; expected numbers or empty cells") from error


def assign_groups(videos: pd.DataFrame) -> pd.DataFrame:
    """Assign each video to its groups.

    Args:
        videos: Indexed by video, with any of the columns `width, height, frame_rate_hz, frames,
            duration_s, group, content`. Empty cells and NaN are unknown.
    """
    numbers = {
        name: pd.to_numeric(videos[name].replace("", np.nan)).astype(float)
        if name in videos
        else pd.Series(np.nan, index=videos.index)
        for name in ("width", "height", "frame_rate_hz", "frames", "duration_s")
    }
    # Portrait videos are named by their width, the shorter side.
    shorter = numbers["height"].where(~(numbers["width"] < numbers["height"]), numbers["width"])
    rate = numbers["frame_rate_hz"]
    duration = numbers["duration_s"].fillna(numbers["frames"] / rate)
    groups = pd.DataFrame(
        {
            "resolution": _nearest(shorter, HEIGHTS, "{}p"),
            "frame_rate": _nearest(rate, RATES_HZ, "{} Hz"),
            "duration": _nearest(duration, DURATIONS_S, "{} s"),
        }
    )
    for name in ("group", "content"):
        if name in videos:
            groups[name] = videos[name].replace("", np.nan).fillna(UNKNOWN).astype(str)
    return groups[[by for by in GROUPINGS if by in groups and groups[by].nunique() > 1]]


def group_tables(predictions: pd.DataFrame, groups: pd.DataFrame) -> list[dict[str, Any]]:
    """Compute the metrics of each group, for each way to group.

    Each metric is computed in every split and averaged over the splits where it is defined;
    correlations need three videos.

    Args:
        predictions: Columns `split, video, mos, score`.
        groups: From `read_groups`; videos that it lacks count as unknown.

    Returns:
        A table for each grouping in which some group has a correlation: `by`, `left_out` (number
        of smaller groups beyond `MOST_GROUPS`) and `rows`. A row has `group`, `n` (videos),
        `per_split` (mean number), `few` (fewer than `FEW` per split), all `GROUP_METRICS`, and
        `bias`, the mean of score minus MOS.
    """
    tables = []
    for by in groups:
        names = group_of(predictions, groups[by])
        videos = predictions.groupby(names)["video"].nunique()
        largest = (-videos).sort_values(kind="stable").index[:MOST_GROUPS]
        shown = names.isin(largest)
        parts = dict(list(predictions[shown].groupby(names[shown])))
        rows = [_row(name, parts[name]) for name in sorted(parts, key=natural)]
        if len(rows) > 1 and any(np.isfinite(row["srocc"]) for row in rows):
            tables.append({"by": by, "rows": rows, "left_out": len(videos) - len(rows)})
    return tables


def group_of(predictions: pd.DataFrame, groups: pd.Series) -> pd.Series:
    """Return the group of the video of each prediction, joined by the name of the video."""
    return predictions["video"].map(groups).fillna(UNKNOWN)


def natural(name: str) -> tuple[bool, float, str]:
    """Sorting key: the number at the beginning of a name, then the name; unknown last."""
    number = re.match(r"\d+(?:\.\d+)?", name)
    return name == UNKNOWN, float(number[0]) if number else np.inf, name


def _row(name: str, part: pd.DataFrame) -> dict[str, Any]:
    splits = [
        (split["mos"].to_numpy(float), split["score"].to_numpy(float))
        for _, split in part.groupby("split", sort=False)
    ]
    per_split = len(part) / len(splits)
    values = {metric: _mean(metric, splits) for metric in GROUP_METRICS}
    values["bias"] = float(np.mean([np.mean(score - mos) for mos, score in splits]))
    counts = {"n": part["video"].nunique(), "per_split": per_split, "few": per_split < FEW}
    return {"group": name, **counts, **values}


def _mean(metric: str, splits: Sequence[tuple[np.ndarray, np.ndarray]]) -> float:
    """Return the mean of a metric over the splits where it is defined; NaN if there is none."""
    card = METRICS[metric]
    values = [
        card.function(mos, score)
        for mos, score in splits
        if not card.needs_variation or not undefined(mos, score)
    ]
    return float(np.mean(values)) if values else np.nan


def _nearest(values: pd.Series, usual: Sequence[int], text: str) -> pd.Series:
    """Return the usual value nearest to each value by ratio, as text."""
    known = values.where(values > 0).to_numpy()
    distance = np.abs(np.log(known)[:, None] - np.log(usual))
    nearest = np.asarray(usual)[np.argmin(np.nan_to_num(distance, nan=np.inf), axis=1)]
    names = [text.format(value) for value in nearest]
    return pd.Series(names, index=values.index).where(np.isfinite(known), UNKNOWN)
