"""Score any video files with a trained run.

Features go through the cache under the files' absolute paths, so a long list survives `kill -9` and
a file seen before costs nothing; a changed file is seen by its hash and read again. Where a run has
several splits, the score is the mean over their models.
"""

import csv
import glob
import io
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from vqa.databases.records import VideoRecord
from vqa.files import write_atomically
from vqa.training.views import Views, moments
from vqa.video import VideoError

log = logging.getLogger(__name__)

VIDEO_SUFFIXES = frozenset(
    {".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts"}
    | {".ogv", ".ts", ".webm", ".wmv", ".y4m", ".yuv"}
)


@dataclass(frozen=True, slots=True)
class VideoScore:
    """One scored file, or the error that stands in its place.

    Attributes:
        video: Path as found.
        score: On the MOS scale of the training database; None where the file failed.
        mos_range: That scale.
        frames: Frames of the video.
        reader: Reader and version.
        weights: Weights of the feature extractor.
        error: Why there is no score; empty where there is one.
        times_s: (T,) times of the timeline: of described frames, or of clips.
        frame_quality: (T,) their quality on the MOS scale.
    """

    video: str
    score: float | None
    mos_range: tuple[float, float]
    frames: int = 0
    reader: str = ""
    weights: str = ""
    error: str = ""
    times_s: list[float] = field(default_factory=list)
    frame_quality: list[float] = field(default_factory=list)


def find_videos(where: str) -> list[Path]:
    """The files that a file, folder (searched through), glob or list (.txt, one per line) names.

    Raises:
        FileNotFoundError: It names none.
    """
    path = Path(where).expanduser()
    if path.is_dir():
        found = sorted(file for file in path.rglob("*") if file.suffix.lower() in VIDEO_SUFFIXES)
        described = f"files with a video's suffix below {path}"
    elif path.suffix.lower() == ".txt" and path.is_file():
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
        found = [path.parent / line for line in lines if line and not line.startswith("#")]
        described = f"lines in {path}"
    elif path.exists():
        found, described = [path], ""
    else:
        matches = glob.glob(str(path), recursive=True)  # noqa: PTH207 (Path.glob takes no absolute pattern)
        found = sorted(map(Path, matches))
        described = f"files that match {where}"
    if not found:
        raise FileNotFoundError(f"nothing to score: no {described}")
    return found


def as_records(paths: Sequence[Path], raw_size: str | None = None) -> list[VideoRecord]:
    """Files as records that features can be extracted for.

    Args:
        paths: The files; one named twice counts once.
        raw_size: WIDTHxHEIGHT of headerless .yuv files.

    Raises:
        ValueError: `raw_size` is not of that form.
    """
    width = height = None
    if raw_size:
        parts = raw_size.lower().split("x")
        if len(parts) != 2 or not all(part.isdigit() for part in parts):
            raise ValueError(f"raw_size={raw_size!r}: expected WIDTHxHEIGHT, such as 1920x1080")
        width, height = map(int, parts)
    whole = dict.fromkeys(path.resolve() for path in paths)
    return [
        VideoRecord(path.as_posix(), path, float("nan"), width=width, height=height)
        for path in whole
    ]


def score_videos(
    videos: Sequence[VideoRecord],
    sources: Any,
    views: Views,
    learners: Sequence[Any],
    mos_range: tuple[float, float],
) -> list[VideoScore]:
    """Score files with the mean of the learners.

    Args:
        videos: From `as_records`.
        sources: Of the run's features.
        views: What the run's models see.
        learners: Loaded learners, at least one.
        mos_range: Scale of the training database.
    """
    failures = sources.fill(videos).failures
    scores = []
    for video in videos:
        if video.id in failures:
            scores.append(VideoScore(video.id, None, mos_range, error=failures[video.id]))
            continue
        facts = sources.metadata(video.id)
        try:
            inputs = views.alone(video)
            times_s = views.times_s(video)
        except VideoError as error:
            scores.append(VideoScore(video.id, None, mos_range, error=str(error)))
            continue
        results = [learner.assess(inputs) for learner in learners]
        timeline = np.mean([quality for _, quality in results], axis=0)
        scores.append(
            VideoScore(
                video.id,
                float(np.mean([score for score, _ in results])),
                mos_range,
                frames=int(facts["frames"]),
                reader=facts["reader"],
                weights=sources.weights,
                times_s=moments(times_s, len(timeline)).tolist(),
                frame_quality=timeline.tolist(),
            )
        )
    return scores


def write_scores(scores: Sequence[VideoScore], path: Path, notes: Sequence[str] = ()) -> list[Path]:
    """Write scores as .json (timelines inside) or .csv (timelines in `<name>.timeline.csv`).

    Returns:
        The files written.

    Raises:
        ValueError: Neither suffix.
    """
    if path.suffix == ".json":
        content = {"notes": list(notes), "videos": [asdict(score) for score in scores]}
        return [write_atomically(path, json.dumps(content, indent=1) + "\n")]
    if path.suffix != ".csv":
        raise ValueError(f"output={path}: expected a name that ends in .csv or .json")
    columns = ("video", "score", "frames", "reader", "weights", "error")
    rows = [[*(getattr(score, column) for column in columns), *score.mos_range] for score in scores]
    moments = [
        [score.video, moment, quality]
        for score in scores
        for moment, quality in zip(score.times_s, score.frame_quality, strict=True)
    ]
    table = _table([*columns, "mos_low", "mos_high"], rows)
    timeline = _table(["video", "time_s", "frame_quality"], moments)
    return [
        write_atomically(path, table),
        write_atomically(path.with_name(path.stem + ".timeline.csv"), timeline),
    ]


def _table(header: list[str], rows: list[list[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
