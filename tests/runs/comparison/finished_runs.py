"""Finished runs on splits of sixty made-up videos, with scores of chosen quality."""

import zlib
from pathlib import Path

import numpy as np

from vqa.databases.records import Database, VideoRecord
from vqa.protocols.splits import Split
from vqa.runs.inputs import described
from vqa.runs.opening import open_run
from vqa.training.learners.base import Prediction

VIDEOS = tuple(
    VideoRecord(
        f"v{k:02}.mp4",
        Path(f"v{k:02}.mp4"),
        1 + k / 20,
        content=f"s{k}",
        group="ab"[k % 2],
        height=720,
        width=1280,
    )
    for k in range(60)
)
NAMES = [video.id for video in VIDEOS]


def split(number, seed=0):
    order = np.random.default_rng([seed, number]).permutation(60)
    train, test = ([NAMES[k] for k in part] for part in (order[:36], order[36:]))
    return Split(f"split{number}", tuple(train), (), tuple(test), "content", seed)


def make(folder, name, noise, count=3, seed=0, mos=lambda video: video.mos, database="fake"):
    """A run whose scores are the MOS with noise of this spread, or constant if it is None."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    run = open_run(folder / name, {"name": name, "seed": 0, "model": {}, "model_name": name})
    rated = Database(database, (1.0, 5.0), VIDEOS)
    run.hold(described(rated, {video.id: "" for video in VIDEOS}, {}))
    run.describe(rated)
    run.list_videos(VIDEOS, lambda video: {})
    by_id = {video.id: video for video in VIDEOS}

    def score(video):
        return 2.0 if noise is None else by_id[video].mos + rng.normal(0, noise)

    for one in (split(number, seed) for number in range(count)):
        run.begin(one)
        rows = [Prediction(video, mos(by_id[video]), score(video)) for video in one.test]
        run.record(one.name, rows)
    run.finish()
    run.report.write_text("<html>")
    return run
