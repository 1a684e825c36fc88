"""Scores as the page keeps them: short, also for a long video, and the few that it shows in full.

A job may have ten thousand videos of any length, so an entry keeps a bounded part of its timeline.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile
from pathlib import PurePath
from typing import Any

import numpy as np

MOMENTS = 240  # of a timeline that are kept
SPARK_BINS, SPARK_WIDTH, SPARK_HEIGHT = 24, 72, 20


@dataclass(frozen=True, slots=True)
class Entry:
    """A score and what is shown beside it.

    Attributes:
        path: Path of the video.
        score: On the MOS scale of the model.
        interval: Ends of its interval; None without one.
        percentile: Among the training MOS, in percent; None if it is unknown.
        note: What is special about the video.
        times_s: (T,) float32, at most `MOMENTS` moments.
        quality: (T,) float32, frame quality at these moments.
        explanation: Why, as in a .jsonl output; None unless it was asked for.
    """

    path: str
    score: float
    interval: tuple[float, float] | None
    percentile: float | None
    note: str
    times_s: np.ndarray
    quality: np.ndarray
    explanation: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Entry":
        """Make an entry of a row of scores, which has a score."""
        times_s = np.asarray(row.get("times_s") or [], dtype=np.float32)
        quality = np.asarray(row.get("frame_quality") or [], dtype=np.float32)
        kept = extremes(quality)
        low, high = row.get("interval") or (None, None)
        return cls(
            str(row.get("path") or row["video"]),
            float(row["score"]),
            None if low is None or high is None else (float(low), float(high)),
            row.get("percentile"),
            row.get("note") or "",
            times_s[kept],
            quality[kept],
            row.get("explanation"),
        )

    @property
    def lowest(self) -> float | None:
        """Frame quality of the worst moment; None without a timeline."""
        return float(self.quality.min()) if len(self.quality) else None


def extremes(quality: np.ndarray, most: int = MOMENTS) -> np.ndarray:
    """Return which moments of a timeline (T,) keep its look: ascending positions, at most `most`.

    Of a long timeline these are the lowest and the highest moment of equal stretches, so its worst
    moments stay.
    """
    if len(quality) <= most:
        return np.arange(len(quality))
    edges = np.linspace(0, len(quality), most // 2 + 1).astype(int)
    parts = [(begin, quality[begin:end]) for begin, end in pairwise(edges)]
    return np.unique([begin + place for begin, x in parts for place in (x.argmin(), x.argmax())])


def spark(quality: np.ndarray, ends: Sequence[float]) -> str:
    """Return a timeline (T,) as the path of a small SVG; empty for fewer than two moments.

    Args:
        quality: Frame quality over time.
        ends: Lowest and highest quality of the drawing.
    """
    if len(quality) < 2:
        return ""
    starts = np.linspace(0, len(quality), min(SPARK_BINS, len(quality)), endpoint=False).astype(int)
    means = np.add.reduceat(quality, starts) / np.diff([*starts, len(quality)])
    share = np.clip((means - ends[0]) / ((ends[1] - ends[0]) or 1.0), 0, 1)
    x = np.linspace(0, SPARK_WIDTH, len(means)).round().astype(int)
    y = (1 + (1 - share) * (SPARK_HEIGHT - 2)).round(1)
    return "M" + "L".join(f"{a} {b:g}" for a, b in zip(x, y, strict=True))


def spread(count: int, most: int) -> list[int]:
    """Return which of `count` ranked videos to show: all, or the worst and a sample of the rest.

    Half of `most` go to the lowest ranks, the others are evenly spaced up to the highest.

    Examples:
        >>> from vqa.reports.scoring.entries import spread
        >>> spread(4, 6), spread(100, 6)
        ([0, 1, 2, 3], [0, 1, 2, 3, 51, 99])
    """
    if count <= most:
        return list(range(count))
    worst = most // 2
    others = np.linspace(worst, count - 1, most - worst).round().astype(int)
    return [*range(worst), *others.tolist()]


def common_folder(paths: Iterable[str]) -> tuple[str, ...]:
    """Return the parts of the folder that contains all files."""
    common: tuple[str, ...] | None = None
    for path in paths:
        parts = PurePath(path).parts[:-1]
        if common is None:
            common = parts
        elif parts[: len(common)] != common:
            alike = takewhile(lambda pair: pair[0] == pair[1], zip(common, parts, strict=False))
            common = tuple(part for part, _ in alike)
    return common or ()


def folder_text(parts: Sequence[str]) -> str:
    """Return a common folder as text; that of addresses keeps its two slashes.

    Examples:
        >>> from vqa.reports.scoring.entries import folder_text
        >>> folder_text(("/", "a", "b")), folder_text(("s3:", "bucket"))
        ('/a/b', 's3://bucket')
    """
    if parts and parts[0].endswith(":"):
        return "/".join((parts[0], "", *parts[1:]))
    return str(PurePath(*parts))


def below(path: str, depth: int) -> str:
    """Return the part of a path or address below a common folder of so many parts."""
    return str(PurePath(*PurePath(path).parts[depth:])) if depth else path
