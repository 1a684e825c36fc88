"""Fill a feature cache from video files: resumable, shareable between jobs, nothing lost.

Each video's features are written when they are whole, so a job that is killed loses one video's
work and the next run goes on from there; jobs that share the work by `shard` need nothing of each
other.
"""

import csv
import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import torch

from vqa.databases.records import VideoRecord
from vqa.features.extraction.cache import FeatureCache, source_fingerprint
from vqa.features.extraction.pipeline import Extractor, extract_videos
from vqa.files import write_atomically
from vqa.progress import progress_bar

log = logging.getLogger(__name__)

Item = TypeVar("Item")


@dataclass
class Outcome:
    """What an extraction did: ids made, ids found in the cache, and causes of failure by id."""

    made: list[str] = field(default_factory=list)
    reused: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)


class ExtractionError(RuntimeError):
    """A video failed and failures were asked to be fatal."""


def shard_of(items: Sequence[Item], shard: str) -> list[Item]:
    """The part of the work that shard `i/n` (1-based) does; together the shards are all.

    Raises:
        ValueError: Not of the form i/n with 1 <= i <= n.
    """
    index, _, count = shard.partition("/")
    if not (index.isdigit() and count.isdigit() and 1 <= int(index) <= int(count)):
        raise ValueError(f"shard={shard!r}: expected i/n with 1 <= i <= n, for instance shard=2/8")
    return list(items)[int(index) - 1 :: int(count)]


def extract(
    videos: Sequence[VideoRecord],
    extractor: Extractor,
    cache: FeatureCache,
    *,
    frame_rate_hz: float | None = None,
    frames: int | None = None,
    dtype: torch.dtype = torch.float32,
    reader: str = "auto",
    on_error: str = "skip",
    time_limit_s: float = 600.0,
    progress: bool = True,
) -> Outcome:
    """Bring the cache up to date for these videos.

    Args:
        videos: What must be in the cache afterwards.
        extractor: What computes the features.
        cache: Where they go.
        frame_rate_hz: Sample at this fixed rate; None takes every frame.
        frames: Or sample so many, evenly spread.
        dtype: How features are stored.
        reader: `auto` or `pyav`.
        on_error: `skip` lists a failed video and goes on; `raise` stops at it.
        time_limit_s: Longest wait for the decoder on one video.
        progress: Show a bar with the time left.

    Raises:
        ExtractionError: A video failed and `on_error` is `raise`.
        ValueError: `on_error` is neither, or both `frame_rate_hz` and `frames` are given.
    """
    if on_error not in ("skip", "raise"):
        raise ValueError(f"on_error={on_error!r} is not known; use skip or raise")
    outcome = Outcome()
    sources: dict[str, str] = {}
    wanted = []
    for video in videos:
        try:
            sources[video.id] = source_fingerprint(video.path)
        except OSError as error:
            _fail(outcome, video, error, on_error)
            continue
        if cache.is_current(video.id, sources[video.id]):
            outcome.reused.append(video.id)
        else:
            wanted.append(video)
    if wanted:
        log.info(
            "%s: %d videos to extract, %d cached", extractor.name, len(wanted), len(outcome.reused)
        )
    results = extract_videos(
        wanted,
        extractor,
        frame_rate_hz=frame_rate_hz,
        frames=frames,
        reader=reader,
        time_limit_s=time_limit_s,
    )
    bar = progress_bar(
        len(wanted), f"extract {extractor.name}", "video", disable=not (progress and wanted)
    )
    try:
        for video, result in results:
            bar.update()
            if isinstance(result, Exception):
                _fail(outcome, video, result, on_error)
                bar.set_postfix(failed=len(outcome.failures), refresh=False)
                continue
            cache.store(
                video.id,
                result.features.to(dtype),
                result.times_s,
                {
                    "source": sources[video.id],
                    "reader": result.reader,
                    "weights": extractor.weights,
                    "codec": result.info.codec,
                    "width": str(result.info.width),
                    "height": str(result.info.height),
                    "frame_rate_hz": f"{result.info.frame_rate_hz:.6g}",
                    "frames": str(result.info.frames),
                    "duration_s": f"{result.info.duration_s:.6g}",
                },
            )
            cache.note_seconds(video.id, result.seconds)
            outcome.made.append(video.id)
    finally:
        bar.close()
        results.close()
    return outcome


def write_failures(outcome_failures: dict[str, str], path: str) -> None:
    """The failed videos and their causes as a table `video,cause`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["video", "cause"])
    writer.writerows(outcome_failures.items())
    write_atomically(path, text.getvalue())


def _fail(outcome: Outcome, video: VideoRecord, error: Exception, on_error: str) -> None:
    if on_error == "raise":
        raise ExtractionError(
            f"{video.id}: {error} (on_error=skip of these features lists such videos and goes on)"
        ) from error
    log.warning("skipped %s: %s", video.id, error)
    outcome.failures[video.id] = str(error)
