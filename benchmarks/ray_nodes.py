"""Score thousands of short files on three simulated Ray nodes while its parts are killed.

Run: python -m benchmarks.ray_nodes [--files 10000] [--timed 1000] [--folder FOLDER]

Makes the files, in four folders and two tars, and trains a small model. Scores them by one process,
then on a cluster of three nodes: `kill -9` ends a worker, a node and the driver, whose command is
given again. The status is 1 if the rows are not those of one process, each exactly once. Then it
times a part of the files by one process, by `--workers 2`, and on Ray with one and two workers.
Files and scores that are there already are used again.
"""

import argparse
import os
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas

from benchmarks.streaming import resident_mib
from tests.clips import write_clip
from tests.fakes import graded_clips
from tests.places import ROOT

SIZE, FRAMES = (64, 48), 2
FOLDERS, TARS = 4, 2
SHARE_OF_TARS = 0.2  # of the files
NODES = 3
ENVIRONMENT = os.environ | {
    "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",
}  # fmt: skip


def make_files(place: Path, count: int) -> None:
    """Write short clips of different content, in folders and tars."""
    in_tars = int(count * SHARE_OF_TARS)
    for number in range(count):
        tar = number < in_tars
        folder = place / (f"tar{number % TARS}" if tar else f"folder{number % FOLDERS}")
        if not (clip := folder / f"{number:05d}.mp4").is_file():
            folder.mkdir(parents=True, exist_ok=True)
            scene = np.random.default_rng(number).integers(0, 256, (SIZE[1] + 1, SIZE[0], 3))
            write_clip(
                clip, FRAMES, size=SIZE,
                picture=lambda index, _, height, scene=scene: np.ascontiguousarray(
                    scene[index : index + height].astype(np.uint8)
                ),
            )  # fmt: skip
    for number in range(TARS):
        with tarfile.open(place / f"tar{number}.tar", "w") as archive:
            archive.add(place / f"tar{number}", "")


def places(files: Path) -> list[str]:
    """Return what the commands name."""
    folders = [str(files / f"folder{number}") for number in range(FOLDERS)]
    return [*folders, str(files / f"tar{{0..{TARS - 1}}}.tar")]


def vqa(place: Path, *words: object) -> subprocess.Popen[bytes]:
    """Start a command; its lines go to log.txt."""
    with (place / "log.txt").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "vqa", *map(str, words)],
            cwd=place, env=ENVIRONMENT, stdout=log, stderr=log,
        )  # fmt: skip


def score(place: Path, names: list[str], output: str, *words: object) -> subprocess.Popen[bytes]:
    """Start a job."""
    return vqa(place, "score", place / "own" / "run", *names, "-o", f"{output}/", *words)


def rows_in(folder: Path) -> int:
    """Return the number of rows of a job that runs: those of its parts and of its journal."""
    try:
        journal = (folder / "_journal-main.jsonl").read_bytes().count(b"\n")
    except OSError:
        journal = 0
    return journal + 1000 * len(list(folder.glob("part-*.parquet")))


def until(job: subprocess.Popen[bytes], folder: Path, rows: int, memory: list[float]) -> None:
    """Wait until a job has so many rows, or has ended; note the resident memory of its process."""
    while job.poll() is None and rows_in(folder) < rows:
        memory.append(resident_mib(job.pid))
        time.sleep(1)


def killed(name: str, condition: Callable[[bytes], bool]) -> None:
    """Kill one process of this user whose command line fits."""
    for process in Path("/proc").iterdir():
        try:
            fits = process.name.isdigit() and condition((process / "cmdline").read_bytes())
        except OSError:
            continue
        if fits:
            os.kill(int(process.name), signal.SIGKILL)
            print(f"killed {name}", flush=True)
            return
    raise RuntimeError(f"found no {name} to kill")


@contextmanager
def cluster(nodes: int) -> Iterator[Any]:
    """Start nodes of one core each; `RAY_ADDRESS` leads the jobs there."""
    from ray.cluster_utils import Cluster

    own = {"num_cpus": 1, "object_store_memory": 8 * 10**7}
    found = Cluster(initialize_head=True, head_node_args={**own, "include_dashboard": False})
    try:
        for _ in range(nodes - 1):
            found.add_node(**own)
        ENVIRONMENT["RAY_ADDRESS"] = found.address
        yield found
    finally:
        ENVIRONMENT.pop("RAY_ADDRESS", None)
        found.shutdown()


def through_kills(place: Path, names: list[str], count: int) -> list[float]:
    """Score on three nodes, of which parts are killed; return the driver's memory in MiB."""
    memory: list[float] = []
    folder = place / "ray"
    words = ("--engine", "ray", "--workers", NODES, "--quiet")
    with cluster(NODES) as nodes:
        job = score(place, names, "ray", *words)
        until(job, folder, count // 5, memory)
        killed("a worker", lambda line: line.startswith(b"ray::_Actor"))
        until(job, folder, 2 * count // 5, memory)
        nodes.remove_node(nodes.list_all_nodes()[-1], allow_graceful=False)
        print("killed a node", flush=True)
        nodes.add_node(num_cpus=1, object_store_memory=8 * 10**7)
        until(job, folder, 3 * count // 5, memory)
        job.kill()
        job.wait()
        print(f"killed the driver at {rows_in(folder):,} rows", flush=True)
        job = score(place, names, "ray", *words)
        until(job, folder, 2**40, memory)
        print(f"the driver ended with status {job.wait()}", flush=True)
    return memory


def table_of(folder: Path) -> pandas.DataFrame:
    """Return the rows of a dataset."""
    table = pandas.read_parquet(folder, columns=["video", "score", "source", "error"])
    return table.set_index("video").sort_index()


def same(place: Path, count: int) -> bool:
    """Print and return whether the rows are those of one process, each once."""
    one, other = table_of(place / "one"), table_of(place / "ray")
    print(f"rows: {len(one):,} by one process, {len(other):,} on Ray, {count:,} files")
    if not (len(one) == len(other) == count and other.index.is_unique):
        return False
    largest = (one["score"] - other["score"]).abs().max()
    print(f"largest difference of a score: {largest:.3g}; errors: {(other['error'] != '').sum()}")
    return bool(one.index.equals(other.index) and largest <= 1e-6)


def time_all(place: Path, files: Path, count: int) -> None:
    """Print the files per second of each way, without the start."""
    names = place / "timed.txt"
    clips = sorted(files.glob("folder*/*.mp4"))[:count]
    names.write_text("\n".join(map(str, clips)) + "\n", encoding="utf-8")
    ways = {
        "one process": (), "--workers 2": ("--workers", 2),
        "Ray, 1 worker": ("--engine", "ray", "--workers", 1),
        "Ray, 2 workers": ("--engine", "ray", "--workers", 2),
    }  # fmt: skip
    with cluster(2):
        for number, (way, words) in enumerate(ways.items()):
            folder = place / f"timed{number}-{os.getpid()}"
            job = score(place, [str(names)], folder.name, *words, "--quiet")
            until(job, folder, 50, [])
            started, first = time.monotonic(), rows_in(folder)
            job.wait()
            rate = (len(clips) - first) / (time.monotonic() - started)
            print(f"{way:15} {rate:6.1f} files/s", flush=True)


def main() -> int:
    """Run the trial; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--timed", type=int, default=1000)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "ray_nodes")
    given = parser.parse_args()
    place, files = given.folder.absolute(), given.folder.absolute() / "files"
    make_files(files, given.files)
    if not (place / "own" / "run").is_dir():
        own = graded_clips(place / "own")
        words = ["data=csv", f"data.labels={own / 'labels.csv'}", "data.mos_range=[1,5]"]
        words += ["model=svr", "features=multiscale", f"folder={own / 'run'}", "threads=1"]
        vqa(place, "train", *words, f"paths.cache={own / 'cache'}").wait()
    names, started = places(files), time.monotonic()
    score(place, names, "one", "--quiet").wait()
    print(f"one process: {time.monotonic() - started:.0f} s", flush=True)
    memory = through_kills(place, names, given.files)
    steps = [memory[i * (len(memory) - 1) // 10] for i in range(11)]
    print("driver, MiB over time:", ", ".join(f"{mib:.0f}" for mib in steps), flush=True)
    fine = same(place, given.files)
    if given.timed:
        time_all(place, files, given.timed)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
