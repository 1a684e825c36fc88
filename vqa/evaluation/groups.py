"""How well a run scores each kind of video: by resolution, frame rate, duration, group, content.

What is known of the videos comes from `videos.csv` in the run folder. Sizes, rates and durations
are put under the usual value that is nearest by ratio, so that 404 x 720 counts as 360p and
29.97 Hz as 30 Hz.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vqa.evaluation import metrics

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

METRICS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "srocc": metrics.srocc,
    "plcc_raw": metrics.plcc_raw,
    "rmse_raw": metrics.rmse_raw,
    "bias": lambda mos, score: float(np.mean(score - mos)),
}
DEFINED_ALWAYS = ("rmse_raw", "bias")


def read_groups(path: Path) -> pd.DataFrame:
    """Each video's groups, from `videos.csv`; without rows where the file is absent.

    Returns:
        Indexed by video, a text column for each of `GROUPINGS` that tells videos apart (two groups
        or more); `UNKNOWN` where a video's is not known.

    Raises:
        ValueError: The table has no column `video`, or a number is none.
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
    """Each video's groups from what is known of it.

    Args:
        videos: Indexed by video; of `width, height, frame_rate_hz, frames, duration_s, group,
            content` what is there. Empty cells and nan are unknown.
    """
    numbers = {
        name: pd.to_numeric(videos[name].replace("", np.nan)).astype(float)
        if name in videos
        else pd.Series(np.nan, index=videos.index)
        for name in ("width", "height", "frame_rate_hz", "frames", "duration_s")
    }
    # Portrait videos are named by their width, which is their shorter side.
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
    """The metrics of each group, for each way to group.

    Args:
        predictions: Columns `split, video, mos, score`.
        groups: From `read_groups`; videos that it lacks count as unknown.

    Returns:
        Per grouping in which some group has a correlation `by`, `left_out` (smaller groups beyond
        `MOST_GROUPS`) and `rows`: `group`, `n` (videos), `per_split` (mean), `few` (fewer than
        `FEW` a split) and `srocc, plcc_raw, rmse_raw, bias`: mean score minus MOS. Each is measured
        in every split and averaged over those where it is defined; correlations want three videos.
    """
    tables = []
    for by in groups:
        parts = dict(list(predictions.groupby(group_of(predictions, groups[by]))))
        largest = sorted(parts, key=lambda name: -parts[name]["video"].nunique())[:MOST_GROUPS]
        rows = [_row(name, parts[name]) for name in sorted(largest, key=natural)]
        if len(rows) > 1 and any(np.isfinite(row["srocc"]) for row in rows):
            tables.append({"by": by, "rows": rows, "left_out": len(parts) - len(rows)})
    return tables


def group_of(predictions: pd.DataFrame, groups: pd.Series) -> pd.Series:
    """The group of each prediction's video, joined by the video's name."""
    return predictions["video"].map(groups).fillna(UNKNOWN)


def natural(name: str) -> tuple[bool, float, str]:
    """Sorting key: by the number that a name begins with, then by name; unknown last."""
    number = re.match(r"\d+(?:\.\d+)?", name)
    return name == UNKNOWN, float(number[0]) if number else np.inf, name


def _row(name: str, part: pd.DataFrame) -> dict[str, Any]:
    splits = [
        (split["mos"].to_numpy(float), split["score"].to_numpy(float))
        for _, split in part.groupby("split", sort=False)
    ]
    per_split = len(part) / len(splits)
    values = {metric: _mean(metric, splits) for metric in METRICS}
    counts = {"n": part["video"].nunique(), "per_split": per_split, "few": per_split < FEW}
    return {"group": name, **counts, **values}


def _mean(metric: str, splits: Sequence[tuple[np.ndarray, np.ndarray]]) -> float:
    """The metric's mean over the splits where it is defined, nan where it nowhere is."""
    values = [
        METRICS[metric](mos, score)
        for mos, score in splits
        if metric in DEFINED_ALWAYS or not metrics.undefined(mos, score)
    ]
    return float(np.mean(values)) if values else np.nan


def _nearest(values: pd.Series, usual: Sequence[int], text: str) -> pd.Series:
    """The usual value nearest to each by ratio, as text."""
    known = values.where(values > 0).to_numpy()
    distance = np.abs(np.log(known)[:, None] - np.log(usual))
    nearest = np.asarray(usual)[np.argmin(np.nan_to_num(distance, nan=np.inf), axis=1)]
    names = [text.format(value) for value in nearest]
    return pd.Series(names, index=values.index).where(np.isfinite(known), UNKNOWN)
