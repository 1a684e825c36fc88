"""Filling a feature cache: shards of the work, what was done, and which videos failed."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from vqa.databases.records import VideoRecord
from vqa.files import shown, write_csv
from vqa.identity import ahead
from vqa.progress import progress_bar
from vqa.remote.scratch import is_copy

log = logging.getLogger(__name__)

BAR_DELAY_S = 1.0  # no progress bar if all features are found in the cache within this time

Item = TypeVar("Item")


@dataclass
class Outcome:
    """Result of an extraction.

    Attributes:
        made: Ids of the videos whose features were extracted.
        reused: Ids of the videos whose features were in the cache.
        failures: Cause of each failure, by id.
    """

    made: list[str] = field(default_factory=list)
    reused: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)


class ExtractionError(RuntimeError):
    """A video failed, and `on_error=raise` makes failures fatal; or no video could be read."""


def known(
    videos: Iterable[VideoRecord], key: Callable[[VideoRecord], str]
) -> Iterator[VideoRecord]:
    """Yield each video once its key is known; a few threads hash those that follow."""

    def look(video: VideoRecord) -> None:
        with suppress(OSError):  # the video's own turn says so
            key(video)

    for video, _ in ahead(videos, look):
        yield video


def cause_of(video: VideoRecord, error: Exception) -> str:
    """Return the cause of a failure without the video's name, or that of a copy of it."""
    name = shown(video.id)
    text = shown(str(error)).removeprefix(f"{name}: ")
    if is_copy(video.path):
        text = text.replace(str(video.path), name).removeprefix(f"{name}: ")
    return text


def filled(
    name: str,
    updates: Iterable[tuple[VideoRecord, str | None, int]],
    count: int,
    made: Callable[[int], None],
    progress: bool,
    done: Callable[[VideoRecord], None] | None = None,
) -> Outcome:
    """Follow an extraction to its end, with a progress bar.

    Args:
        name: Of the features.
        updates: Each video with the cause of a failure, and the bytes of features made for it.
        count: Number of videos.
        made: Called with the bytes of each video's features.
        progress: Show the bar.
        done: Called with each video that is not needed any more.
    """
    outcome = Outcome()
    bar = progress_bar(
        count, f"extract {name}", "video", disable=not (progress and count), delay=BAR_DELAY_S
    )
    with bar:
        for video, failure, size in updates:
            if failure is not None:
                log.warning("skipped %s: %s", shown(video.id), failure)
                outcome.failures[video.id] = failure
                bar.set_postfix(failed=len(outcome.failures), refresh=False)
            else:
                (outcome.made if size else outcome.reused).append(video.id)
            bar.update()
            made(size)
            if done is not None:
                done(video)
    if outcome.made or outcome.failures:
        log.info(
            "%s: %d videos extracted, %d cached, %d failed",
            name, len(outcome.made), len(outcome.reused), len(outcome.failures),
        )  # fmt: skip
    return outcome


def shard_of(items: Sequence[Item], shard: str) -> list[Item]:
    """Return the part of the work that shard `i/n` does; all n shards together do everything.

    Args:
        items: The whole work.
        shard: Number and count of shards, for example `2/8`; the first shard is 1.

    Raises:
        ValueError: Not of the form i/n with 1 <= i <= n.
    """
    index, _, count = shard.partition("/")
    if not (index.isdigit() and count.isdigit() and 1 <= int(index) <= int(count)):
        raise ValueError(f"shard={shard!r}: expected i/n with 1 <= i <= n, for example shard=2/8")
    return list(items)[int(index) - 1 :: int(count)]


def write_failures(failures: Mapping[str, str], path: str | Path) -> None:
    """Write the failed videos and the causes as a CSV table `video,cause`."""
    write_csv(path, ["video", "cause"], failures.items())
