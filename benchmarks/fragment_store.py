"""Speed of a store of fragment clips, compared with loading them from videos and bare decoding.

Encodes H.264 files of a moving, grainy texture (1080p by default, at 30 Hz, a keyframe every 250
frames) and prints, in videos/s,

- bare decoding: one process that decodes the frames of the training clips, with leaps, no more;
- the live loader: the training's own loader of a FAST-VQA view with 1 and more loading processes;
- the same loader with a store of K draws, read from the disk cache of the system;
- the filling of the store, which happens once.

Times are medians over rounds in which all candidates take turns; an epoch differs from round to
round, as in a training.

Run: python -m benchmarks.fragment_store [--workers 2] [--videos 16] [--draws 4] [--rounds 5]
"""

import argparse
import logging
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks.fragment_loading import RATE_HZ, decode, make_clip
from vqa.databases.records import Database, VideoRecord
from vqa.protocols.splits import Split
from vqa.training.datamodule import Loader, VQADataModule
from vqa.training.draws import rng_of
from vqa.training.views import FragmentClips, StoredClips, Views
from vqa.video import probe

BATCH = 4


def loader_of(videos: list[VideoRecord], view: FragmentClips | StoredClips, workers: int) -> Loader:
    """Make the loader of a training on all videos."""
    split = Split("split0", [video.id for video in videos], (), (), "video", 0)
    database = Database("made", (1.0, 5.0), tuple(videos))
    views = Views({"fragments": view})
    data = VQADataModule(database, split, views, batch_size=BATCH, num_workers=workers)
    return data.train_dataloader()


def epoch(loader: Loader, number: int) -> None:
    """Load all batches of an epoch."""
    loader.batch_sampler.sampler.set_epoch(number)
    for _ in loader:
        pass


def bare(videos: list[VideoRecord], view: FragmentClips, number: int) -> None:
    """Decode the frames of the clips of an epoch."""
    for video in videos:
        indices = view.indices(probe(video.path), rng_of(0, number, video.id))
        decode(video.path, np.unique(indices), leaping=True)


def main() -> None:
    """Print the rates."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--videos", type=int, default=16)
    parser.add_argument("--draws", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=8, help="duration of the files")
    parser.add_argument("--size", default="1920x1080")
    given = parser.parse_args()
    torch.set_num_threads(1)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    width, height = map(int, given.size.split("x"))
    with tempfile.TemporaryDirectory() as folder:
        path = make_clip(
            Path(folder) / "clip.mp4", (width, height), RATE_HZ * given.seconds, 250, "veryfast"
        )
        videos = [VideoRecord(f"v{index}", path, 1.0 + index % 4) for index in range(given.videos)]
        view = FragmentClips()
        names = {video.id: "made" for video in videos}
        stored = StoredClips(view, Path(folder) / "store", names, given.draws, seed=0)
        started_s = time.perf_counter()
        stored.fill(videos, [], max(given.workers))
        filled_s = time.perf_counter() - started_s
        loaders = {
            f"{name}, {workers} loading": loader_of(videos, one, workers)
            for name, one in (("live", view), ("store", stored))
            for workers in given.workers
        }
        seconds: dict[str, list[float]] = {name: [] for name in ("bare decoding", *loaders)}
        for number in range(given.rounds + 1):  # the first starts the processes
            for name, spent in seconds.items():
                started_s = time.perf_counter()
                if name in loaders:
                    epoch(loaders[name], number % given.draws)
                else:
                    bare(videos, view, number % given.draws)
                if number:
                    spent.append(time.perf_counter() - started_s)
    print(f"{given.size}, {given.seconds} s, {given.videos} videos, {given.draws} draws")
    print(f"filling with {max(given.workers)} processes: {given.videos / filled_s:.2f} videos/s")
    base = given.videos / statistics.median(seconds["bare decoding"])
    for name, spent in seconds.items():
        rate = given.videos / statistics.median(spent)
        spread = f"{given.videos / max(spent):.2f} to {given.videos / min(spent):.2f}"
        print(f"{name}: {rate:.2f} videos/s ({spread}), {rate / base:.2f} of bare decoding")


if __name__ == "__main__":
    main()
