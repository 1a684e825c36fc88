"""Filling a feature cache: shards of the work, what was done, and which videos failed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from vqa.files import write_csv

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
