"""Score thousands of short files, kill the job, and compare: rows, and resident memory over time.

Run: python -m benchmarks.streaming [--files 10000] [--kills 2] [--workers 1]

Makes the files, trains a small model, scores the files undisturbed, then again with `kill -9` in
between, both without a feature cache. The status is 1 if the outputs differ in a byte.
"""

import argparse
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tests.clips import write_clip
from tests.fakes import graded_clips
from tests.places import ROOT

SIZE, FRAMES = (64, 48), 8
OUTPUTS = ("scores.csv", "scores.timeline.csv", "scores.jsonl", "scores.parquet")
STEPS = 10  # rows of the table of memory
MIB = 2**20


def make_clips(folder: Path, count: int) -> None:
    """Write short clips of different content."""
    for number in range(count):
        place = folder / f"{number // 500:02d}"
        place.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(number)
        scene = rng.integers(0, 256, (SIZE[1] + FRAMES, SIZE[0], 3), dtype=np.uint8)
        write_clip(
            place / f"{number:05d}.mp4", FRAMES, size=SIZE,
            picture=lambda index, width, height, scene=scene: scene[index : index + height],
        )  # fmt: skip


def vqa(*words: object, place: Path) -> subprocess.Popen:
    """Start a command."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with (place / "log.txt").open("a", encoding="utf-8") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "vqa", *map(str, words)],
            cwd=place, env=environment, stdout=log, stderr=log,
        )  # fmt: skip


def resident_mib(pid: int) -> float:
    """Return the resident memory of a process and its children."""
    total = 0
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        for one in [pid, *map(int, children)]:
            pages = int(Path(f"/proc/{one}/statm").read_text(encoding="ascii").split()[1])
            total += pages * os.sysconf("SC_PAGESIZE")
    except (OSError, IndexError):
        return 0.0
    return total / MIB


def watched(job: subprocess.Popen, partial: Path) -> Iterator[tuple[int, float]]:
    """Yield the number of rows so far and the resident memory, until the job ends."""
    rows = size = 0
    while job.poll() is None:
        if partial.is_file():
            with partial.open("rb") as file:
                file.seek(size)
                data = file.read()
            size, rows = size + len(data), rows + data.count(b"\n")
        yield rows, resident_mib(job.pid)
        time.sleep(0.2)


def digests(place: Path) -> dict[str, str]:
    """Return the hash of each output."""
    return {name: hashlib.sha256((place / name).read_bytes()).hexdigest() for name in OUTPUTS}


def main() -> int:
    """Print the memory over time and whether the outputs are equal."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="streaming-"))
    own = graded_clips(root / "own", count=16)
    training = (
        "train", "data=csv", f"data.labels={own / 'labels.csv'}", "data.mos_range=[1,5]",
        "model=svr", "features=multiscale", f"folder={root / 'run'}",
        f"paths.cache={root / 'cache'}",
    )  # fmt: skip
    if vqa(*training, place=root).wait():
        raise RuntimeError((root / "log.txt").read_text(encoding="utf-8")[-2000:])
    make_clips(root / "clips", given.files)
    words = (
        "score", root / "run", root / "clips", "--quiet", "--workers", given.workers,
        *("-o", "scores.jsonl", "--csv", "scores.csv", "--parquet", "scores.parquet"),
    )  # fmt: skip
    places = root / "undisturbed", root / "killed"
    for place in places:
        place.mkdir()

    started, memory = time.monotonic(), {}
    job = vqa(*words, place=places[0])
    for rows, mib in watched(job, places[0] / "scores.jsonl.partial"):
        if mib:
            memory[rows * STEPS // given.files] = (rows, mib)
    seconds = time.monotonic() - started
    if job.wait():
        raise RuntimeError((places[0] / "log.txt").read_text(encoding="utf-8")[-2000:])
    print(f"{given.files} files in {seconds:.0f} s, {given.files / seconds:.1f} files/s")
    print("| Rows | Resident memory, MiB |\n|---:|---:|")
    for rows, mib in memory.values():
        print(f"| {rows} | {mib:.0f} |")

    for kill in range(given.kills + 1):
        limit = given.files * (kill + 1) // (given.kills + 1)
        job = vqa(*words, place=places[1])
        for rows, _ in watched(job, places[1] / "scores.jsonl.partial"):
            if rows >= limit and kill < given.kills:
                job.send_signal(signal.SIGKILL)
                print(f"kill -9 at {rows} rows")
                break
        job.wait()
    same = digests(places[0]) == digests(places[1])
    print(f"outputs of both jobs: {'identical' if same else 'different'}")
    if same:
        shutil.rmtree(root)
    return int(not same)


if __name__ == "__main__":
    sys.exit(main())
