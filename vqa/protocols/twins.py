"""Twins: videos of a database whose files have the same bytes, under several names.

A twin in the test part of a model that was trained on the other is a test video that the model has
seen, whatever the label table says about scenes. So equal files are one content.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from vqa.databases.records import Database
from vqa.protocols.splits import Split

Hashes = Mapping[str, str]  # SHA-256 of a video's file, by id; empty if unknown


def joined_contents(database: Database, hashes: Hashes) -> Database:
    """Give all videos of equal files one content, and with them all videos of their contents.

    The first of the joined contents in alphabetical order names the joined content. Without twins
    the database is returned as it is.

    Args:
        database: The database.
        hashes: Of the videos' files.

    Examples:
        >>> from pathlib import Path
        >>> from vqa.databases.records import Database, VideoRecord
        >>> from vqa.protocols.twins import joined_contents
        >>> videos = tuple(VideoRecord(name, Path(name), mos=3) for name in ("a", "b", "c"))
        >>> database = Database("mine", (1, 5), videos)
        >>> joined = joined_contents(database, {"a": "f00", "b": "1ee", "c": "f00"})
        >>> [video.content_id for video in joined.videos]
        ['a', 'b', 'a']
    """
    parent = {video.content_id: video.content_id for video in database.videos}

    def root(content: str) -> str:
        while parent[content] != content:
            parent[content] = content = parent[parent[content]]
        return content

    first: dict[str, str] = {}
    for video in database.videos:
        if found := hashes.get(video.id):
            one, other = root(first.setdefault(found, video.content_id)), root(video.content_id)
            parent[max(one, other)] = min(one, other)
    if all(content == above for content, above in parent.items()):
        return database
    videos = tuple(
        video
        if root(video.content_id) == video.content_id
        else replace(video, content=root(video.content_id))
        for video in database.videos
    )
    return replace(database, videos=videos)


def twin_report(splits: Sequence[Split], hashes: Hashes) -> dict[str, Any]:
    """Count twins, and test videos whose file is in the training or validation part as well.

    Returns:
        Plain values for JSON: `files` (with several names), `videos` (their names), and `leaked`,
        the number of test videos by split that the model has seen under another name.
    """
    counts = Counter(found for found in hashes.values() if found)
    repeated = [count for count in counts.values() if count > 1]
    leaked = {split.name: len(seen_twins(split, hashes)) for split in splits}
    return {
        "files": len(repeated),
        "videos": sum(repeated),
        "leaked": {name: count for name, count in leaked.items() if count},
    }


def seen_twins(split: Split, hashes: Hashes) -> list[str]:
    """Return the test videos whose file is in the training or validation part as well."""
    seen = {hashes.get(video) for video in (*split.train, *split.val)} - {None, ""}
    return [video for video in split.test if hashes.get(video) in seen]
