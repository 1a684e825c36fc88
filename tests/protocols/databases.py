"""Databases for the tests of protocols: synthetic ones in the sizes of real ones, and real ones."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from tests.places import SHARED
from vqa.databases.records import Database, VideoRecord

LABELS = SHARED / "labels"


def make_database(sizes, split_of=None):
    """A content of each size, counted in videos; a size of 1 is a video without content."""
    videos = []
    for index, size in enumerate(sizes):
        for version in range(size):
            name = f"c{index:03}_v{version}.mp4"
            content = f"scene{index}" if size > 1 else None
            part = split_of(index) if split_of else None
            videos.append(
                VideoRecord(name, Path(name), 1.0 + len(videos) % 4, content=content, split=part)
            )
    return Database("toy", (1.0, 5.0), tuple(videos))


CVD = make_database([9] * 3 + [10] * 3 + [13] * 3 + [14] * 3 + [16] * 6)
QUALCOMM = make_database([4] * 47 + [3] * 6 + [2])
KONVID = make_database([1] * 1200)


def sizes(split):
    return len(split.train), len(split.val), len(split.test)


def contents(database, ids):
    return {video.content_id for video in database.select(ids)}


def shuffled_records(database, generator):
    """The same database with its records in another order."""
    videos = list(database.videos)
    generator.shuffle(videos)
    return replace(database, videos=tuple(videos))


def shuffled_mos(database, generator):
    """The same videos with permuted MOS."""
    mos = [video.mos for video in database.videos]
    generator.shuffle(mos)
    videos = [replace(video, mos=value) for video, value in zip(database.videos, mos, strict=True)]
    assert videos != list(database.videos)
    return replace(database, videos=tuple(videos))


def read_real(reader, table, root):
    """Read a published label table, with empty files as videos."""
    path = LABELS / table
    if not path.is_file():
        pytest.skip(f"the published label table is not at ../shared/data/labels/{table}")
    if path.suffix == ".csv":
        rows = csv.DictReader(path.read_text(encoding="utf-8").splitlines())
        names = [f"{row['flickr_id']}.mp4" for row in rows]
    else:
        names = [line.split(",")[0] for line in path.read_text(encoding="utf-8").splitlines()]
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return reader.read(root, labels=path)


def published(name):
    """The path of a published info .mat."""
    path = LABELS / name
    if not path.is_file():
        pytest.skip(f"the published splits are not at ../shared/data/labels/{name}")
    return path
