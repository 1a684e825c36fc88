"""Evidence for a report: the worst predictions, with a strip of frames and a quality timeline."""

import io
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from vqa.databases.records import Database, VideoRecord
from vqa.files import write_atomically, write_json
from vqa.video import VideoError, probe, read_frames
from vqa.video.sampling import uniform_indices

log = logging.getLogger(__name__)

WORST = 4
STRIP_FRAMES = 6
STRIP_HEIGHT = 96


@dataclass(frozen=True, slots=True)
class Timeline:
    """Quality over a video.

    Attributes:
        times_s: (T,) times in seconds.
        frame_quality: (T,) quality at these times on the MOS scale.
        meaning: What the timeline is, and whether the score is its mean.
    """

    times_s: np.ndarray
    frame_quality: np.ndarray
    meaning: str


def write_evidence(
    folder: Path,
    predictions: pd.DataFrame,
    database: Database,
    timeline: Callable[[str, VideoRecord], Timeline],
    pictures: Callable[[VideoRecord], bytes],
    worst: int = WORST,
) -> None:
    """Write `evidence.json` and its strips for the largest over- and underestimates.

    Args:
        folder: The run folder.
        predictions: Columns `split, video, mos, score`.
        database: The database of the videos.
        timeline: From split and video to quality over time.
        pictures: From a video to a strip of its frames as a JPEG, see `strip`.
        worst: Number of videos of each kind.
    """
    errors = predictions.assign(error=predictions["score"] - predictions["mos"])
    entries: list[dict[str, Any]] = []
    for kind, sign in (("over", 1), ("under", -1)):
        side = errors[errors["error"] * sign > 0].assign(size=lambda rows: rows["error"].abs())
        ranked = side.sort_values("size", ascending=False).drop_duplicates("video").head(worst)
        for row in ranked.itertuples():
            (video,) = database.select([row.video])
            name = f"evidence/{kind}-{len(entries)}.jpg"
            try:
                write_atomically(folder / name, pictures(video))
            except (VideoError, OSError) as error:
                log.warning("no thumbnails of %s: %s", video.id, error)
                continue
            found = timeline(row.split, video)
            entries.append(
                {
                    "split": row.split,
                    "video": video.id,
                    "mos": row.mos,
                    "score": row.score,
                    "kind": kind,
                    "strip": name,
                    "times_s": np.asarray(found.times_s, float).round(4).tolist(),
                    "frame_quality": np.asarray(found.frame_quality, float).round(5).tolist(),
                    "timeline": found.meaning,
                    "mos_range": list(database.mos_range),
                }
            )
    write_json(folder / "evidence.json", entries)


def strip(video: VideoRecord, reader: str = "auto", damaged: str = "refuse") -> bytes:
    """Return a JPEG with evenly spaced frames of a video, side by side."""
    raw = video.raw_format
    info = probe(video.path, raw=raw, damaged=damaged)
    indices = uniform_indices(info.frames, min(STRIP_FRAMES, info.frames))
    frames = read_frames(video.path, indices, reader=reader, raw=raw, info=info)
    width = max(1, round(info.width * STRIP_HEIGHT / info.height))
    sheet = Image.new("RGB", (width * len(frames), STRIP_HEIGHT))
    for position, frame in enumerate(frames):
        picture = Image.fromarray(frame).resize((width, STRIP_HEIGHT), Image.Resampling.LANCZOS)
        sheet.paste(picture, (position * width, 0))
    data = io.BytesIO()
    sheet.save(data, "JPEG", quality=82)
    return data.getvalue()
