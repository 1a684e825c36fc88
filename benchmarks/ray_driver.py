"""What the driver of a Ray cluster costs per row, and what it could take: workers answer at once.

The workers do nothing but give a made score of a video with a timeline of 240 values; the driver
hands out names, receives rows and writes the dataset as `vqa score --engine ray` does.
Run: python -m benchmarks.ray_driver [--rows 20000] [--workers 1]
"""

import argparse
import os
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ray

from benchmarks.streaming import resident_mib
from vqa.commands.engines.ray_pool import Pool
from vqa.commands.scoring.dataset import Dataset
from vqa.commands.scoring.display import Display
from vqa.commands.scoring.job import Job
from vqa.commands.scoring.score import Score
from vqa.databases.elsewhere import Named

FRAMES = 240


class Answering:
    """An actor that answers at once."""

    def load(self) -> None:
        self.waiting: list[str] = []

    def work(self, videos: list[str]) -> Score:
        self.waiting += videos
        quality = [3.0] * FRAMES
        times_s = [index / 30 for index in range(FRAMES)]
        return Score(
            self.waiting.pop(0), 3.0, (1.0, 5.0), FRAMES, times_s, quality, source="0" * 64
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    quiet = {"log_to_driver": False, "logging_level": "ERROR", "include_dashboard": False}
    ray.init("local", num_cpus=given.workers, object_store_memory=2 * 10**8, **quiet)
    actor: Any = ray.remote(Answering)
    scorer: Any = SimpleNamespace(mos_range=(1.0, 5.0))
    with tempfile.TemporaryDirectory() as place:
        keeper = Dataset(Path(place) / "scores", "made", {})
        display = Display(None, given.rows, quiet=True)
        job = Job(scorer, (), keeper, display)
        names = (Named(Path(f"/videos/part/{number:07d}.mp4")) for number in range(given.rows))
        pool = Pool(ray, actor.remote, lambda: given.workers)
        started_s, processor_s = time.perf_counter(), time.process_time()
        for outcome in pool.outcomes(job.to_score(names)):
            job.scored(outcome.value)
        keeper.close(done=True)
        rate = given.rows / (time.perf_counter() - started_s)
        own_ms = 1000 * (time.process_time() - processor_s) / given.rows
        print(
            f"{rate:,.0f} rows/s, {own_ms:.2f} ms of the driver's processor per row, "
            f"{resident_mib(os.getpid()):.0f} MiB"
        )
    ray.shutdown()


if __name__ == "__main__":
    main()
